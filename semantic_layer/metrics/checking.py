"""Whether a question about metrics can be asked of this catalogue: names, what goes together, grains, values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from difflib import get_close_matches

from semantic_layer.metrics.catalogue import KNOWN_VALUES, Catalogue, Dimension, Metric
from semantic_layer.metrics.models import (
    METRIC_TIME,
    All,
    Any,
    Comparator,
    Comparison,
    Condition,
    Grain,
    Grouping,
    MetricQuery,
    Missing,
    Not,
)
from semantic_layer.reader import Reader
from warehouse.errors import WrongUsage, nearest

GRAINS = list(Grain)
# What MetricFlow takes for all time.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2040, 12, 31)
SHOWN = 12
TIME = Dimension(METRIC_TIME, "Time", "When it happened.", "time", type="DateTime64(6)")


def checked(query: MetricQuery, catalogue: Catalogue) -> MetricQuery:
    """The query with the grains that it leaves open; or wrong usage, with what can be asked instead."""
    if query.project not in catalogue.projects:
        known = nearest(query.project, catalogue.projects) or "."
        raise WrongUsage(f"There is no project {query.project!r}{known}", hint=_these("Projects", catalogue.projects))
    metrics = [find_metric(name, catalogue) for name in query.metrics]
    by = [_grouping(grouping, metrics, catalogue) for grouping in query.by]
    named = [*query.metrics, *map(str, by)]
    if twice := next((name for name in named if named.count(name) > 1), ""):
        raise WrongUsage(f"{twice!r} is asked for twice.")
    for comparison in comparisons(query.where):
        if comparison.dimension in catalogue.metrics:
            raise WrongUsage(
                f"{comparison.dimension} is a metric: a condition on dimensions cannot hold it.",
                hint=f"Compare it behind --having: --having '{comparison.dimension} > 100'.",
            )
        _dimension(comparison.dimension, metrics, catalogue)
    for threshold in query.having:
        if threshold.metric not in query.metrics:
            raise WrongUsage(f"{threshold.metric} is none of the metrics that are asked for.")
    if query.share and (whole := next((metric for metric in metrics if not metric.adds_up), None)):
        raise WrongUsage(f"{whole.name} has no share of a total: its parts do not add up to a whole.")
    _check_time(query, metrics, by)
    return query.model_copy(update={"by": tuple(by)})


def find_metric(name: str, catalogue: Catalogue) -> Metric:
    if name in catalogue.metrics:
        return catalogue.metrics[name]
    words = {name: name for name in catalogue.metrics}
    for metric in catalogue.metrics.values():
        words |= {word.lower().replace(" ", "_"): metric.name for word in (metric.label, *metric.synonyms)}
    close = list(dict.fromkeys(words[word] for word in get_close_matches(name.lower(), words, n=4, cutoff=0.6)))[:3]
    raise WrongUsage(
        f"There is no metric {name!r}{f'; did you mean {_either(close)}?' if close else '.'}",
        hint="`millrace metrics list` tells them all.",
    )


def find_dimension(name: str, catalogue: Catalogue) -> Dimension:
    if name == METRIC_TIME:
        return TIME
    if name in catalogue.dimensions:
        return catalogue.dimensions[name]
    by_end = [known for known in catalogue.dimensions if known.rpartition("__")[2] == name.rpartition("__")[2]]
    close = by_end or get_close_matches(name, catalogue.dimensions, n=3, cutoff=0.6)
    raise WrongUsage(
        f"There is no dimension {name!r}{f'; did you mean {_either(close[:3])}?' if close else '.'}",
        hint=f"`millrace metrics dimensions` tells them all; times are {', '.join(GRAINS)}.",
    )


def comparisons(condition: Condition | None) -> Iterator[Comparison | Missing]:
    match condition:
        case Comparison() | Missing():
            yield condition
        case All() | Any():
            for inner in condition.conditions:
                yield from comparisons(inner)
        case Not():
            yield from comparisons(condition.condition)


def check_values(query: MetricQuery, catalogue: Catalogue, reader: Reader) -> None:
    """Whether the texts that dimensions are compared with are values that they have: a filter on one that does not
    exist would tell nothing, or everything, and look like an answer."""
    for comparison in comparisons(query.where):
        if isinstance(comparison, Missing) or comparison.operator not in (Comparator.EQUAL, Comparator.UNEQUAL):
            continue
        dimension = find_dimension(comparison.dimension, catalogue)
        if kind_of(dimension) not in ("text", "bool"):
            continue
        known = dimension.values.get(query.project, ())
        asked = dict.fromkeys(str(value) for value in comparison.values)
        doubtful = [value for value in asked if value and value not in known]
        # What the catalogue does not know may be rare, or newer than it.
        missing = [value for value in doubtful if value not in _existing(reader, dimension, query.project, doubtful)]
        if missing:
            _raise_for_value(missing[0], dimension, query.project, reader)


def kind_of(dimension: Dimension) -> str:
    """text, number, bool or time."""
    if dimension.kind == "time":
        return "time"
    bare = re.sub(r"^(?:(?:Nullable|LowCardinality)\()*|\)+$", "", dimension.type)
    if re.match(r"U?Int\d|Float\d|Decimal", bare):
        return "number"
    return {"Bool": "bool", "Date": "time", "Date32": "time"}.get(bare, "text")


def _grouping(grouping: Grouping, metrics: Sequence[Metric], catalogue: Catalogue) -> Grouping:
    dimension = _dimension(grouping.name, metrics, catalogue)
    if dimension.kind != "time":
        if grouping.grain:
            raise WrongUsage(
                f"{grouping.name} is no time: it has no {grouping.grain}.", hint=f"Ask by {grouping.name}."
            )
        return grouping
    known = {metric.name: metric.grains for metric in metrics} if grouping.name == METRIC_TIME else {}
    if dimension.grain:
        known[grouping.name] = tuple(GRAINS[GRAINS.index(Grain(dimension.grain)) :])
    possible = [grain for grain in GRAINS if all(grain in grains for grains in known.values())]
    grain = grouping.grain or next((grain for grain in possible if grain is not Grain.HOUR), Grain.DAY)
    for name, grains in known.items():
        if grain not in grains:
            raise WrongUsage(f"{name} is not known by {grain}.", hint=f"It is by {', '.join(grains)}.")
    return Grouping(name=grouping.name, grain=grain)


def _dimension(name: str, metrics: Sequence[Metric], catalogue: Catalogue) -> Dimension:
    """One that every metric of the query has."""
    dimension = find_dimension(name, catalogue)
    for metric in metrics:
        if name != METRIC_TIME and name not in metric.dimensions:
            others = [other.name for other in catalogue.metrics.values() if name in other.dimensions]
            words = set(metric.name.split("_"))
            others.sort(key=lambda other: -len(words & set(other.split("_"))))  # active_users before sessions
            possible = f"by {_some(_like(name, metric.dimensions))}" if metric.dimensions else "by time alone"
            raise WrongUsage(
                f"{metric.name} cannot be told by {name}; it can {possible}.",
                hint=f"Metrics that can: {_some(others)}.",
            )
    return dimension


def _check_time(query: MetricQuery, metrics: Sequence[Metric], by: Sequence[Grouping]) -> None:
    if (query.first_day and query.first_day > LAST_DAY) or (query.last_day and query.last_day < FIRST_DAY):
        raise WrongUsage(f"Metrics know the days from {FIRST_DAY} to {LAST_DAY}.")
    times = [grouping for grouping in by if grouping.name == METRIC_TIME]
    on_time = any(comparison.dimension == METRIC_TIME for comparison in comparisons(query.where))
    for metric in metrics:
        if metric.needs_time and not times:
            raise WrongUsage(
                f"{metric.name} is told by its time only: each day, week or month has a value of its own.",
                hint=f"Add --by {METRIC_TIME}:{metric.grain}.",
            )
        if metric.every_day and not times and on_time:
            raise WrongUsage(
                f"{metric.name} is told by its time: no condition can choose days of it.",
                hint="Say the days with --from and --to.",
            )
    if query.compare is None:
        return
    if len(times) > 1:
        raise WrongUsage("A comparison takes one grain of metric_time.", hint=f"Leave out {times[1]}.")
    if on_time:
        raise WrongUsage(
            "A condition on metric_time would hold for the time that is compared with as well.",
            hint="Say the days with --from and --to.",
        )


def _existing(reader: Reader, dimension: Dimension, project: str, values: Sequence[str]) -> set[str]:
    if not values:
        return set()
    from semantic_layer.metrics.requests import literal

    listed = ", ".join(map(literal, values))
    rows = reader.rows(
        f"SELECT DISTINCT toString({dimension.expression}) FROM {dimension.table} "
        f"WHERE project_id = {literal(project)} AND toString({dimension.expression}) IN ({listed})"
    )
    return {str(value) for (value,) in rows}


def _raise_for_value(value: str, dimension: Dimension, project: str, reader: Reader) -> None:
    known = dimension.values.get(project, ())
    close = nearest_values(value, dimension, known)
    if not close and len(known) >= KNOWN_VALUES:
        close = _nearest_in_table(value, dimension, project, reader)
    shown = repr(value if len(value) <= 60 else value[:57] + "…")
    raise WrongUsage(
        f"{dimension.name} has no value {shown}{f'; did you mean {_either(close)}?' if close else '.'}",
        hint=f"It has {_some(list(known))}." if known else f"`millrace metrics values {dimension.name}` tells them.",
    )


def nearest_values(value: str, dimension: Dimension, known: Sequence[str]) -> list[str]:
    """Those that are written or called like it."""
    called: dict[str, str] = {}
    for candidate in known:
        for word in (candidate, *dimension.value_synonyms.get(candidate, ())):
            called.setdefault(word.lower(), candidate)
    close = get_close_matches(value[:200].lower(), called, n=3, cutoff=0.6)
    return list(dict.fromkeys(called[word] for word in close))


def _nearest_in_table(value: str, dimension: Dimension, project: str, reader: Reader) -> list[str]:
    from semantic_layer.metrics.requests import literal

    text = f"toString({dimension.expression})"
    rows = reader.rows(
        f"SELECT {text} FROM {dimension.table} WHERE project_id = {literal(project)} AND {text} != '' GROUP BY 1 "
        f"HAVING ngramDistanceCaseInsensitiveUTF8({text}, {literal(value[:200])}) < 0.6 "
        f"ORDER BY ngramDistanceCaseInsensitiveUTF8({text}, {literal(value[:200])}), 1 LIMIT 3"
    )
    return [str(found) for (found,) in rows]


def _like(name: str, dimensions: Sequence[str]) -> list[str]:
    """First those that end like it: another country, where it is one."""
    end = name.rpartition("__")[2]
    return sorted(dimensions, key=lambda dimension: dimension.rpartition("__")[2] != end)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown or "none"


def _these(what: str, names: Iterable[str]) -> str:
    return f"{what} are {', '.join(names)}."


def _either(names: Sequence[str]) -> str:
    return " or ".join(map(repr, names))
