"""Text for arrays: columns of strings put together by Arrow, never event by event.

All columns are Arrow string arrays without nulls; "nothing" is the empty string.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Words = NDArray[np.uint64]
Column: TypeAlias = Any  # pa.StringArray, or str: a plain string stands for the same text in every row

_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_DAY_MS = 86_400_000
_QUOTES = {"text": ('"', '"'), "raw": ("", ""), "object": ("{", "}")}


def join(*columns: Column) -> pa.StringArray:
    """The columns side by side, as one text."""
    return pc.binary_join_element_wise(*columns, "")


def take(words: Sequence[str], index: Ints) -> pa.StringArray:
    return pa.array(words, type=pa.string()).take(pa.array(index))


def where(condition: Bools, column: Column, otherwise: Column = "") -> pa.StringArray:
    return pc.if_else(pa.array(condition), column, otherwise)


def numbers(values: Ints) -> pa.StringArray:
    return pc.cast(pa.array(values), pa.string())


def padded(values: Ints, width: int) -> pa.StringArray:
    """The numbers with leading zeros."""
    digits = (values[:, None] // 10 ** np.arange(width - 1, -1, -1)) % 10
    return fixed((digits + ord("0")).astype(np.uint8))


def money(cents: Ints) -> pa.StringArray:
    """Cents as an amount with two digits: 2900 is 29.00."""
    return join(numbers(cents // 100), ".", padded(cents % 100, 2))


def booleans(values: Bools) -> pa.StringArray:
    return pc.if_else(pa.array(values), "true", "false")


def fixed(characters: NDArray[np.uint8]) -> pa.StringArray:
    """One string per row of a matrix of characters."""
    rows, width = characters.shape
    offsets = (np.arange(rows + 1) * width).astype(np.int32)
    data = np.ascontiguousarray(characters)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(data))


def uuids(high: Words, low: Words) -> pa.StringArray:
    """Random UUIDs (version 4) of two words each."""
    shifts = np.arange(60, -1, -4, dtype=np.uint64)
    nibbles = np.concatenate(
        [(high[:, None] >> shifts) & np.uint64(15), (low[:, None] >> shifts) & np.uint64(15)], axis=1
    ).astype(np.uint8)
    nibbles[:, 12] = 4
    nibbles[:, 16] = 8 + nibbles[:, 16] % 4
    out = np.full((len(high), 36), ord("-"), dtype=np.uint8)
    places = np.array([i for i in range(36) if i not in (8, 13, 18, 23)])
    out[:, places] = _HEX[nibbles]
    return fixed(out)


def mix(*words: Words | Ints | int) -> Words:
    """A word that depends on all of these and on nothing else (splitmix64)."""
    result: Words = np.uint64(0x243F6A8885A308D3) + np.zeros(1, dtype=np.uint64)
    for word in words:
        result = result ^ np.asarray(word).astype(np.uint64)
        result = result + np.uint64(0x9E3779B97F4A7C15)
        result = (result ^ (result >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        result = (result ^ (result >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        result = result ^ (result >> np.uint64(31))
    return result


def instants(milliseconds: Ints) -> pa.StringArray:
    """RFC 3339 with milliseconds: 2026-01-31T12:00:00.000Z."""
    if not len(milliseconds):
        return pa.array([], type=pa.string())
    day, rest = np.divmod(milliseconds, _DAY_MS)
    first = int(day.min())
    dates = _matrix([_date(first + d) for d in range(int(day.max()) - first + 1)])
    minute, rest = np.divmod(rest, 60_000)
    second, rest = np.divmod(rest, 1000)
    minutes, seconds, thousandths = _clock_faces()
    parts = (dates[day - first], minutes[minute], seconds[second], thousandths[rest])
    return fixed(np.concatenate(parts, axis=1))


def _date(day: int) -> str:
    return f"{(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)):%Y-%m-%d}T"


@lru_cache(maxsize=1)
def _clock_faces() -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    return (
        _matrix([f"{m // 60:02d}:{m % 60:02d}:" for m in range(1440)]),
        _matrix([f"{s:02d}." for s in range(60)]),
        _matrix([f"{t:03d}Z" for t in range(1000)]),
    )


def _matrix(words: list[str]) -> NDArray[np.uint8]:
    return np.array([list(word.encode()) for word in words], dtype=np.uint8)


def json_object(*fields: tuple[str, str, Column], opening: str = "", closing: str = "") -> pa.StringArray:
    """JSON objects, from (key, how, column), between `opening` and `closing` (braces, or nothing).

    `how`: text (quoted), raw (JSON as it is: numbers, true, lists) or object (the inside of braces); with `?` it
    is left out where empty.
    The texts are the world's own words, which need no escaping. Everything is joined in one go: each join copies.
    """
    parts: list[Column] = []
    constant, comma = opening, ""
    some_left_out = fields[0][1].endswith("?")
    for key, how, column in fields:
        begin, after = _QUOTES[how.removesuffix("?")]
        before = f'{comma}"{key}":{begin}'
        if isinstance(column, str):
            constant += before + column + after
        elif how.endswith("?"):
            if some_left_out and comma == "":
                before = f',"{key}":{begin}'
            pair = where(np.asarray(pc.not_equal(column, "")), join(before, column, after))
            parts += [constant, pair] if constant else [pair]
            constant = ""
        else:
            parts += [constant + before, column]
            constant = after
        comma = ","
    constant += closing
    whole = join(*parts, constant) if constant or len(parts) != 1 else parts[0]
    if not some_left_out:
        return whole
    # Nothing is sure to be the first field, so all of them bring a comma: the first one goes.
    assert not opening and not closing, "an object that may be empty is put into braces by its user"
    return without_first(whole)


def without_first(column: pa.StringArray) -> pa.StringArray:
    """Each text without its first character. Slow: for short texts only."""
    return pc.utf8_slice_codeunits(column, 1)
