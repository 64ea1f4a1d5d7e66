"""The periods of a series, and which of them are there as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from semantic_layer.ask.table import Column, Table
from semantic_layer.ask.wording import Span, grain_name, period_of
from semantic_layer.metrics.models import Grain

A_LITTLE = 10  # one of so many parts


@dataclass(frozen=True)
class Period:
    """One period of a series: the part of it that is asked for and has data, and its name."""

    start: date | datetime
    name: str
    whole: bool
    preposition: str = "in"

    @property
    def within(self) -> str:
        return f"{self.preposition} {self.name}"

    @property
    def moment(self) -> str:
        """What it is sorted by."""
        return self.start.isoformat() if isinstance(self.start, date) else str(self.start)


def periods(table: Table, time: Column) -> list[Period]:
    return [_period(table, time, value) for value in table.values(time)]


def _period(table: Table, time: Column, value: Any) -> Period:
    if not isinstance(value, date) or time.grain is None:
        return Period(value, str(value), True)
    day = value.date() if isinstance(value, datetime) else value
    if time.grain is Grain.HOUR:
        clock = value.strftime("%H:%M") if isinstance(value, datetime) else "00:00"
        return Period(value, f"{grain_name(Grain.DAY, day)}, {clock}", True, "on")
    span = period_of(time.grain, day)
    first, last = table.asked
    ends = min((end for end in (last, table.last_day) if end), default=span.last)
    whole = span.last <= ends and (first is None or first <= span.first) and not _begins_late(table, span)
    whole = whole and not is_unfinished(span, table.final_day)
    return Period(value, grain_name(time.grain, day), whole, "on" if time.grain is Grain.DAY else "in")


def is_unfinished(span: Span, final_day: date | None) -> bool:
    """More than a little of it is of people who still have time to do what is counted."""
    return final_day is not None and (span.last - final_day).days > span.days / A_LITTLE


def _begins_late(table: Table, span: Span) -> bool:
    """Data that begin in the middle of a period; a day without any at its beginning is none. What has rows before the
    first event is not made of events, as subscriptions are not."""
    if table.first_day is None or not span.first < table.first_day <= span.last:
        return False
    return (table.first_day - span.first).days > span.days / A_LITTLE
