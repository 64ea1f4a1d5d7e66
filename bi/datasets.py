"""Datasets that are derived: one for each semantic model, with its dimensions and metrics, of what dbt declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bi.metrics import SemanticManifest, SemanticModel
from bi.model import Column, Dataset, Measure
from semantic_layer.metrics.extensions import meta_of
from warehouse.errors import WrongUsage, nearest

D3_FORMATS = {
    "percent": ".1%",
    "currency": ",.2f",
    "seconds": ",.1f",
    "milliseconds": ",.0f",
    "score": ",.1f",
}
UNITS = {"seconds": " (s)", "milliseconds": " (ms)"}
COUNTED = ("sum", "count", "count_distinct", "sum_boolean", "max", "min")  # whole numbers, where the rows have such
# Of a user who changes, facts keep the key of the version that held; MetricFlow finds the same one by its time.
KEY_OF_VERSION = {"user": "user_version_key"}
# For people to group by are neither keys nor what a browser cannot show.
NOT_SHOWN = ("_key", "_id")


@dataclass(frozen=True)
class Joined:
    """A dimension of another table: session__country."""

    entity: str
    name: str


def semantic_datasets(
    semantic: SemanticManifest, manifest: Mapping[str, Any], joined: Mapping[str, Sequence[str]]
) -> Iterator[Dataset]:
    """`joined`: of a semantic model, dimensions of others that its dataset has beside its own."""
    nodes = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    if unknown := [name for name in joined if name not in semantic.models]:
        raise WrongUsage(f"No semantic model is called {unknown[0]!r}{nearest(unknown[0], semantic.models) or '.'}")
    measures, of_tables = _measures_by_model(semantic), set[str]()
    for model in semantic.models.values():
        more = [Joined(*text.split("__", 1)) for text in joined.get(model.name, ())]
        dataset = _dataset(semantic, model, nodes[model.table], more, nodes, measures.get(model.name, ()))
        # Superset has one dataset for each table: a second one would take the place of the first.
        if dataset.is_of(model.table) and model.table in of_tables:
            columns = ", ".join(nodes[model.table]["columns"])
            dataset = replace(dataset, sql=f"SELECT {columns} FROM marts.{model.table}")
        elif dataset.is_of(model.table):
            of_tables.add(model.table)
        yield dataset


def _dataset(
    semantic: SemanticManifest,
    model: SemanticModel,
    node: Mapping[str, Any],
    more: Sequence[Joined],
    nodes: Mapping[str, Any],
    measures: Iterable[Measure],
) -> Dataset:
    said = {str(one["expr"] or name): one for name, one in model.dimensions.items()}
    columns = {
        name: Column(
            name=name,
            type=column["data_type"] or "",
            label=str(said[name]["label"]) if name in said else label_of(name),
            description=" ".join((column["description"] or "").split()),
            is_time=is_time(column["data_type"] or ""),
            grouped=is_shown(column),
        )
        for name, column in node["columns"].items()
    }
    for name, one in model.dimensions.items():
        if (one["expr"] or name) not in columns and name not in columns:
            columns[name] = _dimension(name, one, str(one["expr"] or ""))
    sql = ""
    if more:
        sql, brought = _joined_sql(semantic, model, list(node["columns"]), more, nodes)
        columns |= brought
    return Dataset(
        name=model.name,
        title=model.label,
        description=model.description,
        columns=tuple(columns.values()),
        measures=tuple(sorted(measures, key=lambda one: one.label)),
        time=model.time,
        table=model.table,
        sql=sql,
        owner=str(node["config"].get("meta", {}).get("owner") or "analytics"),
    )


def _dimension(name: str, said: Mapping[str, Any], expression: str) -> Column:
    description = " ".join((said["description"] or "").split())
    return Column(name, "String", str(said["label"] or label_of(name)), description, expression)


def _joined_sql(
    semantic: SemanticManifest,
    model: SemanticModel,
    own: Sequence[str],
    more: Sequence[Joined],
    nodes: Mapping[str, Any],
) -> tuple[str, dict[str, Column]]:
    """The rows of the model with dimensions of what they are joined to, one row for one row."""
    brought: dict[str, Column] = {}
    selected = [f"{model.name}.{name} AS {name}" for name in own]
    joins = []
    for entity in dict.fromkeys(one.entity for one in more):
        if entity not in model.joins:
            raise WrongUsage(f"{model.name} is not joined to {entity!r}{nearest(entity, model.joins) or '.'}")
        other = semantic.joined(entity)
        table = other["node_relation"]["alias"]
        version = KEY_OF_VERSION.get(entity)
        if version and version in own:
            left, right = version, version
        else:
            left = model.joins[entity]
            right = next(str(one["expr"]) for one in other["entities"] if one["name"] == entity)
        dimensions = {one["name"]: one for one in other["dimensions"]}
        wanted = [one.name for one in more if one.entity == entity]
        for name in wanted:
            if name not in dimensions:
                raise WrongUsage(f"{entity} has no dimension {name!r}{nearest(name, dimensions) or '.'}")
            if name in own or name in brought:
                raise WrongUsage(f"{model.name} has two columns {name!r}: leave {entity}__{name} out.")
            brought[name] = _dimension(name, dimensions[name], "")
            selected.append(f"{entity}.{name} AS {name}")
        inner = ", ".join(f"{dimensions[name]['expr'] or name} AS {name}" for name in wanted)
        joins.append(
            f"LEFT JOIN (SELECT {right} AS joined_key, {inner} FROM marts.{table}) AS {entity} "
            f"ON {model.name}.{left} = {entity}.joined_key"
        )
    return f"SELECT {', '.join(selected)} FROM marts.{model.table} AS {model.name} {' '.join(joins)}", brought


def _measures_by_model(semantic: SemanticManifest) -> dict[str, list[Measure]]:
    found: dict[str, list[Measure]] = {}
    for name, metric in semantic.metrics.items():
        expression = semantic.expression(name)
        if expression is None or meta_of(metric).get("hidden"):
            continue
        format_ = str(meta_of(metric).get("format", "number"))
        found.setdefault(expression.model, []).append(
            Measure(
                name=name,
                label=f"{metric['label'] or name}{UNITS.get(format_, '')}",
                expression=expression.sql,
                description=" ".join((metric["description"] or "").split()),
                format=D3_FORMATS.get(format_) or (",d" if is_counted(semantic, metric) else ",.2f"),
            )
        )
    return found


def is_counted(semantic: SemanticManifest, metric: Mapping[str, Any]) -> bool:
    """Whether it is a whole number: a count, and what is added to and taken off of such."""
    if metric["type"] == "simple":
        return semantic.aggregation(metric) in COUNTED
    parts = metric["type_params"]["metrics"] or ()
    no_quotient = metric["type"] == "derived" and "/" not in metric["type_params"]["expr"]
    return no_quotient and all(is_counted(semantic, semantic.metrics[part["name"]]) for part in parts)


def label_of(name: str) -> str:
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def is_time(type_: str) -> bool:
    return type_.removeprefix("Nullable(").startswith("Date")


def is_shown(column: Mapping[str, Any]) -> bool:
    name, type_ = column["name"], column["data_type"] or ""
    of_a_project = name == "project_id"
    return of_a_project or not (name.endswith(NOT_SHOWN) or type_.startswith(("JSON", "Array", "Map", "Tuple")))
