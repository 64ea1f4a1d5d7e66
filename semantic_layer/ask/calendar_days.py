"""Days, weeks, months, quarters and years of the calendar. Weeks begin on Monday."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from semantic_layer.metrics.models import Grain

DAY = timedelta(days=1)
MONTHS_OF = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}


@dataclass(frozen=True)
class Days:
    """From the first to the last, both included; None: without a bound. `unit` where they are (a part of) one calendar
    period."""

    first: date | None
    last: date | None
    unit: Grain | None = None

    @property
    def length(self) -> int | None:
        return (self.last - self.first).days + 1 if self.first and self.last else None

    def __str__(self) -> str:
        if self.first and self.last:
            return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"
        if self.first or self.last:
            return f"since {self.first}" if self.first else f"until {self.last}"
        return "all days with data"


def start_of(unit: Grain, day: date) -> date:
    if unit is Grain.WEEK:
        return day - timedelta(days=day.weekday())
    if unit in MONTHS_OF:
        return day.replace(month=day.month - (day.month - 1) % MONTHS_OF[unit], day=1)
    return day


def shifted(unit: Grain, day: date, periods: int) -> date:
    """The start of the period so many periods after the one that the day is in."""
    start = start_of(unit, day)
    if unit not in MONTHS_OF:
        return start + timedelta(days=periods * (7 if unit is Grain.WEEK else 1))
    months = start.year * 12 + start.month - 1 + periods * MONTHS_OF[unit]
    return date(months // 12, months % 12 + 1, 1)


def period(unit: Grain, day: date) -> Days:
    """The whole period that the day is in."""
    return Days(start_of(unit, day), shifted(unit, day, 1) - DAY, unit)


def a_year_before(days: Days) -> Days:
    return Days(_year_before(days.first), _year_before(days.last), days.unit)


def _year_before(day: date | None) -> date | None:
    if day is None:
        return None
    # 29 February has no day a year before: the last of the month.
    return day.replace(year=day.year - 1, day=min(day.day, 28) if day.month == 2 else day.day)


def just_before(days: Days) -> Days | None:
    """What lies before: the calendar period before where it is one, else as many days."""
    if days.first is None or days.last is None:
        return None
    if days.unit:
        return period(days.unit, days.first - DAY)
    if days.first.day == 1 and (days.last + DAY).day == 1:
        months = 12 * (days.last.year - days.first.year) + days.last.month - days.first.month + 1
        return Days(shifted(Grain.MONTH, days.first, -months), days.first - DAY)
    return Days(days.first - (days.last - days.first) - DAY, days.first - DAY)


def recognised(first: date | None, last: date | None, today: date) -> Days:
    """With the calendar period that the days are, or are so far."""
    for unit in (Grain.DAY, Grain.WEEK, Grain.MONTH, Grain.QUARTER, Grain.YEAR):
        if first and first == start_of(unit, first) and last in (period(unit, first).last, today):
            whole = period(unit, first)
            if whole.last and last and first <= last <= whole.last:
                return Days(first, last, unit)
    return Days(first, last)
