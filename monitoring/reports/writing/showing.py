"""What people see of an answer, in HTML and PDF alike: its picture, and its values in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from monitoring.reports.contents import Part
from semantic_layer.ask.changes import say
from semantic_layer.ask.charts import ChartType
from semantic_layer.ask.drawing.files import drawing_bytes
from semantic_layer.ask.drawing.scales import text_of
from semantic_layer.ask.drawing.vega import specification
from semantic_layer.ask.table import Column, Role, Table
from semantic_layer.ask.wording import percent, short_period

NOTHING = "–"
WITHOUT_PICTURE = (ChartType.TABLE, ChartType.BIG_NUMBER)  # the table itself says it


@dataclass(frozen=True)
class Cell:
    text: str
    value: Any = None  # the number that it tells


@dataclass(frozen=True)
class Grid:
    heads: tuple[str, ...]
    are_numbers: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]


def grid(table: Table) -> Grid:
    """The table as people read it: of figures without time and groups each is a row."""
    if len(table.rows) == 1 and not table.of(Role.TIME) and not table.of(Role.CATEGORY):
        return _figures(table)
    are_numbers = tuple(column.role not in (Role.TIME, Role.CATEGORY) for column in table.columns)
    rows = tuple(
        tuple(_cell(table, column, value) for column, value in zip(table.columns, row, strict=True))
        for row in table.rows
    )
    return Grid(tuple(column.label for column in table.columns), are_numbers, rows)


def _figures(table: Table) -> Grid:
    beside = [role for role in (Role.PREVIOUS, Role.CHANGE) if table.of(role)]
    heads = ("Figure", "Value", *("Before" if role is Role.PREVIOUS else "Change" for role in beside))

    def cells(metric: Column) -> Iterator[Cell]:
        yield Cell(metric.label)
        for column in (metric, *(table.companion(metric, role) for role in beside)):
            yield _cell(table, column, table.values(column)[0]) if column else Cell(NOTHING)

    return Grid(heads, (False, *[True] * (len(heads) - 1)), tuple(tuple(cells(one)) for one in table.of(Role.METRIC)))


def _cell(table: Table, column: Column, value: Any) -> Cell:
    is_number = column.role not in (Role.TIME, Role.CATEGORY)
    return Cell(_shown(table, column, value), value if is_number else None)


def _shown(table: Table, column: Column, value: Any) -> str:
    if column.role is Role.CATEGORY:
        return text_of(value)
    if value is None:
        return NOTHING
    if column.role is Role.TIME:
        return short_period(value, column.grain) if column.grain and isinstance(value, date) else str(value)
    if column.role is Role.CHANGE:
        return f"{'+' if value > 0 else ''}{percent(value)}"
    return say(table, column, value)


def picture(part: Part, suffix: str) -> bytes | None:
    """.svg or .png; nothing of what a table says as well."""
    answer = part.answer
    if answer.chart.type in WITHOUT_PICTURE:
        return None
    return drawing_bytes(specification(answer.table, answer.chart, answer.subtitle), suffix)
