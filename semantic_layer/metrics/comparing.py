"""The days that a range of days is compared with, and how their periods stand beside those of the range."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

from semantic_layer.metrics.models import Compare, Grain
from warehouse.errors import WrongUsage

MONTHS_OF = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}
MONTHS_OF_A_YEAR = 12
DAYS_OF_A_WEEK = 7
DAYS_OF_52_WEEKS = 364  # a year before, and the same day of the week
MONTHS_BACK = {Compare.MONTH: 1, Compare.QUARTER: 3, Compare.YEAR: MONTHS_OF_A_YEAR}
# The grains of which each period has one that lies so far back.
SHORTER = (None, Grain.HOUR, Grain.DAY)
FITTING = {
    Compare.WEEK: (*SHORTER, Grain.WEEK),
    Compare.MONTH: (*SHORTER, Grain.MONTH),
    Compare.QUARTER: (*SHORTER, Grain.MONTH, Grain.QUARTER),
}


@dataclass(frozen=True)
class Shift:
    """How far back: so many months, or days."""

    months: int = 0
    days: int = 0

    @property
    def sql(self) -> str:
        return f"toIntervalMonth({self.months})" if self.months else f"toIntervalDay({self.days})"


@dataclass(frozen=True)
class Compared:
    shift: Shift
    # None: nothing of the range was there so far back, as of 29 February alone a year before.
    days: tuple[date, date] | None


def period_first(day: date, grain: Grain) -> date:
    """The first day of the period that a day is in; weeks begin on Monday."""
    if grain is Grain.WEEK:
        return day - timedelta(days=day.weekday())
    if grain in MONTHS_OF:
        return day.replace(month=day.month - (day.month - 1) % MONTHS_OF[grain], day=1)
    return day


def period_last(day: date, grain: Grain) -> date:
    first = period_first(day, grain)
    if grain in MONTHS_OF:
        return _months_back(first, -MONTHS_OF[grain]) - timedelta(days=1)
    return first + timedelta(days=DAYS_OF_A_WEEK - 1 if grain is Grain.WEEK else 0)


def compared(first: date, last: date, grain: Grain | None, compare: Compare) -> Compared:
    """What the days from first to last are compared with, grouped by this grain of time or by none.

    The grain is the unit of the distance, so that each period has one that it is compared with. Without one it is the
    range itself: months where it is whole months, else days.
    """
    if not fits(compare, grain):
        listed = ", ".join(one for one in FITTING[compare] if one)
        raise WrongUsage(
            f"By {grain} there is nothing to see beside the same days a {compare} before.",
            hint=f"Group by {listed} or by no time, or compare with `previous`.",
        )
    if compare is Compare.WEEK:
        return _by_days(first, last, DAYS_OF_A_WEEK)
    if compare in MONTHS_BACK:
        if grain is Grain.WEEK:
            return _by_days(first, last, DAYS_OF_52_WEEKS)
        whole = grain in MONTHS_OF or (grain is None and _is_whole_months(first, last))
        return _by_months(first, last, MONTHS_BACK[compare], whole)
    length = (last - first).days + 1
    if grain is Grain.WEEK:
        return _by_days(first, last, -(-length // DAYS_OF_A_WEEK) * DAYS_OF_A_WEEK)
    if grain in MONTHS_OF or (grain is None and _is_whole_months(first, last)):
        unit = MONTHS_OF[grain] if grain else 1
        months = unit
        while _end_months_back(last, months) >= first:
            months += unit
        return _by_months(first, last, months, True)
    return _by_days(first, last, length)


def fits(compare: Compare, grain: Grain | None) -> bool:
    return compare not in FITTING or grain in FITTING[compare]


def _by_days(first: date, last: date, days: int) -> Compared:
    distance = timedelta(days=days)
    return Compared(Shift(days=days), (first - distance, last - distance))


def _by_months(first: date, last: date, months: int, to_the_end: bool) -> Compared:
    """`to_the_end`: the last day of a month stands for its end, whatever day that is."""
    begin = _months_back(first, months)
    end = _end_months_back(last, months) if to_the_end else _months_back(last, months)
    if not to_the_end and begin.day < first.day:
        begin += timedelta(days=1)  # 31 May has no day a month before: what comes after it has
    return Compared(Shift(months=months), (begin, end) if begin <= end else None)


def _is_whole_months(first: date, last: date) -> bool:
    return first.day == 1 and last == period_last(last, Grain.MONTH)


def _end_months_back(last: date, months: int) -> date:
    """The same, where the last day of a month stands for its end."""
    end = _months_back(last, months)
    return period_last(end, Grain.MONTH) if last == period_last(last, Grain.MONTH) else end


def _months_back(day: date, months: int) -> date:
    """The same day so many months before, or the last that its month has."""
    count = day.year * MONTHS_OF_A_YEAR + day.month - 1 - months
    year, month = count // MONTHS_OF_A_YEAR, count % MONTHS_OF_A_YEAR + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
