"""Metrics and dimensions as the dbt project declares them, with what MetricFlow says goes together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from semantic_layer.metrics.catalogue import Dimension, Metric
from semantic_layer.metrics.extensions import merged
from semantic_layer.metrics.models import METRIC_TIME, Grain
from warehouse.errors import MillraceError

SEPARATOR = "__"
FINER_THAN_AN_HOUR = ("nanosecond", "microsecond", "millisecond", "second", "minute")
DAYS_AT_MOST = {"week": 7, "month": 31, "quarter": 92, "year": 366}  # of finer grains a day
ADDED_UP = ("sum", "count", "sum_boolean")
GRAINS = tuple(grain.value for grain in Grain)


def declared(path: Path) -> tuple[dict[str, Metric], dict[str, Dimension]]:
    """By name. What is declared as hidden helps others and is no part of any question."""
    from semantic_layer.metrics.planning import compiler_of

    try:
        return _Declared(merged(json.loads(path.read_text(encoding="utf-8"))), compiler_of(path)).read()
    except MillraceError:
        raise
    except Exception as error:  # of MetricFlow, which tells a faulty declaration in many ways
        raise MillraceError(
            f"The metrics cannot be read: {' '.join(str(error).split())[:500]}",
            hint="`millrace metrics validate` says more.",
        ) from error


class _Declared:
    def __init__(self, manifest: Mapping[str, Any], compiler: Any) -> None:
        self.compiler = compiler
        self.metrics = {metric["name"]: metric for metric in manifest["metrics"]}
        self.models = {model["name"]: model for model in manifest["semantic_models"]}
        self.measures = {
            measure["name"]: (model, measure) for model in self.models.values() for measure in model["measures"]
        }
        # Some entities are there for joins alone.
        self.hidden_entities = {
            entity["name"]
            for model in self.models.values()
            for entity in model["entities"]
            if _meta(entity).get("hidden")
        }
        spines = manifest["project_configuration"]["time_spines"]
        grains = [spine["primary_column"]["time_granularity"] for spine in spines]
        self.spine_grain = min(grains, key=_order, default="day")

    def read(self) -> tuple[dict[str, Metric], dict[str, Dimension]]:
        metrics: dict[str, Metric] = {}
        dimensions: dict[str, Dimension] = {}
        for name, metric in self.metrics.items():
            if _meta(metric).get("hidden"):
                continue
            own = self._dimensions(name)
            dimensions |= {dimension.name: dimension for dimension in own if dimension.name not in dimensions}
            metrics[name] = self._metric(metric, [dimension.name for dimension in own])
        return metrics, dict(sorted(dimensions.items()))

    def _metric(self, metric: Mapping[str, Any], dimensions: list[str]) -> Metric:
        meta = _meta(metric)
        grains = self._grains(metric["name"])
        return Metric(
            name=metric["name"],
            label=metric["label"] or metric["name"],
            description=_text(metric["description"]),
            kind=metric["type"],
            owner=str(meta.get("owner", "")),
            format=str(meta.get("format", "number")),
            good=str(meta.get("good", "neutral")),
            synonyms=tuple(map(str, meta.get("synonyms", ()))),
            dimensions=tuple(sorted(dimensions, key=self._preference(metric["name"]))),
            made_of=str(meta.get("formula") or self._made_of(metric)),
            grain=grains[0],
            grains=grains,
            every_day=self._is_joined_to_days(metric["name"]),
            needs_time=self._needs_time(metric["name"]),
            adds_up=self._adds_up(metric["name"]),
            at_the_end=self._is_at_the_end(metric["name"]),
            window_days=self._window_days(metric["name"]),
        )

    def _dimensions(self, metric: str) -> list[Dimension]:
        found: dict[str, Dimension] = {}
        for dimension in self.compiler.engine.simple_dimensions_for_metrics([metric]):
            links = tuple(link.element_name for link in dimension.entity_links)
            name = SEPARATOR.join((*links, dimension.name))
            if dimension.name == METRIC_TIME or name in found or self.hidden_entities & set(links):
                continue
            model = self.models[dimension.semantic_model_reference.semantic_model_name]
            said = next(own for own in model["dimensions"] if own["name"] == dimension.name)
            if not _meta(said).get("hidden") and (not _meta(said).get("own") or self._is_of(metric, model)):
                found[name] = _dimension(name, said, model)
        # By way of another entity what can be had directly is rarely meant.
        direct = {name for name in found if name.count(SEPARATOR) == 1}
        return [
            dimension
            for name, dimension in found.items()
            if name in direct or SEPARATOR.join(name.split(SEPARATOR)[-2:]) not in direct
        ]

    def _is_of(self, metric: str, model: Mapping[str, Any]) -> bool:
        """Whether all that it measures is of this model: the hour of an order is not that of its session."""
        return all(self.measures[measure][0] is model for measure in self._measures(metric))

    def _preference(self, metric: str) -> Any:
        """Of two dimensions that are called the same, that of the entity which the metric's model prefers is meant."""
        prefers: list[str] = []
        for measure in self._measures(metric):
            prefers += _meta(self.measures[measure][0]).get("prefers", [])

        def key(name: str) -> tuple[int, int, int]:
            entity, _, _ = name.partition(SEPARATOR)
            place = prefers.index(entity) if entity in prefers else len(prefers)
            return name.count(SEPARATOR), place, 0

        return key

    def _measures(self, metric: str) -> Iterable[str]:
        return [measure["name"] for measure in self.metrics[metric]["type_params"]["input_measures"]]

    def _grains(self, metric: str) -> tuple[str, ...]:
        from metricflow_semantic_interfaces.references import MetricReference

        lookup = self.compiler.engine._semantic_manifest_lookup.metric_lookup
        finest = lookup.get_min_queryable_time_granularity(MetricReference(metric)).value
        joined = self._is_joined_to_days(metric)
        coarsest = max([finest, *([self.spine_grain] if joined else [])], key=_order)
        grains = [grain for grain in GRAINS if _order(coarsest) <= _order(grain) <= self._coarsest(metric)]
        # What is set off against instants is known by the grain of the days it is joined to alone.
        return tuple(grain for grain in grains if not joined or grain == grains[0] or self._compiles(metric, grain))

    def _coarsest(self, name: str) -> int:
        """What is set off against the begin of a month has no meaning by year. Of what runs over some days, MetricFlow
        would tell the last day of a month on which there was anything, not the last day of the month."""
        parts = _inputs(self.metrics[name])
        own = [_order(part["offset_to_grain"]) for part in parts if part.get("offset_to_grain")]
        if self._runs_over_some_days(name):
            own.append(_order(self.spine_grain))
        return min([len(GRAINS), *own, *(self._coarsest(part["name"]) for part in parts)])

    def _compiles(self, metric: str, grain: str) -> bool:
        from semantic_layer.metrics.planning import NotPlanned, planned

        request = {"metrics": [metric], "group_by": [f"{METRIC_TIME}{SEPARATOR}{grain}"], "where": []}
        try:
            planned(self.compiler, {**request, "first_day": None, "last_day": None}, "", "UTC")
        except NotPlanned:
            return False
        return True

    def _is_joined_to_days(self, name: str) -> bool:
        metric = self.metrics[name]
        if metric["type"] == "cumulative":
            return True
        if any(measure.get("join_to_timespine") for measure in metric["type_params"]["input_measures"]):
            return True
        return any(_offset(part) or self._is_joined_to_days(part["name"]) for part in _inputs(metric))

    def _needs_time(self, name: str) -> bool:
        parts = _inputs(self.metrics[name])
        return self._runs_over_some_days(name) or any(_offset(part) or self._needs_time(part["name"]) for part in parts)

    def _runs_over_some_days(self, name: str) -> bool:
        cumulative = self.metrics[name]["type_params"].get("cumulative_type_params") or {}
        return bool(cumulative.get("window") or cumulative.get("grain_to_date"))

    def _adds_up(self, name: str) -> bool:
        """Sums and counts do, and what is added to or taken off of such at the same time."""
        metric = self.metrics[name]
        params = metric["type_params"]
        if metric["type"] == "simple":
            _, measure = self.measures[params["measure"]["name"]]
            return measure["agg"] in ADDED_UP and not measure["non_additive_dimension"]
        if metric["type"] != "derived" or re.search(r"[^\w\s+-]", params["expr"]):
            return False
        return all(not _offset(part) and self._adds_up(part["name"]) for part in params["metrics"])

    def _is_at_the_end(self, name: str) -> bool:
        metric = self.metrics[name]
        if metric["type"] == "simple":
            _, measure = self.measures[metric["type_params"]["measure"]["name"]]
            return (measure["non_additive_dimension"] or {}).get("window_choice") == "max"
        parts = _inputs(metric)
        return bool(parts) and all(not _offset(part) and self._is_at_the_end(part["name"]) for part in parts)

    def _window_days(self, name: str) -> int:
        """Of a conversion its window, of what the marts know of people the one that is declared; of what is made of
        several the longest."""
        metric = self.metrics[name]
        days = [int(_meta(metric).get("window_days", 0))]
        if metric["type"] == "conversion" and (window := metric["type_params"]["conversion_type_params"]["window"]):
            days.append(window["count"] * DAYS_AT_MOST.get(window["granularity"], 1))
        return max((*days, *(self._window_days(part["name"]) for part in _inputs(metric))))

    def _made_of(self, metric: Mapping[str, Any]) -> str:
        params, kind = metric["type_params"], metric["type"]
        match kind:
            case "ratio":
                told = f"{self._part(params['numerator'])} / {self._part(params['denominator'])}"
            case "derived":
                parts = {part["alias"] or part["name"]: self._part(part) for part in params["metrics"]}
                told = _replaced(params["expr"], parts)
            case "conversion":
                conversion = params["conversion_type_params"]
                window = conversion["window"]
                within = f" within {window['count']} {window['granularity']}" if window else ""
                goal, base = conversion["conversion_measure"]["name"], conversion["base_measure"]["name"]
                told = f"{self._measure(goal)} after {self._measure(base)}{within}, by {conversion['entity']}"
            case "cumulative":
                cumulative = params["cumulative_type_params"] or {}
                window, to_date = cumulative.get("window"), cumulative.get("grain_to_date")
                of = f"the last {window['count']} {window['granularity']}" if window else "all time"
                of = f"the {to_date} to date" if to_date else of
                told = f"{self._measure(params['measure']['name'])}, over {of}"
            case _:
                measure = params["measure"]
                told = self._measure(measure["name"]) + _filtered(measure["filter"])
        return told + _filtered(metric["filter"])

    def _part(self, part: Mapping[str, Any]) -> str:
        before = part["offset_window"]
        when = f" {before['count']} {before['granularity']} before" if before else ""
        when = f" at the start of the {part['offset_to_grain']}" if part["offset_to_grain"] else when
        return f"{part['name']}{when}{_filtered(part['filter'])}"

    def _measure(self, name: str) -> str:
        model, measure = self.measures[name]
        told = measure["description"] or f"{measure['agg']} of {measure['expr'] or name}"
        return f"{_text(told).rstrip('.')} ({model['node_relation']['alias']})"


def _inputs(metric: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The metrics that one is made of."""
    params = metric["type_params"]
    return [*(params["metrics"] or ()), *(params[key] for key in ("numerator", "denominator") if params[key])]


def _offset(part: Mapping[str, Any]) -> bool:
    return bool(part.get("offset_window") or part.get("offset_to_grain"))


def _dimension(name: str, said: Mapping[str, Any], model: Mapping[str, Any]) -> Dimension:
    meta = _meta(said)
    relation = model["node_relation"]
    finest = said["type_params"]["time_granularity"] if said["type_params"] else ""
    return Dimension(
        name=name,
        label=said["label"] or said["name"],
        description=_text(said["description"]),
        kind=said["type"],
        synonyms=tuple(map(str, meta.get("synonyms", ()))),
        value_synonyms={str(v): tuple(map(str, words)) for v, words in meta.get("value_synonyms", {}).items()},
        grain="hour" if finest in FINER_THAN_AN_HOUR else finest,
        table=f"{relation['schema_name']}.{relation['alias']}",
        expression=said["expr"] or said["name"],
    )


def _replaced(expression: str, parts: Mapping[str, str]) -> str:
    names = sorted(map(re.escape, parts), key=len, reverse=True)
    return re.sub(rf"\b({'|'.join(names)})\b", lambda match: parts[match[0]], " ".join(expression.split()))


def _filtered(condition: Mapping[str, Any] | None) -> str:
    """MetricFlow's templates as people read them: {{ Dimension('order__coupon') }} is order__coupon."""
    if not condition:
        return ""
    told = [
        re.sub(r"\{\{\s*\w+\(\s*'([^']*)'[^)]*\)\s*\}\}", r"\1", " ".join(part["where_sql_template"].split()))
        for part in condition["where_filters"]
    ]
    return f" where {' and '.join(told)}"


def _meta(element: Mapping[str, Any]) -> Mapping[str, Any]:
    meta: Mapping[str, Any] = (element.get("config") or {}).get("meta") or {}
    return meta


def _text(text: str | None) -> str:
    return " ".join((text or "").split())


def _order(grain: str) -> int:
    return GRAINS.index(grain) + 1 if grain in GRAINS else 0
