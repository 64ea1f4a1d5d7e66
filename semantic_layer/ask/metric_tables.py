"""Rows of metrics as a table with what each column means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from semantic_layer.ask.lexicon import EVENT_NAMES
from semantic_layer.ask.table import Column, Role, Table
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.checking import comparisons
from semantic_layer.metrics.models import CHANGE, METRIC_TIME, PREVIOUS, SHARE, MetricQuery
from semantic_layer.metrics.requests import column_of


def metric_table(
    query: MetricQuery, catalogue: Catalogue, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]
) -> Table:
    """`columns`: their names and types, as the answer of the query layer has them."""
    meanings = _meanings(query, catalogue)
    described = tuple(_described(meanings[name], kind) for name, kind in columns)
    facts = catalogue.projects[query.project]
    table = Table(
        columns=described,
        rows=tuple(tuple(_value(c, value) for c, value in zip(described, row, strict=True)) for row in rows),
        currency=facts.currency,
        last_day=facts.last_day,
        final_day=final_day(query, catalogue),
        first_day=facts.first_day,
        asked=(query.first_day, query.last_day),
        cut=bool(query.having) or (query.limit is not None and len(rows) >= query.limit),
    )
    return table if query.order or table.of(Role.TIME) else _largest_first(table)


def final_day(query: MetricQuery, catalogue: Catalogue) -> date | None:
    """The last day whose people have had the time that a metric gives them, where one gives them any."""
    window = max(catalogue.metrics[name].window_days for name in query.metrics)
    last = catalogue.projects[query.project].last_day
    return last - timedelta(days=window) if window and last else None


def _meanings(query: MetricQuery, catalogue: Catalogue) -> dict[str, Column]:
    found: dict[str, Column] = {}
    # More users are better, and more users with a cancellation are not: of single events nobody says what is good.
    of_an_event = any(EVENT_NAMES.fullmatch(one.dimension) for one in comparisons(query.where))
    for grouping in query.by:
        name = column_of(grouping.name, grouping.grain)
        if grouping.name == METRIC_TIME:
            label = str(grouping.grain or "time").capitalize()
        else:
            label = catalogue.dimensions[grouping.name].label
        # A time of the data itself, as the day of a sign-up, is a time as well.
        role = Role.TIME if grouping.grain else Role.CATEGORY
        found[name] = Column(name, "", label, role, grain=grouping.grain)
    for name in query.metrics:
        metric = catalogue.metrics[name]
        for suffix, role, label in (
            ("", Role.METRIC, metric.label),
            (PREVIOUS, Role.PREVIOUS, f"{metric.label} before"),
            (CHANGE, Role.CHANGE, "Relative change"),
            (SHARE, Role.SHARE, "Share of total"),
        ):
            form = "percent" if role in (Role.CHANGE, Role.SHARE) else metric.format
            column = f"{name}{suffix}"
            good = "neutral" if of_an_event else metric.good
            found[column] = Column(
                column, "", label, role, form, good, metric.adds_up, name, at_the_end=metric.at_the_end
            )
    return found


def _described(column: Column, kind: str) -> Column:
    return replace(column, type=kind)


def _value(column: Column, value: Any) -> Any:
    if value is None:
        return None
    if column.role in (Role.METRIC, Role.PREVIOUS, Role.CHANGE, Role.SHARE) and isinstance(value, str):
        number = float(value)  # what JSON has no number for, as a Decimal of many digits
        return int(number) if number.is_integer() else number
    return value


def _largest_first(table: Table) -> Table:
    """Nobody said in which order: what is most comes first, and what has no value last."""
    metrics = table.of(Role.METRIC)
    if not table.of(Role.CATEGORY) or not metrics:
        return table
    place = table.columns.index(metrics[0])
    return replace(table, rows=tuple(sorted(table.rows, key=lambda row: (row[place] is None, -(row[place] or 0)))))
