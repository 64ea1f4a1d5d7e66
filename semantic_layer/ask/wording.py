"""Numbers and periods as people say them: 12,340 EUR, 8.2 %, March 2026, the week of 2 March 2026."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from semantic_layer.metrics.models import Grain

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October"),
    *("November", "December"),
)
DAYS_OF_A_WEEK = 7
MONTHS_OF_A_QUARTER = 3


@dataclass(frozen=True)
class Span:
    """Days from the first to the last, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


def start_of(grain: Grain, day: date) -> date:
    """The first day of the period that a day is in; weeks begin on Monday."""
    match grain:
        case Grain.WEEK:
            return day - timedelta(days=day.weekday())
        case Grain.MONTH:
            return day.replace(day=1)
        case Grain.QUARTER:
            return day.replace(month=day.month - (day.month - 1) % MONTHS_OF_A_QUARTER, day=1)
        case Grain.YEAR:
            return day.replace(month=1, day=1)
    return day


def period_of(grain: Grain, day: date) -> Span:
    """The whole period that a day is in."""
    first = start_of(grain, day)
    days = {Grain.WEEK: 7, Grain.MONTH: 31, Grain.QUARTER: 92, Grain.YEAR: 366}.get(grain, 1)
    # A day that is surely in the next period, and back to that one's start.
    return Span(first, start_of(grain, first + timedelta(days=days)) - timedelta(days=1))


def named_grain(span: Span) -> Grain | None:
    """The period of the calendar that these days are, where they are one."""
    for grain in (Grain.DAY, Grain.WEEK, Grain.MONTH, Grain.QUARTER, Grain.YEAR):
        if period_of(grain, span.first) == span:
            return grain
    return None


def period_name(span: Span, beside: date | None = None) -> str:
    """March 2026, Q1 2026, the week of 2 March 2026, 1 to 15 March 2026; without the year where `beside` has it."""
    year = "" if beside is not None and beside.year == span.first.year == span.last.year else f" {span.first.year}"
    match named_grain(span):
        case Grain.DAY:
            return _day(span.first) + year
        case Grain.WEEK:
            return f"the week of {_day(span.first)}{year}"
        case Grain.MONTH:
            return MONTHS[span.first.month - 1] + year
        case Grain.QUARTER:
            return f"Q{(span.first.month - 1) // MONTHS_OF_A_QUARTER + 1}{year}"
        case Grain.YEAR:
            return str(span.first.year)
    if span.first.year != span.last.year:
        return f"{_day(span.first)} {span.first.year} to {_day(span.last)} {span.last.year}"
    if span.first.month != span.last.month:
        return f"{_day(span.first)} to {_day(span.last)}{year}"
    return f"{span.first.day} to {_day(span.last)}{year}"


def within(span: Span, beside: date | None = None) -> str:
    """`in March 2026`, `on 5 March 2026`, `from 1 to 15 March 2026`."""
    grain = named_grain(span)
    preposition = "on" if grain is Grain.DAY else "in" if grain else "from"
    return f"{preposition} {period_name(span, beside)}"


def grain_name(grain: Grain, day: date, beside: date | None = None) -> str:
    """The name of a period by its grain and first day."""
    return period_name(period_of(grain, day), beside)


def short_period(value: date, grain: Grain) -> str:
    """For tables: 2026-03, 2026-Q1, 2026, a day, or the Monday of a week."""
    match grain:
        case Grain.HOUR:
            return f"{value:%Y-%m-%d %H:%M}"
        case Grain.MONTH:
            return f"{value:%Y-%m}"
        case Grain.QUARTER:
            return f"{value.year}-Q{(value.month + 2) // MONTHS_OF_A_QUARTER}"
        case Grain.YEAR:
            return str(value.year)
    return str(value.date() if isinstance(value, datetime) else value)


def _day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]}"


def say_number(value: float, form: str, currency: str = "") -> str:
    """A value in the format of its metric; `currency` is the code behind amounts of money."""
    match form:
        case "percent":
            return percent(value)
        case "currency":
            return f"{_amount(value)} {currency}".rstrip()
        case "seconds":
            return duration(value)
        case "milliseconds":
            return duration(value / 1000) if abs(value) >= 10_000 else f"{value:,.0f} ms"
        case "score":
            return f"{value:,.1f}".removesuffix(".0")
    return _plain(value)


def percent(share: float) -> str:
    """Of 1, with the digits that tell something: 43.8 %, 0.12 %, 120 %."""
    return f"{_digits(share * 100)} %"


def points(difference: float) -> str:
    """Between two shares of 1: `1.2 points`."""
    shown = _digits(abs(difference) * 100)
    return f"{shown} {'point' if shown == '1' else 'points'}"


def duration(seconds: float) -> str:
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return sign + f"{seconds / size:,.1f}".removesuffix(".0") + f" {unit}"
    if 0 < seconds < 1:
        return f"{sign}{seconds * 1000:.0f} ms"
    return sign + f"{seconds:.1f}".removesuffix(".0") + " s"


def _amount(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:,.2f}"


def _plain(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return _digits(value)


def _digits(value: float) -> str:
    """At least one decimal of what is no whole number, and more of what is small."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "–"
    decimals = 1 if abs(value) >= 1 else min(1 - math.floor(math.log10(abs(value))), 6)
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plural(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def inside(label: str) -> str:
    """A label in the middle of a sentence: `revenue`, but `MRR` and `D7 retention`."""
    return label if len(label) > 1 and (label[1].isupper() or label[1].isdigit()) else label[:1].lower() + label[1:]


def was(label: str) -> str:
    """`Revenue was`, `Orders were`, `Sessions per user were`."""
    head = re.split(r" (?:per|of|in|on|from|to|by|with|who|after|within|over|at) | \(", label)[0]
    many = head.endswith("s") and not head.endswith(("ss", "us", "is"))
    return f"{label} {'were' if many else 'was'}"


def listed(parts: list[str]) -> str:
    """a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
