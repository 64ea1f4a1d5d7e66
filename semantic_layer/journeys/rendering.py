"""The SQL of a journey: what the macros of the dbt project render, here without dbt.

Values reach the text through the macro `text_literal` alone, or as numbers, dates and choices that the models checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from semantic_layer.journeys.models import (
    LAST_DAY,
    Filter,
    Funnel,
    Journey,
    Lifecycle,
    Order,
    Paths,
    Period,
    Retention,
    Step,
    Stickiness,
)
from warehouse.errors import WrongUsage, nearest
from warehouse.private_files import private_folder
from warehouse.settings import load_settings

MACROS = Path(__file__).resolve().parent.parent.parent / "dbt_project" / "macros" / "journeys"
EVENTS = "marts.fct_events"
DAYS_OF_PEOPLE = "marts.agg_person_days"
USERS = "marts.dim_users"
SHOWN_VALUES = 1000


@cache
def _macros() -> Any:
    from jinja2 import DictLoader, Environment, FileSystemBytecodeCache, StrictUndefined

    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(MACROS.glob("*.sql")))
    environment = Environment(
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - it is SQL, not HTML
        loader=DictLoader({"journeys": text}),
        # Compiling takes as long as many a query. Renewed when the text changes.
        bytecode_cache=FileSystemBytecodeCache(str(_own_folder())),
    )
    return environment.get_template("journeys").module


def _own_folder() -> Path:
    """For code that will be run: nobody else may write here."""
    return private_folder(load_settings().data_dir / "cache")


@cache
def dimensions() -> dict[str, str]:
    """What people call the dimensions of events, and their columns in fct_events or beside it."""
    return {**_columns(_macros().event_dimensions()), **user_dimensions()}


@cache
def user_dimensions() -> dict[str, str]:
    """Those that tell what was known of the user at the time of the event."""
    return _columns(_macros().user_dimensions())


def _columns(text: object) -> dict[str, str]:
    return dict(line.split(" ") for line in str(text).split("\n") if line)


def dimension_sql(path: str) -> str:
    """A dimension to break down by: declared, or a property named as such."""
    if path not in dimensions() and not path.startswith("properties."):
        raise WrongUsage(
            f"There is no dimension {path!r}{nearest(path, dimensions()) or '.'}",
            hint=f"Dimensions are {', '.join(dimensions())}; a property is written properties.{path}.",
        )
    return value_sql(path)


def value_sql(path: str) -> str:
    """A dimension or property as text; '' where it is missing."""
    return str(_macros().event_value(path))


def condition_sql(step: Step) -> str:
    filters = [(f.path, str(f.operator), f.value) for f in step.filters]
    return str(_macros().step_condition(step.event, filters))


def filter_sql(value: str, kept: Filter) -> str:
    """A filter of what a SQL expression gives as text, whatever the filter's own path is."""
    return str(_macros().filter_condition(value, str(kept.operator), kept.value))


def literal(text: str) -> str:
    return str(_macros().text_literal(text))


def funnel_sql(funnel: Funnel) -> str:
    steps = [condition_sql(step) for step in funnel.steps]
    scanned = _scanned(
        funnel.project,
        () if funnel.order is Order.STRICT else funnel.mentioned,
        funnel.first_day,
        _later(funnel.last_day, -(-funnel.within_seconds // 86400) + 1),
    )
    attempts = _macros().funnel_attempts(
        _read(funnel, scanned),
        steps,
        funnel.within_seconds * 1000,
        order=str(funnel.order),
        exclusions=[
            {"condition": condition_sql(e.step), "after": e.after, "before": e.before} for e in funnel.exclusions
        ],
        entered=_between(funnel.first_day, funnel.last_day),
        scanned=scanned,
        value=dimension_sql(funnel.by) if funnel.by else "",
        valued_at=funnel.valued_at,
        per="day" if funnel.trend else "person",
        overlapping=funnel.overlapping,
    )
    return str(
        _macros().funnel_summary(
            attempts,
            len(steps),
            value=bool(funnel.by),
            histogram=funnel.histogram,
            bins=funnel.bins or 0,
            trend=str(funnel.trend or ""),
            limit=SHOWN_VALUES,
        )
    )


def retention_sql(retention: Retention, first: date, last: date) -> str:
    return str(
        _macros().retention_cohorts(
            *_done(retention, retention.start, retention.returning),
            str(retention.period),
            _day(first),
            _day(last),
            kind=str(retention.kind),
            mode=str(retention.mode),
            min_occurrences=retention.min_occurrences,
            value=dimension_sql(retention.by) if retention.by else "",
            last_start=_day(retention.cohorts_until) if retention.cohorts_until else "",
        )
    )


def lifecycle_sql(lifecycle: Lifecycle, first: date, last: date) -> str:
    return str(
        _macros().lifecycle_periods(
            *_done(lifecycle, lifecycle.event),
            str(lifecycle.period),
            _day(first),
            _day(last),
        )
    )


def stickiness_sql(stickiness: Stickiness, first: date, last: date) -> str:
    return str(_macros().stickiness_days(*_done(stickiness, stickiness.event), _day(first), _day(last)))


PAGE_OR_EVENT = "if(event = 'page_viewed' and ifNull(page_path, '') != '', toString(page_path), toString(event))"


def paths_sql(paths: Paths) -> str:
    around = 2  # a session is at most 24 hours long, which are three days where an hour was put forward
    scanned = _scanned(paths.project, (), _later(paths.first_day, -around), _later(paths.last_day, around))
    return str(
        _macros().session_paths(
            _read(paths, scanned),
            condition_sql(paths.event),
            direction=str(paths.direction),
            depth=paths.depth,
            top=paths.top,
            entered=_between(paths.first_day, paths.last_day),
            scanned=scanned,
            name=PAGE_OR_EVENT if paths.pages else "event",
        )
    )


def period_start(period: Period, day: date) -> date:
    """The first day of the period that a day is in."""
    if period is Period.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period is Period.MONTH else day


def _done(journey: Retention | Lifecycle | Stickiness, *steps: Step) -> tuple[str, ...]:
    """Where it is read what people did, and what holds there of each step: of their days, which are a ninth of the
    events, where these know enough."""
    once = not isinstance(journey, Retention) or journey.min_occurrences == 1
    if once and journey.dimension is None and not any(step.filters for step in steps):
        of_project = f"(select * from {DAYS_OF_PEOPLE} where project_id = {literal(journey.project)})"
        return of_project, *(str(_macros().on_days_with(step.event)).strip() for step in steps)
    scanned = _scanned(journey.project, journey.mentioned, None, None)
    return f"(select * from {_read(journey, scanned)} where {scanned})", *map(condition_sql, steps)


def _read(journey: Journey, scanned: str) -> str:
    """The events; with what was known of their users beside them, where the journey asks for it."""
    paths = {journey.dimension, *(f.path for step in journey.mentioned for f in step.filters)}
    if paths.isdisjoint(user_dimensions()):
        return EVENTS
    return str(_macros().events_with_users(EVENTS, USERS, scanned))


def _scanned(project: str, steps: Sequence[Step], first: date | None, last: date | None) -> str:
    """What the sort key (project_id, event, timestamp) and the partitions (local_date) of fct_events can skip by."""
    conditions = [f"project_id = {literal(project)}"]
    if steps and all(step.event != "*" for step in steps):
        names = sorted({literal(step.event) for step in steps})
        conditions.append(f"event in ({', '.join(names)})")
    if first or last:
        conditions.append(_between(first, last))
    return " and ".join(conditions)


def _between(first: date | None, last: date | None) -> str:
    conditions = [f"local_date >= {_day(first)}"] if first else []
    conditions += [f"local_date <= {_day(last)}"] if last else []
    return " and ".join(conditions) or "true"


def _day(day: date) -> str:
    return f"toDate('{day}')"


def _later(day: date | None, days: int) -> date | None:
    return min(day + timedelta(days=days), LAST_DAY) if day else None
