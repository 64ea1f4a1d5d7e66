"""The shipped semantic model of events, which a defined metric extends: what its dimensions are called, and which names
are taken. Read from dbt's semantic manifest, without MetricFlow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semantic_layer.metrics.extensions import extends, meta_of
from warehouse.errors import MillraceError

EVENTS, USERS = "fct_events", "dim_users"


@dataclass(frozen=True)
class EventsModel:
    name: str
    entity: str
    time: Mapping[str, Any]  # the dimension by which its measures go, as declared
    dimensions: Mapping[str, str]  # SQL of a column -> event__country
    reachable: frozenset[str]  # all of it and of what it is joined with, as user__plan
    prefers: tuple[str, ...]  # entities: of dimensions that are called the same, that of the first one is meant
    users: Mapping[str, str]  # column of dim_users -> user__plan
    taken: Mapping[str, str]  # name -> what is called so, as `a metric`
    labels: Mapping[str, str]  # of metrics: label -> name
    dimension_labels: Mapping[str, str]  # label -> name
    defined: Mapping[str, str]  # dimensions that defined metrics brought: name -> SQL


def read_events_model(manifest_file: Path) -> EventsModel:
    try:
        manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MillraceError(
            "There are no metrics yet: the models are not built.", hint="Run `millrace build`, then this again."
        ) from error
    return events_model(manifest)


def events_model(manifest: Mapping[str, Any]) -> EventsModel:
    models = manifest["semantic_models"]
    shipped = [model for model in models if not extends(model) and _table(model) == EVENTS]
    if not shipped:
        raise MillraceError(
            f"No semantic model is of {EVENTS}, which defined metrics extend.",
            hint="It belongs to dbt_project/models/semantic.",
        )
    model = max(shipped, key=lambda candidate: len(candidate["dimensions"]))
    by_name = {dimension["name"]: dimension for dimension in model["dimensions"]}
    entity = _primary(model)
    reachable: dict[str, tuple[str, str]] = {}  # user__plan -> table and SQL
    for prefix, joined in [(entity, model), *_joined(model, models)]:
        for dimension in joined["dimensions"]:
            reachable.setdefault(f"{prefix}__{dimension['name']}", (_table(joined), _sql(dimension)))
    return EventsModel(
        name=model["name"],
        entity=entity,
        time=by_name[model["defaults"]["agg_time_dimension"]],
        dimensions={_sql(dimension): f"{entity}__{dimension['name']}" for dimension in model["dimensions"]},
        reachable=frozenset(reachable),
        prefers=tuple(meta_of(model).get("prefers", ())),
        users={sql: name for name, (table, sql) in reversed(reachable.items()) if table == USERS},
        taken=dict(_names(manifest)),
        labels={metric["label"]: metric["name"] for metric in manifest["metrics"] if metric.get("label")},
        dimension_labels={
            dimension["label"]: dimension["name"]
            for other in models
            for dimension in other["dimensions"]
            if dimension.get("label")
        },
        defined={
            dimension["name"]: _sql(dimension)
            for other in models
            if extends(other)
            for dimension in other["dimensions"]
        },
    )


def _joined(model: Mapping[str, Any], models: list[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Entities of the model that name a row of another."""
    own = {entity["name"] for entity in model["entities"] if entity["type"] == "foreign"}
    for other in models:
        for entity in other["entities"]:
            if entity["name"] in own and entity["type"] in ("primary", "unique", "natural"):
                yield entity["name"], other


def _names(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for model in manifest["semantic_models"]:
        for kind, called in (("entities", "an entity"), ("dimensions", "a dimension"), ("measures", "a measure")):
            yield from ((element["name"], called) for element in model[kind])
        yield model["name"], "a semantic model"
        if model["primary_entity"]:
            yield model["primary_entity"], "an entity"
    for metric in manifest["metrics"]:
        yield metric["name"], "a metric"


def _primary(model: Mapping[str, Any]) -> str:
    named = [entity["name"] for entity in model["entities"] if entity["type"] == "primary"]
    return str(model["primary_entity"] or named[0])


def _table(model: Mapping[str, Any]) -> str:
    return str(model["node_relation"]["alias"])


def _sql(dimension: Mapping[str, Any]) -> str:
    return str(dimension["expr"] or dimension["name"])
