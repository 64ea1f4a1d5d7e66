"""What the warehouse knows of: projects with events, days, names of events and properties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from semantic_layer.journeys.models import Journey
from semantic_layer.journeys.rendering import EVENTS, dimensions, literal, value_sql
from semantic_layer.reader import Reader
from warehouse.errors import nearest

SHOWN_NAMES = 20
LOOKED_AT = 100_000  # events in which the names of properties are looked for


def with_events(reader: Reader, projects: Iterable[str]) -> list[str]:
    queries = (f"select {literal(p)} where exists (select 1 from {EVENTS} where {_of(p)})" for p in projects)
    return [row[0] for row in reader.rows(" union all ".join(queries))]


def days_with_events(reader: Reader, project: str) -> tuple[date, date] | None:
    ((first, last, events),) = reader.rows(
        f"select min(local_date), max(local_date), count() > 0 from {EVENTS} where project_id = {literal(project)}"
    )
    return (date.fromisoformat(first), date.fromisoformat(last)) if events else None


def unknown_words(reader: Reader, journey: Journey) -> list[str]:
    """A sentence for each event and property that the project has never sent, with the nearest that it has."""
    project, steps = journey.project, journey.mentioned
    of_project = _of(project)
    events = dict.fromkeys(step.event for step in steps if step.event != "*")
    never = never_seen(reader, of_project, {event: f"event = {literal(event)}" for event in events})
    sentences = []
    if never:
        names = [row[0] for row in reader.rows(f"select distinct event from {EVENTS} where {of_project}")]
        if not names:
            return [f"Project {project} has no events."]
        sentences = [f"No event of project {project} is called {name!r}{_meant(name, names)}" for name in never]
    for event in dict.fromkeys(step.event for step in steps if step.event not in never):
        paths = [f.path for step in steps if step.event == event for f in step.filters]
        sentences += unknown_properties(reader, of_project, event, paths).values()
    if journey.dimension:
        sentences += unknown_properties(reader, of_project, "*", [journey.dimension]).values()
    return sentences


def unknown_properties(reader: Reader, scope: str, event: str, paths: Iterable[str]) -> dict[str, str]:
    """For each path that no event of that name has a value of: a sentence with the nearest that there are."""
    of_event = "true" if event == "*" else f"event = {literal(event)}"
    conditions = {
        path: f"{of_event} and {value_sql(path)} != ''" for path in dict.fromkeys(paths) if path not in dimensions()
    }
    never = never_seen(reader, scope, conditions)
    if not never:
        return {}
    names = property_names(reader, scope, event)
    whose = "any event" if event == "*" else f"the event {event!r}"
    meant = {path: _meant(path.removeprefix("properties."), names, dimensions()) for path in never}
    return {path: f"No property of {whose} is called {path!r}{near}" for path, near in meant.items()}


def property_names(reader: Reader, scope: str, event: str) -> list[str]:
    """Of events of that name, the frequent ones for sure."""
    of_event = "true" if event == "*" else f"event = {literal(event)}"
    ((names,),) = reader.rows(
        f"select distinctJSONPaths(properties) from (select properties from {EVENTS} "
        f"where {scope} and {of_event} limit {LOOKED_AT})"
    )
    return list(names)


def never_seen(reader: Reader, scope: str, conditions: Mapping[str, str]) -> list[str]:
    """Those whose condition holds for no event of the scope, which is a condition itself."""
    if not conditions:
        return []
    queries = (
        f"select {literal(word)} where exists (select 1 from {EVENTS} where {scope} and {condition})"
        for word, condition in conditions.items()
    )
    seen = {row[0] for row in reader.rows(" union all ".join(queries))}
    return [word for word in conditions if word not in seen]


def _of(project: str) -> str:
    return f"project_id = {literal(project)}"


def _meant(word: str, names: list[str], others: Iterable[str] = ()) -> str:
    """The nearest names; where none is near, which there are, without the others that are there for any event."""
    few = f"{', '.join(sorted(names)[:SHOWN_NAMES])}{' …' if len(names) > SHOWN_NAMES else '.'}"
    return nearest(word, [*names, *others]) or (f"; there are {few}" if names else "; it has none.")
