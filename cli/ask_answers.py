"""Answers to questions, for people at a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from cli.output import console, print_sentence, print_text, say_sentence

if TYPE_CHECKING:
    from semantic_layer.ask.answering import Answer
    from semantic_layer.ask.table import Column, Table

SHOWN_ROWS = 100
LONGEST_NAME = 30  # that is never broken


def show_answer(answer: Answer, explain: bool = False) -> None:
    from semantic_layer.ask.charts import ChartType
    from semantic_layer.metrics.models import MetricQuery

    drawn = sys.stdout.isatty()
    if not isinstance(answer.understood.query, MetricQuery):
        from cli.journey_tables import show

        show(answer.understood.query, answer.details)
    else:
        print_sentence(f"{answer.title}; {answer.subtitle}.")
        if not drawn or answer.chart.type is not ChartType.BIG_NUMBER:
            _print_table(_pivoted(answer.table))
    # The tables of the other journeys are charts already.
    if drawn and (isinstance(answer.understood.query, MetricQuery) or answer.chart.type is ChartType.STACKED):
        from cli.ask_charts import draw

        draw(answer)
    print_sentence(answer.reading)
    print_sentence(f"Chart: {answer.chart.type}. {answer.chart.reason}")
    for definition in answer.definitions:
        made_of = f" ({definition.made_of})" if definition.made_of else ""
        print_sentence(f"{definition.label}: {definition.description}{made_of}")
    if explain:
        for sql in answer.sql:
            print_text(f"\n{sql}\n")
    for number, suggestion in enumerate(answer.suggestions):
        print_sentence(f"{'Ask next: ' if number == 0 else '          '}{suggestion}", indent=12)
    for remark in answer.remarks:
        say_sentence(remark)


def _print_table(table: Table) -> None:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    from semantic_layer.ask.table import Role

    grid = Grid(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, collapse_padding=True)
    for column in table.columns:
        number = column.role not in (Role.TIME, Role.CATEGORY)
        longest = max((len(cell(table, column, value)) for value in table.values(column)), default=0)
        # A name is rather whole, and a heading or an amount broken between its words.
        whole = not number and longest <= LONGEST_NAME
        grid.add_column(Text(column.label), justify="right" if number else "left", overflow="fold", no_wrap=whole)
    for row in table.rows[:SHOWN_ROWS]:
        grid.add_row(*(Text(cell(table, column, value)) for column, value in zip(table.columns, row, strict=True)))
    console().print(grid)
    if len(table.rows) > SHOWN_ROWS:
        print_text(f"The first {SHOWN_ROWS} of {len(table.rows):,} rows; --format json has all.")


def _pivoted(table: Table) -> Table:
    """A row for each value with a column for each period, or a row for each period with a column for each value, where
    that fits: easier to read than below each other."""
    from dataclasses import replace

    from cli.ask_charts import short_time
    from semantic_layer.ask.periods import periods
    from semantic_layer.ask.table import Role, distinct

    times, categories, metrics = table.of(Role.TIME), table.of(Role.CATEGORY), table.of(Role.METRIC)
    if (len(times), len(categories), len(metrics), len(table.columns)) != (1, 1, 1, 3):
        return table
    (time,), (category,), (metric,) = times, categories, metrics
    moments, values = distinct(sorted(table.values(time))), distinct(table.values(category))
    names = {period.start: short_time(table, period.moment) for period in periods(table, time)}
    keys = zip(table.values(category), table.values(time), strict=True)
    cells = dict(zip(keys, table.values(metric), strict=True))
    across = [replace(metric, name=str(moment), label=names[moment]) for moment in moments]
    rows = [(value, *(cells.get((value, at)) for at in moments)) for value in values]
    down = [replace(metric, name=str(value), label=cell(table, category, value)) for value in values]
    turned = [(at, *(cells.get((value, at)) for value in values)) for at in moments]
    ways = [
        replace(table, columns=(category, *across), rows=tuple(rows)),
        replace(table, columns=(time, *down), rows=tuple(turned)),
    ]
    if metric.format == "currency":  # told once, where each cell has no room for it
        heads = [replace(way.columns[0], label=f"{way.columns[0].label} ({table.currency})") for way in ways]
        ways += [
            replace(way, columns=(head, *way.columns[1:]), currency="") for way, head in zip(ways, heads, strict=True)
        ]
    return next((way for way in ways if _width(way) <= console().width), table)


def _width(table: Table) -> int:
    between = 2
    return sum(
        between + max(len(column.label), *(len(cell(table, column, value)) for value in table.values(column)))
        for column in table.columns
    )


def cell(table: Table, column: Column, value: Any) -> str:
    from datetime import date

    from semantic_layer.ask.changes import say as say_value
    from semantic_layer.ask.reading import NOBODY
    from semantic_layer.ask.table import Role
    from semantic_layer.ask.wording import percent

    if column.role is Role.CATEGORY:
        return NOBODY if value in (None, "") else str(value)
    if value is None:
        return ""
    if column.role is Role.TIME or isinstance(value, date):
        return str(value)
    if column.role is Role.CHANGE:
        return f"{'+' if value > 0 else ''}{percent(value)}"
    return say_value(table, column, value) if isinstance(value, int | float) else str(value)
