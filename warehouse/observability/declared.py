"""What the dbt project declares of tables: how fresh they must be. Read from the manifest of the last build."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from warehouse.lineage.graph import Graph, built_graph
from warehouse.settings import Settings

SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True)
class Asset:
    name: str  # database.table
    node: str  # dbt's id
    is_table: bool
    sla_seconds: int | None


@dataclass(frozen=True)
class Declared:
    assets: Mapping[str, Asset]
    assets_of_nodes: Mapping[str, str]  # dbt's id of a model or a test -> the asset that it makes or looks at


NOTHING = Declared({}, {})


def read_declared(settings: Settings) -> Declared:
    """Nothing where nothing was built yet."""
    return declared_in(built_graph(settings))


def declared_in(graph: Graph) -> Declared:
    assets = {asset.name: asset for asset in _assets(graph.manifest)}
    names = {asset.node: asset.name for asset in assets.values()}
    for node in graph.tests.values():
        if asset := graph.asset_of_test(node):
            names[node["unique_id"]] = asset
    return Declared(assets, names)


def _assets(manifest: Mapping[str, Any]) -> Iterator[Asset]:
    for source in manifest["sources"].values():
        freshness = source.get("freshness")
        yield Asset(f"{source['schema']}.{source['identifier']}", source["unique_id"], True, _seconds(freshness))
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model":
            config = node["config"]
            freshness = config.get("meta", {}).get("freshness")
            is_table = config["materialized"] != "view"
            yield Asset(f"{node['schema']}.{node['alias']}", node["unique_id"], is_table, _seconds(freshness))


def _seconds(freshness: Mapping[str, Any] | None) -> int | None:
    after = (freshness or {}).get("warn_after") or {}
    return int(after["count"]) * SECONDS[after["period"]] if after.get("count") else None
