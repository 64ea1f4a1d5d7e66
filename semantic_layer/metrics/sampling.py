"""What the marts have: values of dimensions, and the events, properties and days of projects. Read as the analyst."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from semantic_layer.journeys.rendering import literal
from semantic_layer.metrics.catalogue import KNOWN_VALUES, Dimension, ProjectFacts
from semantic_layer.reader import Reader
from warehouse.projects import Project

LONGEST_VALUE = 200  # longer ones are texts, which nobody asks for by name
DAYS_OF_PROPERTIES = 7
EVENTS_OF_PROPERTIES = 200  # of each kind, in which the names of properties are looked for


def with_values(
    reader: Reader, dimensions: Mapping[str, Dimension], known: Mapping[str, Dimension]
) -> dict[str, Dimension]:
    """The dimensions with their types, and those that are no times with their values. A table is read once, and not at
    all for what is `known`."""
    by_table: dict[str, list[Dimension]] = defaultdict(list)
    found = {}
    for name, dimension in dimensions.items():
        same = known.get(name)
        if same and (same.table, same.expression, same.kind) == (dimension.table, dimension.expression, dimension.kind):
            found[name] = replace(dimension, type=same.type, values=same.values)
        else:
            by_table[dimension.table].append(dimension)
    for table, those in by_table.items():
        expressions = list(dict.fromkeys(dimension.expression for dimension in those))
        types = _types(reader, table, expressions)
        sampled = {d.expression for d in those if d.kind != "time"}
        values = _values(reader, table, [expression for expression in expressions if expression in sampled])
        for dimension in those:
            of_projects = values.get(dimension.expression, {}) if dimension.kind != "time" else {}
            found[dimension.name] = replace(dimension, type=types[dimension.expression], values=of_projects)
    return {name: found[name] for name in dimensions}


def project_facts(reader: Reader, declared: Mapping[str, Project]) -> dict[str, ProjectFacts]:
    """Those with events, and those that are declared."""
    days: dict[str, tuple[date, date]] = {}
    events: dict[str, list[str]] = defaultdict(list)
    for project, event, first, last in reader.rows(
        "SELECT project_id, event, min(local_date), max(local_date) FROM marts.agg_daily_events "
        "GROUP BY project_id, event ORDER BY project_id, sum(events) DESC, event"
    ):
        events[project].append(event)
        span = (date.fromisoformat(first), date.fromisoformat(last))
        known = days.get(project, span)
        days[project] = (min(known[0], span[0]), max(known[1], span[1]))
    # What was built counts: days are those of the timezone of then.
    about = {project.id: (project.name, project.timezone, project.currency) for project in declared.values()}
    about |= {
        project: (name, timezone, currency)
        for project, name, timezone, currency in reader.rows(
            "SELECT project_id, project_name, timezone, currency FROM marts.dim_projects WHERE project_id != ''"
        )
    }
    synonyms: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    properties: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for project, event, words, registered in reader.rows(
        "SELECT project_id, event, synonyms, properties FROM marts.dim_event_types WHERE project_id != ''"
    ):
        if words:
            synonyms[project][event] = tuple(words)
        properties[project][event] |= set(registered)
    for project, (_, last) in days.items():
        for event, paths in _properties(reader, project, last):
            properties[project][event] |= paths
    return {
        project: ProjectFacts(
            name=about.get(project, (project,))[0],
            timezone=about[project][1] if project in about else "UTC",
            currency=about[project][2] if project in about else "EUR",
            first_day=days[project][0] if project in days else None,
            last_day=days[project][1] if project in days else None,
            events=tuple(events[project]),
            properties={event: tuple(sorted(properties[project][event])) for event in events[project]},
            event_synonyms={event: synonyms[project][event] for event in events[project] if event in synonyms[project]},
            holidays=declared[project].holidays if project in declared else "",
        )
        for project in {**about, **days}
    }


def _types(reader: Reader, table: str, expressions: list[str]) -> dict[str, str]:
    """Of the columns of a query that reads no row."""
    selected = ", ".join(f"{expression} AS column_{n}" for n, expression in enumerate(expressions))
    meta = reader.document(f"SELECT {selected} FROM {table} LIMIT 0")["meta"]
    return {expression: column["type"] for expression, column in zip(expressions, meta, strict=True)}


def _values(reader: Reader, table: str, expressions: list[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Of each expression, the most frequent values by project."""
    if not expressions:
        return {}
    # Several times as many are counted as are kept: the least frequent of those counted are not exact.
    most = ", ".join(f"topK({KNOWN_VALUES}, 5)(toString({expression}))" for expression in expressions)
    found: dict[str, dict[str, tuple[str, ...]]] = {expression: {} for expression in expressions}
    for project, *tops in reader.rows(
        f"SELECT project_id, {most} FROM {table} WHERE project_id != '' GROUP BY project_id ORDER BY project_id"
    ):
        for expression, values in zip(expressions, tops, strict=True):
            known = tuple(value for value in values if value and len(value) <= LONGEST_VALUE)
            if known:
                found[expression][project] = known
    return found


def _properties(reader: Reader, project: str, last: date) -> list[tuple[str, set[str]]]:
    """The paths in the events of the last days: of each event some are looked at."""

    since = last - timedelta(days=DAYS_OF_PROPERTIES)
    rows = reader.rows(
        "SELECT event, distinctJSONPaths(properties), groupUniqArrayArray(empty), groupUniqArrayArray(filled) FROM ("
        "SELECT event, properties, JSONExtractKeysAndValuesRaw(toJSONString(properties)) AS pairs, "
        "arrayMap(pair -> pair.1, arrayFilter(pair -> pair.2 = '[]', pairs)) AS empty, "
        "arrayMap(pair -> pair.1, arrayFilter(pair -> pair.2 != '[]', pairs)) AS filled "
        f"FROM marts.fct_events WHERE project_id = {literal(project)} "
        f"AND local_date > '{since}' LIMIT {EVENTS_OF_PROPERTIES} BY event) GROUP BY event"
    )
    # A list that some event may have is in every one, empty where it was not sent.
    return [(event, set(paths) - (set(empty) - set(filled))) for event, paths, empty, filled in rows]
