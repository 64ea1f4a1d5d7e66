"""Writes the catalogue: what dbt's manifest declares, and what the marts have."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from semantic_layer.metrics.catalogue import (
    LAYOUT,
    Catalogue,
    DeclaredFunnel,
    catalogue_file,
    encoded,
    folder,
    read_catalogue,
    semantic_manifest,
    stamps,
)
from semantic_layer.metrics.data_version import data_version
from semantic_layer.metrics.declared import declared
from semantic_layer.metrics.sampling import project_facts, with_values
from semantic_layer.reader import QueryRefused, Reader, tables_missing
from warehouse.errors import MillraceError
from warehouse.locks import one_at_a_time
from warehouse.private_files import private_folder, replace_private
from warehouse.projects import load_projects
from warehouse.settings import Settings


def write_catalogue(settings: Settings) -> Catalogue:
    """Make it and keep it; what is unchanged since it was made is not read again."""
    private_folder(folder(settings))
    with one_at_a_time(folder(settings) / "catalogue.lock"):
        as_of = stamps(settings)
        try:
            made = _made(settings)
        except QueryRefused as error:
            if not tables_missing(error):
                raise
            raise MillraceError(
                "The marts that metrics are made of are not there yet.", hint="Run `millrace build`."
            ) from error
        document = {"layout": LAYOUT, "of": as_of, "catalogue": encoded(made)}
        path = catalogue_file(settings)
        try:
            replace_private(path, json.dumps(document, ensure_ascii=False, default=str))
        except OSError as error:
            raise MillraceError(f"{path} cannot be written: {error.strerror or error}") from error
    return made


def _made(settings: Settings) -> Catalogue:
    path = semantic_manifest(settings)
    try:
        manifest = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError as error:
        raise MillraceError("No metrics are known yet.", hint="Run `millrace build`, which reads them.") from error
    before = read_catalogue(settings)
    projects = load_projects(settings)
    declarations = json.dumps([project.model_dump(mode="json") for project in projects.values()])
    data = data_version(settings)
    version = hashlib.sha256(f"{manifest} {declarations} {data}".encode()).hexdigest()
    if before is not None and data and before.version == version:
        return before
    if before is not None and before.manifest == manifest:
        metrics, dimensions = before.metrics, before.dimensions
    else:
        metrics, dimensions = declared(path)
    reader, nodes = Reader(settings), _models(path.with_name("manifest.json"))
    # Of the same data, only what is newly declared is looked at.
    known = before.dimensions if before is not None and data and before.data == data else {}
    return Catalogue(
        version=version,
        metrics=metrics,
        dimensions=with_values(reader, dimensions, known),
        projects=project_facts(reader, projects),
        manifest=manifest,
        data=data,
        live_tables=_live_tables(nodes),
        funnels=_funnels(nodes),
    )


def _models(path: Path) -> dict[str, Any]:
    """The nodes of dbt's manifest."""
    try:
        nodes: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["nodes"]
    except FileNotFoundError:
        return {}
    return nodes


def _live_tables(nodes: Mapping[str, Any]) -> tuple[str, ...]:
    """Views of the marts that read raw through other views: they change with every load."""

    def is_live(name: str) -> bool:
        node = nodes.get(name)
        if node is None:  # a source
            return True
        parents = node["depends_on"]["nodes"]
        return node["config"]["materialized"] == "view" and any(is_live(parent) for parent in parents)

    return tuple(
        sorted(
            f"{node['schema']}.{node['alias']}"
            for name, node in nodes.items()
            if node["resource_type"] == "model" and node["schema"] == "marts" and is_live(name)
        )
    )


def _funnels(nodes: Mapping[str, Any]) -> dict[str, DeclaredFunnel]:
    """What the macro funnel_mart declares in the meta of its models."""
    found = {}
    for node in sorted(nodes.values(), key=lambda node: str(node["name"])):
        meta = node["config"].get("meta") or {}
        journey = meta.get("journey")
        if node["resource_type"] == "model" and isinstance(journey, dict) and journey.get("kind") == "funnel":
            found[str(node["name"])] = DeclaredFunnel(str(meta["title"]), _as_asked(journey))
    return found


def _as_asked(journey: Mapping[str, Any]) -> dict[str, Any]:
    def step(declared: Mapping[str, Any]) -> dict[str, Any]:
        filters = [
            {"path": path, "operator": operator, "value": value} for path, operator, value in declared["filters"]
        ]
        return {"event": declared["event"], "filters": filters}

    return {
        "steps": [step(declared) for declared in journey["steps"]],
        "within_seconds": journey["within_seconds"],
        "order": journey["order"],
        "exclusions": [
            {"step": step(declared), "after": declared["after"], "before": declared["before"]}
            for declared in journey["exclusions"]
        ],
    }
