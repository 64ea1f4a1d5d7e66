"""What the dbt project declares and a chart of its own is due to: funnels, retentions, forecasts, watched metrics and
experiments. Each has a dataset and charts that no dashboard needs to describe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bi.datasets import is_time, label_of
from bi.metrics import SemanticManifest
from bi.model import Catalogue, Column, Dataset, Measure
from semantic_layer.metrics.extensions import meta_of

FUNNEL, RETENTION, FORECAST, WATCHED, EXPERIMENT = "funnel", "retention", "forecast", "watched", "experiment"
KINDS = (FUNNEL, RETENTION, FORECAST, WATCHED, EXPERIMENT)
FUNNEL_COLUMNS = ("project_id", "local_date", "country", "device_type", "channel")
DAYS_BEFORE_FORECAST = 120
EXPOSURES, EXPERIMENTS_OF = "experiment_exposures", "fct_experiment_exposures"
# Half a day later the begin of a day in any timezone is on that day in UTC.
HALF_A_DAY = "INTERVAL 12 HOUR"


@dataclass(frozen=True)
class Declared:
    kind: str
    name: str  # as dbt knows it: a mart, a metric, an experiment
    title: str
    dataset: str
    goal: str = ""  # of an experiment
    period: str = ""  # of a retention: day, week or month


def declared_things(
    manifest: Mapping[str, Any], semantic: SemanticManifest, catalogue: Catalogue
) -> Iterator[tuple[Declared, Dataset]]:
    nodes = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    for node in sorted(nodes, key=lambda node: str(node["name"])):
        meta = node["config"].get("meta", {})
        journey = meta.get("journey") or {}
        if journey.get("kind") == "funnel":
            yield Declared(FUNNEL, node["name"], meta["title"], node["name"]), _funnel(node)
        elif journey.get("kind") == "retention":
            made = _retention(node)
            yield Declared(RETENTION, node["name"], meta["title"], made.name, period=journey["period"]), made
    for name, metric in semantic.metrics.items():
        of = catalogue.of_metric.get(name)
        if of is None:
            continue  # it is no expression over one table: docs/superset.md
        meta, dataset = meta_of(metric), catalogue.datasets[of]
        if "forecast" in meta:
            made = _forecast(name, dataset)
            yield Declared(FORECAST, name, made.title, made.name), made
        if "monitor" in meta:
            made = _watched(name, dataset)
            yield Declared(WATCHED, name, made.title, made.name), made
    yield from _experiments(nodes, catalogue)


def _funnel(node: Mapping[str, Any]) -> Dataset:
    """One row for each step that somebody reached, so that steps are a column to group by."""
    journey = node["config"]["meta"]["journey"]
    in_order = journey["order"] != "unordered"
    labels = [str(step["label"]) for step in journey["steps"]]
    steps = ", ".join(
        _quoted(f"{number}. {label}" if in_order else f"{number} of {len(labels)} steps")
        for number, label in enumerate(labels, start=1)
    )
    people, first = "uniqExact(person_key)", "max(uniqExact(person_key)) OVER ()"
    before = f"any({people}) OVER (ORDER BY min(step) ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING)"
    return Dataset(
        name=node["name"],
        title=f"Funnel: {node['config']['meta']['title']}",
        description=" ".join(node["description"].split()),
        sql=(
            f"SELECT {', '.join(FUNNEL_COLUMNS)}, person_key, step, [{steps}][step] AS step_name "
            f"FROM (SELECT {', '.join(FUNNEL_COLUMNS)}, person_key, "
            f"arrayJoin(range(1, toUInt64(steps_reached) + 1)) AS step FROM marts.{node['name']}) AS reached"
        ),
        columns=(
            *_columns_of(node, FUNNEL_COLUMNS),
            Column("step", "UInt64", "Number of the step"),
            Column("step_name", "String", "Step", "The step, by its number and name."),
        ),
        measures=(
            Measure("people", "People", people, "People who reached the step, each once.", ",d"),
            Measure("of_all", "Of all", f"{people} / {first}", "Share of those who entered.", ".1%"),
            Measure(
                "of_step_before",
                "Of the step before",
                f"{people} / nullIf({before}, 0)",
                "Share of those who reached the step before.",
                ".1%",
            ),
            Measure(
                "lost",
                "Lost",
                f"if({before} = 0, 0, toInt64({before}) - toInt64({people}))",
                "People who reached the step before and not this one.",
                ",d",
            ),
        ),
        time="local_date",
        owner=str(node["config"]["meta"].get("owner", "")),
    )


def _retention(node: Mapping[str, Any]) -> Dataset:
    period = node["config"]["meta"]["journey"]["period"]
    return Dataset(
        name=node["name"],
        title=f"Retention: {node['config']['meta']['title']}",
        description=" ".join(node["description"].split()),
        table=node["name"],
        columns=tuple(
            replace(column, label=f"{label_of(period)} after the first") if column.name == "age" else column
            for column in _columns_of(node, tuple(node["columns"]))
        ),
        measures=(
            Measure(
                "retention", "Retention", "sum(returned) / nullIf(sum(members), 0)", "Share that came back.", ".1%"
            ),
        ),
        time="cohort_date",
        owner=str(node["config"]["meta"].get("owner", "")),
    )


def _forecast(name: str, dataset: Dataset) -> Dataset:
    """What was and what is expected. Superset draws a band of metrics that are called __yhat_lower and __yhat_upper."""
    measure = dataset.measure(name)
    # Of no forecast this is the first day of all, before which a Date has none.
    newest = f"SELECT toDate32(max(made_on)) FROM marts.pred_forecast WHERE kind = 'metric' AND name = {_quoted(name)}"
    return Dataset(
        name=f"forecast_{name}",
        title=f"Forecast: {measure.label}",
        description=f"{measure.label} by day, and what is expected with the band that holds 80 of 100 days.",
        sql=(
            f"SELECT project_id, {dataset.time} AS local_date, toFloat64({measure.expression}) AS actual, "
            "NULL AS expected, NULL AS lowest, NULL AS highest "
            f"FROM {_source(dataset)} WHERE {dataset.time} > ({newest}) - {DAYS_BEFORE_FORECAST} "
            f"GROUP BY project_id, {dataset.time} "
            "UNION ALL SELECT project_id, local_date, NULL, expected, lower_80, upper_80 "
            f"FROM marts.pred_forecast WHERE kind = 'metric' AND name = {_quoted(name)}"
        ),
        columns=(
            Column("project_id", "String", "Project"),
            Column("local_date", "Date", "Day", is_time=True),
        ),
        measures=tuple(
            Measure(f"{measure.label}{suffix}", f"{measure.label}{suffix}", f"sumOrNull({column})", "", measure.format)
            for suffix, column in (
                ("", "actual"),
                ("__yhat", "expected"),
                ("__yhat_lower", "lowest"),
                ("__yhat_upper", "highest"),
            )
        ),
        time="local_date",
        owner=dataset.owner,
    )


def _watched(name: str, dataset: Dataset) -> Dataset:
    """By day, with the days of anomalies of the whole beside it."""
    measure = dataset.measure(name)
    first = f"if(grain = 'hour', toDate(started_at), toDate(started_at + {HALF_A_DAY}))"
    end = f"if(grain = 'hour', toDate(ended_at), toDate(ended_at + {HALF_A_DAY}))"
    days = f"arrayMap(n -> {first} + n, range(toUInt64(greatest(dateDiff('day', {first}, {end}), 1))))"
    unusual = (
        f"SELECT DISTINCT project_id, arrayJoin({days}) AS day, 1 AS found FROM ops.anomalies FINAL "
        f"WHERE series = {_quoted(f'metric:{name}')} AND length(dimensions) = 0"
    )
    by_day = (
        f"SELECT project_id, {dataset.time} AS day, toFloat64({measure.expression}) AS value "
        f"FROM {_source(dataset)} GROUP BY project_id, {dataset.time}"
    )
    return Dataset(
        name=f"watched_{name}",
        title=f"Watched: {measure.label}",
        description=f"{measure.label} by day; days on which it was unusual are marked (docs/monitoring.md).",
        sql=(
            "SELECT days.project_id AS project_id, days.day AS local_date, days.value AS value, "
            f"if(unusual.found = 1, days.value, NULL) AS unusual FROM ({by_day}) AS days "
            f"LEFT JOIN ({unusual}) AS unusual ON days.project_id = unusual.project_id AND days.day = unusual.day"
        ),
        columns=(
            Column("project_id", "String", "Project"),
            Column("local_date", "Date", "Day", is_time=True),
        ),
        measures=(
            Measure("value", measure.label, "sumOrNull(value)", measure.description, measure.format),
            Measure("unusual", "Unusual", "sumOrNull(unusual)", "Its value on days that were unusual.", measure.format),
        ),
        time="local_date",
        owner=dataset.owner,
    )


def _experiments(nodes: list[Mapping[str, Any]], catalogue: Catalogue) -> Iterator[tuple[Declared, Dataset]]:
    node = next((node for node in nodes if node["name"] == EXPERIMENTS_OF), None)
    if node is None or EXPOSURES not in catalogue.datasets:
        return
    dataset = catalogue.datasets[EXPOSURES]
    for name, experiment in (node["config"].get("meta", {}).get("experiments") or {}).items():
        goal = dataset.measure(experiment["goal"])
        known = {one.name for one in dataset.measures}
        bounds = tuple(one for one in _bounds(goal) if one.name not in known)
        dataset = replace(dataset, measures=(*dataset.measures, *bounds))
        yield Declared(EXPERIMENT, name, f"Experiment: {label_of(name)}", EXPOSURES, goal.name), dataset


def _bounds(goal: Measure) -> Iterator[Measure]:
    """Wilson's interval of a share, one row being one person."""
    n, z = "count()", 1.959964
    middle = f"({goal.expression} + {z * z / 2} / {n})"
    spread = f"{z} * sqrt({goal.expression} * (1 - {goal.expression}) / {n} + {z * z / 4} / pow({n}, 2))"
    for side, sign, label in (("low", "-", "at least"), ("high", "+", "at most")):
        yield Measure(
            f"{goal.name}__{side}",
            f"{goal.label}, {label}",
            f"({middle} {sign} {spread}) / (1 + {z * z} / {n})",
            "The end of the interval that holds the true share in 95 of 100 cases (Wilson).",
            goal.format,
        )


def _columns_of(node: Mapping[str, Any], names: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(
        Column(
            name,
            type_ := str(node["columns"][name]["data_type"] or ""),
            label_of(name),
            " ".join((node["columns"][name]["description"] or "").split()),
            is_time=is_time(type_),
        )
        for name in names
    )


def _source(dataset: Dataset) -> str:
    return f"({dataset.sql}) AS {dataset.name}" if dataset.sql else f"marts.{dataset.table}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
