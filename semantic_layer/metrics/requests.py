"""A question about metrics as MetricFlow takes it: names that the catalogue has, and conditions as templates in which
values, the only free text, are literals without a brace."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any as Anything

from semantic_layer.journeys.grammar import number
from semantic_layer.metrics.catalogue import Catalogue, Dimension
from semantic_layer.metrics.checking import FIRST_DAY, LAST_DAY, find_dimension, kind_of
from semantic_layer.metrics.comparing import period_first, period_last
from semantic_layer.metrics.models import (
    METRIC_TIME,
    All,
    Any,
    Comparator,
    Comparison,
    Condition,
    Grain,
    MetricQuery,
    Missing,
    Not,
)
from warehouse.errors import WrongUsage

TOLD_APART = (Comparator.EQUAL, Comparator.UNEQUAL)
PLAIN = " -_./:@+,"  # beside letters and digits: what means nothing in SQL or in a template, wherever it stands


@dataclass(frozen=True)
class Request:
    """What is compiled; the order of its rows, limits and comparisons are put around it."""

    metrics: tuple[str, ...]
    group_by: tuple[str, ...]
    where: tuple[str, ...]
    first_day: str | None
    last_day: str | None

    def as_json(self) -> dict[str, Anything]:
        return asdict(self)


def request_for(query: MetricQuery, catalogue: Catalogue, first: date | None, last: date | None) -> Request:
    where = [render(part, catalogue) for part in _conjuncts(query.where)]
    grains = [grouping.grain for grouping in query.by if grouping.name == METRIC_TIME and grouping.grain]
    # MetricFlow widens a range to whole periods of the grain; these days and no others are asked for.
    for grain in grains:
        if first and period_first(first, grain) != first:
            where.append(f"{_time_template(METRIC_TIME)} >= {_date(first)}")
        if last and period_last(last, grain) != last:
            where.append(f"{_time_template(METRIC_TIME)} <= {_date(last)}")
    return Request(
        metrics=query.metrics,
        group_by=tuple(column_of(grouping.name, grouping.grain) for grouping in query.by),
        where=tuple(dict.fromkeys(where)),
        first_day=str(max(first, FIRST_DAY)) if first else None,
        last_day=str(min(last, LAST_DAY)) if last else None,
    )


def conditions_on_rows(query: MetricQuery, catalogue: Catalogue) -> tuple[Condition | None, list[str]]:
    """Of a share of the total: the conditions that choose of what the total is, and as SQL those on what it is grouped
    by, which choose rows of it."""
    grouped = {grouping.name for grouping in query.by if kind_of(find_dimension(grouping.name, catalogue)) == "text"}
    of_total: list[Condition] = []
    of_rows: list[str] = []
    for part in _conjuncts(query.where):
        if isinstance(part, Comparison) and part.dimension in grouped and part.operator in TOLD_APART:
            values = ", ".join(literal(str(value)) for value in part.values)
            negated = "NOT " if part.operator is Comparator.UNEQUAL else ""
            of_rows.append(f"{negated}ifNull(toString({part.dimension}) IN ({values}), false)")
        else:
            of_total.append(part)
    return (All(conditions=tuple(of_total)) if of_total else None), of_rows


def column_of(name: str, grain: Grain | None) -> str:
    """As MetricFlow calls it, in requests and results."""
    return f"{name}__{grain}" if grain else name


def render(condition: Condition, catalogue: Catalogue) -> str:
    match condition:
        case Comparison():
            return _comparison(condition, find_dimension(condition.dimension, catalogue))
        case Missing():
            dimension = find_dimension(condition.dimension, catalogue)
            if kind_of(dimension) == "text":
                return f"ifNull(toString({_template(dimension)}) = '', true)"
            return f"isNull({_template(dimension)})"
        case Not():
            return f"NOT ({render(condition.condition, catalogue)})"
        case All():
            return " AND ".join(f"({render(inner, catalogue)})" for inner in condition.conditions)
        case Any():
            return " OR ".join(f"({render(inner, catalogue)})" for inner in condition.conditions)


def literal(text: str) -> str:
    """A text in ClickHouse's SQL, in which neither SQL nor Jinja can be anything but characters of it."""
    return "'" + "".join(map(_character, text)) + "'"


def _character(character: str) -> str:
    if character.isalnum() or character in PLAIN or (not character.isascii() and character.isprintable()):
        return character
    return "".join(f"\\x{byte:02X}" for byte in character.encode())


def _comparison(comparison: Comparison, dimension: Dimension) -> str:
    """Holds or does not, and is never unknown: where there is no value, only != holds."""
    values = [_value(value, dimension, comparison.operator) for value in comparison.values]
    left = _template(dimension)
    kind = kind_of(dimension)
    if kind == "text" and dimension.type and "String" not in dimension.type:
        left = f"toString({left})"  # an Enum refuses to be compared with what is none of its words
    if kind == "number" and any("." in value or "e" in value for value in values):
        left = f"toFloat64({left})"
    match comparison.operator:
        case Comparator.EQUAL:
            return f"ifNull({left} IN ({', '.join(values)}), false)"
        case Comparator.UNEQUAL:
            return f"ifNull({left} NOT IN ({', '.join(values)}), true)"
    return f"ifNull({left} {comparison.operator} {values[0]}, false)"


def _value(value: str | int | float, dimension: Dimension, operator: Comparator) -> str:
    name = dimension.name
    match kind_of(dimension):
        case "time":
            return _date(_day(value, name))
        case "number":
            told = number(value) if isinstance(value, str) else value
            if isinstance(told, str):
                raise WrongUsage(f"{name} is a number: it cannot be compared with {_shown(value)}.")
            return repr(told)
        case "bool":
            if str(value).lower() not in ("true", "false"):
                raise WrongUsage(f"{name} is true or false, not {_shown(value)}.")
            return str(value).lower()
    if operator not in (Comparator.EQUAL, Comparator.UNEQUAL):
        raise WrongUsage(f"{name} is a text: it is compared by =, !=, in or not in, not by {operator}.")
    return literal(str(value))


def _day(value: str | int | float, name: str) -> date:
    try:
        day = date.fromisoformat(str(value))
    except ValueError as error:
        raise WrongUsage(
            f"{name} is a time: it is compared with a day, not with {_shown(value)}.", hint="As in '2026-01-31'."
        ) from error
    return day


def _shown(value: str | int | float) -> str:
    text = str(value)
    return repr(text if len(text) <= 60 else text[:57] + "…")


def _date(day: date) -> str:
    return f"toDate32('{day}')"


def _template(dimension: Dimension) -> str:
    if dimension.kind == "time":
        return _time_template(dimension.name)
    *path, entity, element = dimension.name.split("__")
    entities = f", entity_path={path!r}" if path else ""
    return f"{{{{ Dimension('{entity}__{element}'{entities}) }}}}"


def _time_template(name: str) -> str:
    *path, last = name.split("__")
    if len(path) > 1:
        return f"{{{{ TimeDimension('{path[-1]}__{last}', 'day', entity_path={path[:-1]!r}) }}}}"
    return f"{{{{ TimeDimension('{name}', 'day') }}}}"


def _conjuncts(condition: Condition | None) -> tuple[Condition, ...]:
    if isinstance(condition, All):
        return tuple(part for inner in condition.conditions for part in _conjuncts(inner))
    return (condition,) if condition is not None else ()
