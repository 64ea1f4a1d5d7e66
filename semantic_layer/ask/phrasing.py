"""A structure in words again: titles of charts, and questions to ask next."""

from __future__ import annotations

import re
from datetime import date

from semantic_layer.ask.wording import Span, inside, listed, named_grain, period_name, within
from semantic_layer.journeys.models import Funnel, Journey, Lifecycle, Paths, Retention, Step, Stickiness
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.models import (
    METRIC_TIME,
    All,
    Comparator,
    Compare,
    Comparison,
    Condition,
    Grain,
    MetricQuery,
)

EVERY = {Grain.HOUR: "per hour", Grain.DAY: "per day", Grain.WEEK: "per week", Grain.MONTH: "per month"}
AGAINST = {compare: f"compared to the same days a {compare} before" for compare in Compare}
AGAINST |= {Compare.PREVIOUS: "compared to the previous period", Compare.YEAR: "year over year"}
SAYS = {Comparator.UNEQUAL: "other than ", Comparator.GREATER: "over ", Comparator.AT_LEAST: "at least "}
SAYS |= {Comparator.LESS: "under ", Comparator.AT_MOST: "at most "}
EVERY |= {Grain.QUARTER: "per quarter", Grain.YEAR: "per year"}


def title(structure: MetricQuery | Journey, catalogue: Catalogue) -> str:
    """What is shown, without its days."""
    match structure:
        case MetricQuery():
            text = what(structure, catalogue)
        case Funnel():
            text = f"Funnel from {structure.steps[0]} to {structure.steps[-1]}" + _by(structure.by)
        case Retention():
            of = "everybody" if structure.start.event == "*" else f"people with {structure.start}"
            text = f"Retention of {of} by {structure.period}" + _by(structure.by)
        case Lifecycle():
            text = f"Lifecycle by {structure.period}" + _with(structure.event)
        case Stickiness():
            text = "On how many days people were active" + _with(structure.event)
        case Paths():
            where = "after" if structure.direction == "next" else "before"
            text = f"What people do {where} {structure.event}"
        case _:
            raise TypeError(type(structure))
    return text[0].upper() + text[1:]


def with_labels(message: str, catalogue: Catalogue) -> str:
    """A message for people who do not know the names of the catalogue."""
    labels = {name: inside(metric.label) for name, metric in catalogue.metrics.items()}
    labels |= {name: inside(dimension.label) for name, dimension in catalogue.dimensions.items()}
    said = re.sub(r"\w+", lambda word: labels.get(word[0], word[0]), message)
    return f"{said[:1].upper()}{said[1:]}"


def _by(dimension: str | None) -> str:
    return f", by {dimension}" if dimension else ""


def _with(step: Step) -> str:
    return "" if step.event == "*" else f" with {step}"


def phrase(query: MetricQuery, catalogue: Catalogue) -> str:
    """A question that asks for it: `revenue by country per month in March 2026`."""
    against = AGAINST[query.compare] if query.compare else ""
    return " ".join(part for part in (what(query, catalogue), days(query), against) if part)


def what(query: MetricQuery, catalogue: Catalogue) -> str:
    metrics = listed([inside(catalogue.metrics[name].label) for name in query.metrics])
    if query.share:
        metrics = f"share of {metrics}"
    groupings = [inside(catalogue.dimensions[g.name].label) for g in query.by if g.name in catalogue.dimensions]
    every = [EVERY[g.grain] for g in query.by if g.name == METRIC_TIME and g.grain]
    by = [f"by {listed(groupings)}"] if groupings else []
    only = [f"for {text}"] if query.where and (text := condition(query.where, catalogue)) else []
    return " ".join([metrics, *by, *only, *every])


def condition(where: Condition, catalogue: Catalogue) -> str:
    """`country Germany and plan pro`; nothing for what is not as simple."""
    parts = where.conditions if isinstance(where, All) else (where,)
    texts = []
    for part in parts:
        if not isinstance(part, Comparison):
            return ""
        dimension = catalogue.dimensions.get(part.dimension)
        label = inside(dimension.label) if dimension else part.dimension
        other = SAYS.get(part.operator, "")
        texts.append(f"{label} {other}{' or '.join(str(value) for value in part.values)}")
    return " and ".join(texts)


def days(query: MetricQuery | Journey) -> str:
    first, last = query.first_day, query.last_day
    if isinstance(query, Retention):
        last = query.cohorts_until
    if first and last:
        span = Span(first, last)
        return within(span) if named_grain(span) else f"from {_day(first)} to {_day(last)}"
    if first:
        return f"since {_day(first)}"
    return f"until {_day(last)}" if last else ""


def _day(day: date) -> str:
    return period_name(Span(day, day))
