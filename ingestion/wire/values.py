"""The small values that every dialect has: identifiers, times, numbers, and whether JSON is fit to be kept."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

# What SDKs send where a variable was empty. Taken for ids, they would merge all such people into one.
_NOBODY = frozenset(
    {
        "null",
        "undefined",
        "none",
        "nil",
        "<nil>",
        "nan",
        "[object object]",
        "00000000-0000-0000-0000-000000000000",
    }
)


def identifier(value: object) -> str | None:
    """An id as text: 42 and 42.0 are `42`; null, booleans, objects, blanks and `undefined` are no id."""
    if type(value) is str:
        if len(value) <= 36 and value.lower() in _NOBODY:
            return None
        return value.strip() or None
    if type(value) is int:
        return str(value)
    if type(value) is float and math.isfinite(value):
        return str(int(value)) if value.is_integer() else repr(value)
    return None


def text(value: object) -> str | None:
    """A string that says something, else None."""
    return value if type(value) is str and value else None


def number(value: object) -> int | float | None:
    """A number, also one sent as text (`"24.95"`), else None."""
    if type(value) is int or type(value) is float:
        return value
    if type(value) is str and "_" not in value:  # int() reads 1_000
        for kind in (int, float):
            try:
                parsed: int | float = kind(value)
            except ValueError:
                continue
            # JSON has no infinity, and beyond 64 bits its readers disagree on what an integer is.
            fits = abs(parsed) < 2**63 if kind is int else math.isfinite(parsed)
            return parsed if fits else None
    return None


def rfc3339(value: object) -> str:
    """An instant as `2026-01-31T12:00:00.000Z`; ValueError where it cannot be read.

    Reads ISO 8601 (without an offset it is UTC), HTTP dates, and epochs in seconds, milliseconds,
    microseconds or nanoseconds, as number or text: the magnitude tells the unit. Finer than a millisecond is
    cut, not rounded, as the warehouse does.
    """
    if type(value) is str:
        return _from_text(value)
    if type(value) is int or type(value) is float:
        return _from_epoch(value)
    raise ValueError("not a time")


def rfc3339_or_none(value: object) -> str | None:
    """The same, for times that help but are not needed (when it was sent): what cannot be read is left out."""
    if value is None:
        return None
    try:
        return rfc3339(value)
    except ValueError:
        return None


def deeper_than(value: Any, levels: int) -> bool:
    """Whether objects and lists nest deeper than `levels`; walks level by level, so no depth can exhaust it."""
    level = [value] if type(value) is dict or type(value) is list else []
    while level:
        if levels == 0:
            return True
        levels -= 1
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) is dict or type(child) is list
        ]
    return False


def _from_text(value: str) -> str:
    # The form most SDKs send is the form we keep: check it, and hand it back. `2026-W05-6` has the same length.
    if len(value) == 24 and value[10] == "T" and value[19] == "." and value[23] == "Z" and value[5] != "W":
        datetime.fromisoformat(value)
        return value
    value = value.strip()
    # Digits first: fromisoformat reads 1612111112345 as the year 1612. Eight digits are a date, 20260131.
    if len(value) > 8 and value.replace(".", "", 1).isdecimal():
        return _from_epoch(float(value) if "." in value else int(value[:25]))
    if value.endswith((" UTC", " GMT")) and value[3:4] != ",":
        value = value[:-4]
    try:
        instant = parsedate_to_datetime(value) if value[3:4] == "," else datetime.fromisoformat(value)
        instant = instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (OverflowError, TypeError, IndexError) as error:
        raise ValueError(str(error)) from None
    return f"{instant.isoformat(timespec='milliseconds')[:23]}Z"


def _from_epoch(value: int | float) -> str:
    if not 0 <= value < 1e20:  # NaN fails this as well
        raise ValueError("not an epoch")
    if value < 1e11:  # seconds, until the year 5138; milliseconds below that are before 1973-03-03
        milliseconds = int(value * 1000)
    elif value < 1e14:
        milliseconds = int(value)
    elif value < 1e17:
        milliseconds = int(value) // 1000
    else:
        milliseconds = int(value) // 1_000_000
    seconds, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC).isoformat()[:19]}.{rest:03d}Z"
