"""A defined metric as dbt declares it: a semantic model that extends the shipped one of events, and metrics on it.

What a person wrote reaches the SQL through the macros of journeys alone. dbt and MetricFlow fill in `{{ … }}` in such
texts: here no literal has a brace, but its code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from semantic_layer.journeys.models import Filter, Step
from semantic_layer.journeys.rendering import condition_sql, filter_sql, literal, user_dimensions, value_sql
from semantic_layer.metrics.extensions import EXTENDS
from semantic_layer.metrics.formulas.definition import Definition, format_of, label_of, owner_of
from semantic_layer.metrics.formulas.events_model import EventsModel
from semantic_layer.metrics.formulas.tree import (
    Aggregate,
    Calculation,
    Formula,
    Negative,
    Number,
    aggregates,
    constant,
    divisors,
)

DEFINED_BY = "defined_by"  # in the meta of what `metrics define` wrote
COMMAND = "millrace metrics define"
PEOPLE = "if(person_id = '', null, person_key)"  # as metrics of people have it
AGGREGATIONS = {"count": "sum", "unique": "count_distinct", "sum": "sum", "avg": "average", "min": "min", "max": "max"}


@dataclass(frozen=True)
class OwnDimension:
    """A property of events, or a column of theirs that the shipped model leaves out, as a dimension."""

    name: str
    path: str
    label: str

    @property
    def sql(self) -> str:
        return f"nullIf({_safe(value_sql(self.path))}, '')"


@dataclass(frozen=True)
class Declared:
    definition: Definition
    formula: Formula
    events: EventsModel
    dimensions: tuple[str, ...]  # all asked for, as event__product_category
    own_dimensions: tuple[OwnDimension, ...]


def declaration(declared: Declared) -> dict[str, Any]:
    """The document of the YAML file."""
    parts = part_names(declared.definition.name, declared.formula)
    return {
        "version": 2,
        "semantic_models": [_semantic_model(declared, parts)],
        "metrics": [*_helpers(declared, parts), _metric(declared, parts)],
    }


def part_names(name: str, formula: Formula) -> dict[Aggregate, str]:
    """What the measure of each aggregate is called, and where the formula is more than one aggregate, its metric."""
    if isinstance(formula, Aggregate):
        return {formula: name}
    return {part: f"{name}_part_{number}" for number, part in enumerate(aggregates(formula), start=1)}


def remark_on_zero(formula: Formula) -> str:
    """Where the metric has no value, since nothing can be divided by nothing."""
    unsure = list(dict.fromkeys(str(divisor) for divisor in divisors(formula) if constant(divisor) is None))
    return f"Where {' or '.join(unsure)} is 0, it has no value." if unsure else ""


def _semantic_model(declared: Declared, parts: Mapping[Aggregate, str]) -> dict[str, Any]:
    events = declared.events
    time = {key: events.time[key] for key in ("name", "type", "expr", "type_params") if events.time.get(key)}
    time["type_params"] = {"time_granularity": time["type_params"]["time_granularity"]}
    return {
        "name": f"defined_{declared.definition.name}",
        "description": f"What {declared.definition.name} is made of. Its measures and dimensions are of {events.name}.",
        "model": "ref('fct_events')",
        "config": {"meta": {EXTENDS: events.name, DEFINED_BY: COMMAND}},
        "defaults": {"agg_time_dimension": time["name"]},
        "primary_entity": f"defined_{declared.definition.name}",
        "dimensions": [time, *(_dimension(dimension) for dimension in declared.own_dimensions)],
        "measures": [_measure(part, name) for part, name in parts.items()],
    }


def _dimension(dimension: OwnDimension) -> dict[str, Any]:
    return {
        "name": dimension.name,
        "type": "categorical",
        "label": dimension.label,
        "description": f"What events carry as {plain(dimension.path)}.",
        "expr": dimension.sql,
    }


def _measure(part: Aggregate, name: str) -> dict[str, Any]:
    condition = condition_sql(without_users(part.step))
    measure: dict[str, Any] = {
        "name": name,
        "description": plain(str(part)),
        "agg": AGGREGATIONS.get(part.function, "percentile"),
        "expr": _safe(f"if({condition}, {_value_sql(part)}, {'0' if part.function == 'count' else 'null'})"),
    }
    if part.percentile is not None:
        measure["agg_params"] = {"percentile": part.percentile, "use_discrete_percentile": False}
    return measure


def _value_sql(part: Aggregate) -> str:
    if part.function == "count":
        return "1"
    if not part.path:
        return PEOPLE
    text = value_sql(part.path)
    if part.function == "unique":
        return f"nullIf({text}, '')"
    return number_sql(text)


def number_sql(text: str) -> str:
    """A text as a number, whatever type it was sent in; NULL where it is missing or none, as `inf` is."""
    return f"if(isFinite(toFloat64OrNull({text})), toFloat64OrNull({text}), null)"


def _helpers(declared: Declared, parts: Mapping[Aggregate, str]) -> list[dict[str, Any]]:
    if isinstance(declared.formula, Aggregate):
        return []
    return [
        {
            "name": name,
            "label": f"{name}: {plain(str(part))}",  # no two metrics may have the same
            "description": f"A part of {declared.definition.name}.",
            "type": "simple",
            "type_params": {"measure": _input(part, name)},
            "time_granularity": "day",
            **_filtered(_user_conditions(declared.events, part)),
            "config": {"meta": {"hidden": True, DEFINED_BY: COMMAND}},
        }
        for part, name in parts.items()
    ]


def _metric(declared: Declared, parts: Mapping[Aggregate, str]) -> dict[str, Any]:
    definition, formula = declared.definition, declared.formula
    # The formula itself is told beside it.
    described = definition.description.strip() or "Calculated from events"
    described += "" if described.endswith((".", "!", "?")) else "."
    metric: dict[str, Any] = {
        "name": definition.name,
        "label": label_of(definition),
        "description": " ".join(filter(None, [plain(described), plain(remark_on_zero(formula))])),
    }
    conditions = _event_conditions(declared.events, formula)
    if isinstance(formula, Aggregate):
        metric |= {"type": "simple", "type_params": {"measure": _input(formula, definition.name)}}
        conditions += _user_conditions(declared.events, formula)
    else:
        inputs = [{"name": name} for name in parts.values()]
        metric |= {"type": "derived", "type_params": {"expr": _calculated(formula, parts), "metrics": inputs}}
    metric["time_granularity"] = "day"  # where nobody says which
    meta: dict[str, Any] = {
        "owner": owner_of(definition),
        "format": format_of(definition, formula),
        "good": definition.good,
        "synonyms": list(definition.synonyms),
        "formula": plain(str(formula)),
        "dimensions": list(declared.dimensions),
        DEFINED_BY: COMMAND,
    }
    return {**metric, **_filtered(conditions), "config": {"meta": meta}}


def _input(part: Aggregate, measure: str) -> dict[str, Any]:
    """Of nothing there are 0, and its sum is 0; what else is asked of nothing has no value."""
    return {"name": measure, **({"fill_nulls_with": 0} if part.is_zero_of_nothing else {})}


def _calculated(formula: Formula, parts: Mapping[Aggregate, str]) -> str:
    """Of metrics by name. Floats, since products of whole numbers may exceed what ClickHouse can count to."""
    match formula:
        case Number():
            return repr(formula.value)
        case Aggregate():
            return parts[formula]
        case Negative():
            return f"(-{_calculated(formula.of, parts)})"
        case Calculation():
            left, right = _calculated(formula.left, parts), _calculated(formula.right, parts)
            if formula.operator in "*/":
                left = f"toFloat64({left})"
            if formula.operator == "/" and constant(formula.right) is None:
                right = f"nullIf({right}, 0)"
            return f"({left} {formula.operator} {right})"


def _event_conditions(events: EventsModel, formula: Formula) -> list[str]:
    """The events that matter at all: by them the table of events is sorted, and only they make groups of a result."""
    names = sorted({part.step.event for part in aggregates(formula)})
    dimension = events.dimensions.get("event")
    if "*" in names or dimension is None:
        return []
    return [f"{_reference(dimension)} in ({', '.join(_safe(literal(name)) for name in names)})"]


def _user_conditions(events: EventsModel, part: Aggregate) -> list[str]:
    """What must hold of the user at the time of the event."""
    conditions = []
    for kept in _of_users(part.step):
        known = f"ifNull(toString({_reference(events.users[kept.path.partition('.')[2]])}), 'unknown')"
        # The braces of the reference stay, those of the value may not: so it comes last, for a sign that no value has.
        conditions.append(_safe(filter_sql("\x00", kept)).replace("\x00", known))
    return conditions


def _of_users(step: Step) -> list[Filter]:
    return [kept for kept in step.filters if kept.path in user_dimensions()]


def without_users(step: Step) -> Step:
    """Without the filters on what is known of the user, which stands beside the events, not in them."""
    return Step(event=step.event, filters=tuple(kept for kept in step.filters if kept.path not in user_dimensions()))


def _filtered(conditions: list[str]) -> dict[str, Any]:
    return {"filter": " and ".join(f"({condition})" for condition in conditions)} if conditions else {}


def _reference(dimension: str) -> str:
    return f"{{{{ Dimension('{dimension}') }}}}"


def _safe(sql: str) -> str:
    return sql.replace("{", "\\x7b")


def plain(text: str) -> str:
    """For people. A `{{` would be filled in."""
    return re.sub(r"\{(?=[{%#])", "{ ", text)
