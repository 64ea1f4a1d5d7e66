"""What the warehouse knows of: projects with events, days, names of events and properties."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from semantic_layer.journeys.models import Journey
from semantic_layer.journeys.rendering import EVENTS, dimensions, literal, value_sql
from semantic_layer.reader import QueryRefused, Reader, tables_missing
from warehouse.errors import MillraceError, WrongUsage, nearest

if TYPE_CHECKING:
    from warehouse.projects import Project

LOOKED_AT = 100_000  # events in which the names of properties are looked for


def choose_project(reader: Reader, projects: Mapping[str, Project], given: str | None) -> str:
    """The project asked for, or the only one that has events."""
    if given is not None and given not in projects:
        raise WrongUsage(
            f"There is no project {given!r}{nearest(given, projects) or '.'}",
            hint=f"Projects are {', '.join(projects)}.",
        )
    asked = [given] if given is not None else list(projects)
    with_events = [
        row[0]
        for row in _rows(
            reader,
            " union all ".join(
                f"select {literal(p)} where exists (select 1 from {EVENTS} where project_id = {literal(p)})"
                for p in asked
            ),
        )
    ]
    if given is not None:
        return given
    if len(with_events) > 1:
        raise WrongUsage(
            "Several projects have events: say which.",
            hint=f"Add --project {' or --project '.join(sorted(with_events))}.",
        )
    return with_events[0] if with_events else asked[0]


def days_with_events(reader: Reader, project: str) -> tuple[date, date] | None:
    ((first, last, events),) = reader.rows(
        f"select min(local_date), max(local_date), count() > 0 from {EVENTS} where project_id = {literal(project)}"
    )
    return (date.fromisoformat(first), date.fromisoformat(last)) if events else None


def unknown_words(reader: Reader, journey: Journey) -> list[str]:
    """A sentence for each event and property that the project has never sent, with the nearest that it has."""
    project, steps = journey.project, journey.mentioned
    events = dict.fromkeys(step.event for step in steps if step.event != "*")
    never = _never(reader, project, {event: f"event = {literal(event)}" for event in events})
    sentences = []
    if never:
        names = [row[0] for row in reader.rows(f"select distinct event from {EVENTS} where {_of(project)}")]
        if not names:
            return [f"Project {project} has no events."]
        sentences = [f"No event of project {project} is called {name!r}{_meant(name, names)}" for name in never]
    for event in dict.fromkeys(step.event for step in steps if step.event not in never):
        paths = [f.path for step in steps if step.event == event for f in step.filters]
        sentences += _unknown_properties(reader, project, event, paths)
    if journey.dimension:
        sentences += _unknown_properties(reader, project, "*", [journey.dimension])
    return sentences


def _unknown_properties(reader: Reader, project: str, event: str, paths: list[str]) -> list[str]:
    of_event = "true" if event == "*" else f"event = {literal(event)}"
    conditions = {
        path: f"{of_event} and {value_sql(path)} != ''" for path in dict.fromkeys(paths) if path not in dimensions()
    }
    never = _never(reader, project, conditions)
    if not never:
        return []
    ((names,),) = reader.rows(
        f"select distinctJSONPaths(properties) from (select properties from {EVENTS} "
        f"where {_of(project)} and {of_event} limit {LOOKED_AT})"
    )
    whose = "any event" if event == "*" else f"the event {event!r}"
    return [
        f"No property of {whose} is called {path!r}{_meant(path.removeprefix('properties.'), [*names, *dimensions()])}"
        for path in never
    ]


def _never(reader: Reader, project: str, conditions: Mapping[str, str]) -> list[str]:
    """Those whose condition holds for no event of the project."""
    if not conditions:
        return []
    queries = (
        f"select {literal(word)} where exists (select 1 from {EVENTS} where {_of(project)} and {condition})"
        for word, condition in conditions.items()
    )
    seen = {row[0] for row in reader.rows(" union all ".join(queries))}
    return [word for word in conditions if word not in seen]


def _of(project: str) -> str:
    return f"project_id = {literal(project)}"


def _meant(word: str, names: list[str]) -> str:
    return nearest(word, names) or f"; there are {', '.join(sorted(names)[:10])}{' …' if len(names) > 10 else '.'}"


def _rows(reader: Reader, sql: str) -> list[list[str]]:
    try:
        return reader.rows(sql)
    except QueryRefused as error:
        if tables_missing(error):
            raise MillraceError(
                "There are no events to ask about yet: the marts are not built.",
                hint="Load events with `millrace load`, then run `millrace build`.",
            ) from error
        raise
