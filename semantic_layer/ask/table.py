"""The rows of an answer, with what each column means: what readings and charts are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from semantic_layer.metrics.models import Grain


class Role(StrEnum):
    TIME = "time"
    CATEGORY = "category"
    METRIC = "metric"
    PREVIOUS = "previous"  # a metric in the period that is compared with
    CHANGE = "change"  # of a metric since then
    SHARE = "share"  # of a metric in its total


@dataclass(frozen=True)
class Column:
    name: str
    type: str  # as the warehouse has it
    label: str
    role: Role
    format: str = "number"  # as in catalogue.Metric
    good: str = "neutral"
    adds_up: bool = False  # whether parts of it make a whole: orders do, rates and people do not
    metric: str = ""  # of METRIC, PREVIOUS, CHANGE and SHARE: which
    grain: Grain | None = None  # of TIME
    at_the_end: bool = False  # what there is on the last day of the time that is asked for


@dataclass(frozen=True)
class Table:
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    currency: str = ""
    last_day: date | None = None  # the last day of which there is data: a period that ends later is not over
    final_day: date | None = None  # the last day whose values may not change any more, where that is an earlier one
    first_day: date | None = None  # the first of which there is data
    asked: tuple[date | None, date | None] = (None, None)  # the range of the question
    cut: bool = False  # rows of it were left out, by a limit or a threshold
    backwards: bool = False  # paths that lead to an event

    def of(self, role: Role) -> list[Column]:
        return [column for column in self.columns if column.role is role]

    def values(self, column: Column) -> list[Any]:
        place = self.columns.index(column)
        return [row[place] for row in self.rows]

    def companion(self, metric: Column, role: Role) -> Column | None:
        """The previous value, the change or the share of a metric, where the answer has it."""
        return next((column for column in self.of(role) if column.metric == metric.name), None)


def records(table: Table) -> list[dict[str, Any]]:
    return [dict(zip((column.name for column in table.columns), row, strict=True)) for row in table.rows]


def distinct(values: Sequence[Any]) -> list[Any]:
    """Each once, in the order in which they first come."""
    return list(dict.fromkeys(values))
