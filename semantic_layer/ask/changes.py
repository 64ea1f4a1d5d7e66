"""How much a metric changed, in the words that fit its format, and whether that is good."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from semantic_layer.ask.table import Column, Table
from semantic_layer.ask.wording import percent, points, say_number

FOLD = 11  # so many times as much is said so, not as more than 1,000 %


class Direction(StrEnum):
    UP = "up"
    DOWN = "down"
    SAME = "same"
    NEW = "new"  # there was nothing before


@dataclass(frozen=True)
class Change:
    direction: Direction
    much: str = ""
    judged: str = ""  # better, worse; nothing of a metric that has no good direction

    @property
    def moved(self) -> bool:
        return self.direction in (Direction.UP, Direction.DOWN)

    def __str__(self) -> str:
        return f"{self.direction} {self.much}{f', {self.judged}' if self.judged else ''}" if self.moved else ""


def change(table: Table, metric: Column, before: float | None, after: float) -> Change:
    """In points between shares and scores, whose zero is nothing to compare with; relative to what was positive before;
    else as the difference itself."""
    shares, scores = metric.format == "percent", metric.format == "score"
    if before is None or (before == 0 and after != 0 and not (shares or scores)):
        return Change(Direction.NEW)
    difference = after - before
    if shares:
        much = points(difference)
    elif scores:
        shown = say(table, metric, abs(difference))
        much = f"{shown} {'point' if shown == '1' else 'points'}"
    elif before > 0:
        much = f"{after / before:,.0f}-fold" if after >= FOLD * before else percent(abs(difference) / before)
    else:
        much = say(table, metric, abs(difference))
    # What is shown as nothing is none.
    if difference == 0 or much.startswith("0 "):
        return Change(Direction.SAME)
    direction = Direction.UP if difference > 0 else Direction.DOWN
    judged = "" if metric.good == "neutral" else "better" if metric.good == direction else "worse"
    return Change(direction, much, judged)


def say(table: Table, metric: Column, value: float) -> str:
    return say_number(float(value), metric.format, table.currency)
