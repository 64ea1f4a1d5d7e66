"""The same by hand: periods of a clock, and rows as they are compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from tests.integration.conformance.shop import BERLIN, FIRST, LAST

Row = TypeVar("Row")
DAYS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]


def grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    found = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)


def counts(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, int]:
    return {group: len(members) for group, members in grouped(rows, key).items()}


def period(moment: datetime, grain: str, clock: ZoneInfo = BERLIN) -> date:
    """The period of a moment by the clock of a place: from the hour down an instant, from the day up a date."""
    here = moment.astimezone(clock)
    match grain:
        case "second":
            return moment
        case "minute":
            return moment.replace(second=0)
        case "hour":
            return here.replace(minute=0, second=0).astimezone(UTC)
    return period_of_day(here.date(), grain)


def period_of_day(day: date, grain: str) -> date:
    match grain:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(day=1, month=(day.month - 1) // 3 * 3 + 1)
    return day.replace(day=1, month=1)


def month_before(day: date) -> date:
    """The same day of the month before, or its last where it is shorter."""
    last = day.replace(day=1) - timedelta(days=1)
    return last.replace(day=min(day.day, last.day))


def table(rows: Iterable[tuple[Any, ...]]) -> dict[Any, Any]:
    """Rows of keys and one value, by keys; each key once."""
    listed = [tuple(map(plain, row)) for row in rows]
    found = {row[0] if len(row) == 2 else row[:-1]: row[-1] for row in listed}
    assert len(found) == len(listed)
    return found


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return round(float(value), 9) if isinstance(value, Decimal | float) else value


def expected(found: dict[Any, Any]) -> dict[Any, Any]:
    return {key: plain(value) for key, value in found.items()}


def inclusive(values: list[int], share: float) -> float:
    ordered, place = sorted(values), share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def discrete(values: list[int], hundredths: int) -> int:
    return sorted(values)[max(-(-hundredths * len(values) // 100), 1) - 1]


def within(first: date, last: date) -> dict[str, datetime]:
    """A range of days, as MetricFlow is asked for it."""
    return {
        "time_constraint_start": datetime.combine(first, datetime.min.time()),
        "time_constraint_end": datetime.combine(last, datetime.min.time()),
    }
