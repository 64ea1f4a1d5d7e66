"""Answers to journeys as one table each: what JSON has as columns and rows, and charts draw."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from semantic_layer.ask.table import Column, Role, Table
from semantic_layer.journeys.models import Direction, Funnel, Journey, Lifecycle, Paths, Period, Retention, Stickiness
from semantic_layer.metrics.models import Grain

Answer = dict[str, Any]  # as semantic_layer/journeys/answers.py has it
GRAINS = {Period.DAY: Grain.DAY, Period.WEEK: Grain.WEEK, Period.MONTH: Grain.MONTH}


def journey_table(journey: Journey, answer: Answer, last_day: date | None, first_day: date | None = None) -> Table:
    """`last_day`, `first_day`: with data."""
    match journey:
        case Funnel():
            columns, rows = _funnel(journey, answer)
        case Retention():
            columns, rows = _retention(journey, answer)
        case Lifecycle():
            columns, rows = _lifecycle(journey, answer)
        case Stickiness():
            columns = [_category("days", "UInt16", "Active days"), _people("users", "People")]
            rows = [(row["days"], row["users"]) for row in answer["days"]]
        case Paths():
            columns, rows = _paths(answer)
        case _:
            raise TypeError(type(journey))
    backwards = isinstance(journey, Paths) and journey.direction is Direction.PREVIOUS
    asked = (journey.first_day, journey.last_day)
    return Table(tuple(columns), tuple(rows), last_day=last_day, first_day=first_day, asked=asked, backwards=backwards)


Rows = list[tuple[Any, ...]]


def _funnel(funnel: Funnel, answer: Answer) -> tuple[list[Column], Rows]:
    keys = ("step", "name", "users", "from_start", "from_previous", "drop_off", "mean_seconds", "median_seconds")
    columns = [
        _category("step", "UInt8", "Step"),
        _category("name", "String", "Name"),
        _people("users", "People"),
        _share("from_start", "Of the first step"),
        _share("from_previous", "Of the step before"),
        _people("drop_off", "Lost"),
        _seconds("mean_seconds", "Mean time"),
        _seconds("median_seconds", "Median time"),
    ]
    if not funnel.by:
        return columns, [tuple(step[key] for key in keys) for step in answer["steps"]]
    rows: Rows = [
        (part["value"], *(step[key] for key in keys)) for part in answer["breakdown"] for step in part["steps"]
    ]
    return [_category("value", "String", funnel.by), *columns], rows


def _retention(retention: Retention, answer: Answer) -> tuple[list[Column], Rows]:
    grain = GRAINS[retention.period]
    columns = [
        Column("period", "Date", f"Cohort ({retention.period})", Role.TIME, grain=grain),
        _people("size", "People"),
        _category("after", "UInt16", f"{str(retention.period).capitalize()}s later"),
        _people("returned", "Back"),
        _share("share", "Share"),
    ]

    def rows(cohorts: Iterable[Answer]) -> Iterable[tuple[Any, ...]]:
        for cohort in cohorts:
            for after, back in enumerate(cohort["returned"], start=1):
                share = back / cohort["size"] if cohort["size"] else None
                yield date.fromisoformat(cohort["period"]), cohort["size"], after, back, share

    if not retention.by:
        return columns, list(rows(answer["cohorts"]))
    together = [(part["value"], *row) for part in answer.get("breakdown", []) for row in rows(part["cohorts"])]
    return [_category("value", "String", retention.by), *columns], together


def _lifecycle(lifecycle: Lifecycle, answer: Answer) -> tuple[list[Column], Rows]:
    names = ("new", "returning", "resurrecting", "dormant")
    columns = [Column("period", "Date", str(lifecycle.period).capitalize(), Role.TIME, grain=GRAINS[lifecycle.period])]
    columns += [_people(name, name.capitalize()) for name in names]
    return columns, [(date.fromisoformat(row["period"]), *(row[name] for name in names)) for row in answer["periods"]]


def _paths(answer: Answer) -> tuple[list[Column], Rows]:
    columns = [
        _category("step", "UInt8", "Step"),
        _category("from", "String", "From"),
        _category("to", "Nullable(String)", "To"),
        _people("sessions", "Sessions"),
        _share("share", "Share of sessions"),
    ]
    keys = ("step", "from", "to", "sessions", "share")
    return columns, [tuple(edge[key] for key in keys) for edge in answer["edges"]]


def _category(name: str, kind: str, label: str) -> Column:
    return Column(name, kind, label, Role.CATEGORY)


def _people(name: str, label: str) -> Column:
    return Column(name, "UInt64", label, Role.METRIC, adds_up=True)


def _share(name: str, label: str) -> Column:
    return Column(name, "Float64", label, Role.METRIC, format="percent")


def _seconds(name: str, label: str) -> Column:
    return Column(name, "Nullable(Float64)", label, Role.METRIC, format="seconds")
