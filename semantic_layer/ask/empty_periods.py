"""Periods in which nothing happened have no row in the warehouse, and are the lowest of all."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from semantic_layer.ask.wording import period_of, start_of
from semantic_layer.metrics.catalogue import Catalogue, ProjectFacts
from semantic_layer.metrics.models import METRIC_TIME, Comparator, Grain, MetricQuery

Rows = tuple[tuple[Any, ...], ...]
HOLDS = {
    Comparator.EQUAL: operator.eq,
    Comparator.UNEQUAL: operator.ne,
    Comparator.GREATER: operator.gt,
    Comparator.AT_LEAST: operator.ge,
    Comparator.LESS: operator.lt,
    Comparator.AT_MOST: operator.le,
}


def has_empty_periods(query: MetricQuery, catalogue: Catalogue) -> bool:
    """A series of what is counted: where there is no row, there was none. Of rates and running totals nobody knows."""
    if len(query.by) != 1 or query.by[0].name != METRIC_TIME or query.by[0].grain in (None, Grain.HOUR):
        return False
    metrics = [catalogue.metrics[name] for name in query.metrics]
    counted = all(m.kind == "simple" and m.adds_up and not m.every_day and not m.needs_time for m in metrics)
    return counted and query.compare is None and query.share is None


def every_period(query: MetricQuery) -> MetricQuery:
    """The same without what chooses rows: it is done when the empty ones are among them."""
    return query.model_copy(update={"having": (), "order": (), "limit": None})


def with_empty_periods(query: MetricQuery, rows: Rows, facts: ProjectFacts) -> Rows:
    """The rows of `query`, from those of `every_period(query)`."""
    grain = query.by[0].grain
    asked, last = query.first_day or facts.first_day, query.last_day or facts.last_day
    first = max(asked, facts.first_day) if asked and facts.first_day else asked  # before it nobody knows
    if rows and grain and first and last and facts.last_day:
        known = {row[0] for row in rows}
        missing = _starts(grain, min(first, *known), min(last, facts.last_day), known)
        rows = tuple(sorted((*rows, *((start, *[0] * len(query.metrics)) for start in missing)), key=lambda r: r[0]))
    return _chosen(query, rows)


def _starts(grain: Grain, first: date, last: date, known: set[date]) -> list[date]:
    found, start = [], start_of(grain, first)
    while start <= last:
        if start not in known:
            found.append(start)
        start = period_of(grain, start).last + timedelta(days=1)
    return found


def _chosen(query: MetricQuery, rows: Sequence[tuple[Any, ...]]) -> Rows:
    """What the warehouse would do with thresholds, order and limit."""
    places = {METRIC_TIME: 0, **{name: place for place, name in enumerate(query.metrics, start=1)}}
    kept = [
        row
        for row in rows
        if all(
            row[places[one.metric]] is not None and HOLDS[one.operator](row[places[one.metric]], one.value)
            for one in query.having
        )
    ]
    for ordering in reversed(query.order):
        place, sign = places[ordering.name], -1 if ordering.descending else 1
        if place:
            kept.sort(key=lambda row: (row[place] is None, sign * (row[place] or 0)))
        else:
            kept.sort(key=lambda row: row[0], reverse=ordering.descending)
    return tuple(kept[: query.limit])
