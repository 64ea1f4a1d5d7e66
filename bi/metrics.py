"""Metrics of the semantic layer as one expression over one table of the marts: what Superset can compute by itself.

Those that are no such expression (of two tables, over a window, set off against another time) are left out: a dashboard
that has no number is better than one with another number than `millrace metrics query`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from semantic_layer.clickhouse.loader import safe_division
from semantic_layer.metrics.extensions import merged, meta_of
from warehouse.errors import MillraceError

DIMENSION = re.compile(r"\{\{\s*Dimension\(\s*'(\w+)__(\w+)'\s*\)\s*\}\}")
# Kinds of metrics that no expression over rows is right for.
ABSENT = {"cumulative": "over a window of time", "conversion": "of what people did after something else"}


@dataclass(frozen=True)
class Expression:
    model: str  # the semantic model whose rows it is of
    sql: str


@dataclass(frozen=True)
class SemanticModel:
    name: str
    table: str  # of the marts
    label: str
    description: str
    entity: str  # what its dimensions are called by: order of order__coupon
    time: str  # the column of its days
    dimensions: Mapping[str, Mapping[str, Any]]
    joins: Mapping[str, str]  # entity that it knows of others -> by what expression


class SemanticManifest:
    def __init__(self, manifest: Mapping[str, Any], columns: Mapping[str, Sequence[str]]) -> None:
        """`columns` of each mart, by its name."""
        manifest = merged(manifest)
        self.metrics: dict[str, Mapping[str, Any]] = {metric["name"]: metric for metric in manifest["metrics"]}
        self._declared = {model["name"]: model for model in manifest["semantic_models"]}
        self._columns = columns
        self._measures = {
            measure["name"]: (name, measure) for name, model in self._declared.items() for measure in model["measures"]
        }

    @cached_property
    def models(self) -> Mapping[str, SemanticModel]:
        """Those that have measures, and rows of days."""
        found = {}
        for name, model in self._declared.items():
            default = (model["defaults"] or {}).get("agg_time_dimension")
            day = self._day(model, default) if default else ""
            if model["measures"] and day:
                found[name] = SemanticModel(
                    name=name,
                    table=model["node_relation"]["alias"],
                    label=model["label"] or name,
                    description=_text(model["description"]),
                    entity=primary_entity(model),
                    time=day,
                    dimensions={one["name"]: one for one in model["dimensions"] if one["type"] == "categorical"},
                    joins={one["name"]: one["expr"] for one in model["entities"] if one["type"] == "foreign"},
                )
        return found

    def joined(self, entity: str) -> Mapping[str, Any]:
        """The semantic model that has one row for each of an entity."""
        return next(
            model
            for model in self._declared.values()
            if model["primary_entity"] == entity
            or any(one["name"] == entity and one["type"] in ("primary", "natural") for one in model["entities"])
        )

    def aggregation(self, metric: Mapping[str, Any]) -> str:
        """Of a simple metric."""
        _, measure = self._measures[metric["type_params"]["measure"]["name"]]
        return str(measure["agg"])

    def expression(self, metric: str) -> Expression | None:
        return self._of(metric, ())

    def absence(self, name: str) -> str:
        """Why a metric has no expression, in words; empty where it has one."""
        if self.expression(name):
            return ""
        metric = self.metrics[name]
        if metric["type"] in ABSENT:
            return ABSENT[metric["type"]]
        params = metric["type_params"]
        if metric["type"] == "simple":
            _, measure = self._measures[params["measure"]["name"]]
            own = measure["agg_time_dimension"]
            return f"counted by {own}, not by the day of its rows" if own else "filtered by what another table knows"
        parts = params["metrics"] or [params["numerator"], params["denominator"]]
        if any(part.get("offset_window") or part.get("offset_to_grain") for part in parts):
            return "set off against another time"
        for part in parts:
            if why := self.absence(part["name"]):
                return f"made of {part['name']}, which is {why}"
        models = {str(expression.model) for part in parts if (expression := self.expression(part["name"]))}
        return f"of several tables: {', '.join(sorted(models))}"

    def _of(self, name: str, conditions: tuple[str, ...]) -> Expression | None:
        metric = self.metrics[name]
        params = metric["type_params"]
        if metric["type"] == "simple":
            return self._aggregated(params["measure"], (*conditions, *_templates(metric)))
        if metric["type"] == "ratio":
            inner = (*conditions, *_templates(metric))
            parts = [self._input(params[part], inner) for part in ("numerator", "denominator")]
            template = "toFloat64({0}) / nullIf(toFloat64({1}), 0)"
            return _together(parts, lambda sqls: template.format(*sqls))
        if metric["type"] == "derived":
            inner = (*conditions, *_templates(metric))
            inputs = {one["alias"] or one["name"]: one for one in params["metrics"]}
            parts = [self._input(one, inner) for one in inputs.values()]
            expression = safe_division(params["expr"])
            return _together(parts, lambda sqls: _replaced(expression, dict(zip(inputs, sqls, strict=True))))
        return None  # over windows of time, or of what people did before

    def _input(self, part: Mapping[str, Any], conditions: tuple[str, ...]) -> Expression | None:
        if part.get("offset_window") or part.get("offset_to_grain"):
            return None
        return self._of(part["name"], (*conditions, *_templates(part)))

    def _aggregated(self, use: Mapping[str, Any], templates: tuple[str, ...]) -> Expression | None:
        model_name, measure = self._measures[use["name"]]
        model = self.models.get(model_name)
        if model is None or use["join_to_timespine"] or not self._is_by_its_days(model_name, measure):
            return None
        conditions = [self._condition(model, text) for text in (*templates, *_templates(use))]
        if None in conditions:
            return None
        only = " AND ".join(f"({condition})" for condition in conditions)
        value = safe_division(measure["expr"] or measure["name"])
        if measure["non_additive_dimension"]:
            sql = _of_one_day(measure, model.time, value, only)
        else:
            sql = _AGGREGATED[measure["agg"]](value, only, measure) if measure["agg"] in _AGGREGATED else ""
        if not sql:
            return None
        if (instead := use["fill_nulls_with"]) is not None:
            sql = f"coalesce({sql}, {instead})"
        return Expression(model_name, sql)

    def _condition(self, model: SemanticModel, template: str) -> str | None:
        """A filter on dimensions of the rows themselves; None where it asks for others."""
        mine = True

        def replaced(match: re.Match[str]) -> str:
            nonlocal mine
            entity, name = match.groups()
            mine = mine and entity == model.entity and name in model.dimensions
            return f"({model.dimensions[name]['expr'] or name})" if mine else ""

        text = DIMENSION.sub(replaced, template)
        return text if mine and "{{" not in text else None

    def _is_by_its_days(self, model: str, measure: Mapping[str, Any]) -> bool:
        declared = self._declared[model]
        own = measure["agg_time_dimension"]
        return not own or self._day(declared, own) == self.models[model].time

    def _day(self, model: Mapping[str, Any], dimension: str) -> str:
        """The column with the days of a time dimension, in the project's timezone; empty where the table has none."""
        said = next(one for one in model["dimensions"] if one["name"] == dimension)
        columns = self._columns.get(model["node_relation"]["alias"], ())
        expression = said["expr"] or said["name"]
        if expression in columns and said["type_params"]["time_granularity"] == "day":
            return str(expression)
        is_default = dimension == (model["defaults"] or {}).get("agg_time_dimension")
        return "local_date" if is_default and "local_date" in columns else ""


def read_semantic_manifest(path: Path, manifest: Mapping[str, Any]) -> SemanticManifest:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MillraceError("No metrics are known yet.", hint="Run `millrace build`, which reads them.") from error
    return SemanticManifest(document, mart_columns(manifest))


def mart_columns(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    return {
        node["name"]: list(node["columns"])
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }


def primary_entity(model: Mapping[str, Any]) -> str:
    own = [one["name"] for one in model["entities"] if one["type"] == "primary" and not meta_of(one).get("hidden")]
    return str((own or [model["primary_entity"] or ""])[0])


def _sum(value: str, only: str, measure: Mapping[str, Any]) -> str:
    return f"sumOrNullIf({value}, {only})" if only else f"sumOrNull({value})"


def _average(value: str, only: str, measure: Mapping[str, Any]) -> str:
    return f"avgOrNullIf({value}, {only})" if only else f"avgOrNull({value})"


def _distinct(value: str, only: str, measure: Mapping[str, Any]) -> str:
    return f"uniqExactIf({value}, {only})" if only else f"uniqExact({value})"


def _count(value: str, only: str, measure: Mapping[str, Any]) -> str:
    return f"countIf({' AND '.join(filter(None, [f'{value} IS NOT NULL', only]))})"


def _largest(value: str, only: str, measure: Mapping[str, Any]) -> str:
    return f"maxOrNullIf({value}, {only})" if only else f"maxOrNull({value})"


def _least(value: str, only: str, measure: Mapping[str, Any]) -> str:
    return f"minOrNullIf({value}, {only})" if only else f"minOrNull({value})"


def _percentile(value: str, only: str, measure: Mapping[str, Any]) -> str:
    params = measure["agg_params"] or {}
    if params.get("use_discrete_percentile") or params.get("use_approximate_percentile"):
        return ""
    # Its name in a text: Superset reads each statement before it sends it, and does not know all functions.
    function = f"'quantileExactInclusiveOrNull({params.get('percentile') or 0.5})'"
    values = f"groupArrayIf(toFloat64({value}), {only})" if only else f"groupArray(toFloat64({value}))"
    return f"arrayReduce({function}, {values})"


# As semantic_layer/clickhouse/expressions.py renders them.
_AGGREGATED = {
    "sum": _sum,
    "average": _average,
    "count_distinct": _distinct,
    "count": _count,
    "max": _largest,
    "min": _least,
    "median": _percentile,
    "percentile": _percentile,
}


def _of_one_day(measure: Mapping[str, Any], day: str, value: str, only: str) -> str:
    """What is a balance counts on the last, or first, day of the time that is asked for, or of each bucket of it."""
    balance = measure["non_additive_dimension"]
    function = {"sum": "arraySum", "max": "arrayMax", "min": "arrayMin"}.get(measure["agg"])
    if only or function is None or balance["window_groupings"]:
        return ""
    rows = f"groupArray(tuple({day}, {value}))"
    on_that_day = f"arrayFilter(x -> x.1 = {balance['window_choice']}({day}), {rows})"
    return f"if(count() = 0, NULL, {function}(arrayMap(x -> x.2, {on_that_day})))"


def _together(parts: Sequence[Expression | None], combine: Any) -> Expression | None:
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or len({part.model for part in known}) != 1:
        return None
    return Expression(known[0].model, combine([part.sql for part in known]))


def _replaced(expression: str, parts: Mapping[str, str]) -> str:
    names = sorted(map(re.escape, parts), key=len, reverse=True)
    return re.sub(rf"\b({'|'.join(names)})\b", lambda match: f"({parts[match[0]]})", expression)


def _templates(element: Mapping[str, Any]) -> tuple[str, ...]:
    found = element.get("filter") or {}
    return tuple(" ".join(one["where_sql_template"].split()) for one in found.get("where_filters", ()))


def _text(text: str | None) -> str:
    return " ".join((text or "").split())
