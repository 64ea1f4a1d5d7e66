"""Semantic models that extend another one of the same table: `config: {meta: {extends: events}}`.

MetricFlow would join the two, and dbt lets no two models give an entity the same dimension. So whoever reads dbt's
semantic manifest reads it through here, where measures and dimensions of the one become those of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXTENDS = "extends"


def merged(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The semantic manifest without extending models: what they bring is in those that they extend."""
    models = {model["name"]: dict(model) for model in manifest["semantic_models"]}
    for name, model in list(models.items()):
        if (extended := extends(model)) not in models:
            continue
        del models[name]
        into = models[extended]
        for kind in ("measures", "dimensions"):
            have = {element["name"] for element in into[kind]}
            into[kind] = [*into[kind], *(element for element in model[kind] if element["name"] not in have)]
    return {**manifest, "semantic_models": list(models.values())}


def extends(model: Mapping[str, Any]) -> str:
    """The name of the model that this one extends, or nothing."""
    return str(meta_of(model).get(EXTENDS, ""))


def meta_of(element: Mapping[str, Any]) -> Mapping[str, Any]:
    meta: Mapping[str, Any] = (element.get("config") or {}).get("meta") or {}
    return meta
