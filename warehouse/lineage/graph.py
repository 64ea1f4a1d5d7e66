"""What is made of what, by dbt's manifest: tables, tests, and who is asked about them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from warehouse.settings import Settings

TEAM = "analytics"  # who is asked where no model says otherwise in meta.owner
NOTHING: Mapping[str, Any] = {"nodes": {}, "sources": {}, "parent_map": {}, "child_map": {}}


@dataclass(frozen=True)
class Graph:
    manifest: Mapping[str, Any]

    @cached_property
    def nodes(self) -> Mapping[str, str]:
        """dbt's id of every model and source, by database.table."""
        return {asset: node for node, asset in self._assets()}

    @cached_property
    def assets(self) -> Mapping[str, str]:
        """database.table, by dbt's id."""
        return {node: asset for asset, node in self.nodes.items()}

    @cached_property
    def tests(self) -> Mapping[str, Mapping[str, Any]]:
        return {name: node for name, node in self.manifest["nodes"].items() if node["resource_type"] == "test"}

    def asset_of_test(self, test: Mapping[str, Any]) -> str:
        """A test of several models belongs to the one that is furthest down: nothing of it is new before that."""
        about = test.get("attached_node") or self.furthest_down(test["depends_on"]["nodes"])
        return self.assets.get(about or "", "")

    def furthest_down(self, nodes: Collection[str]) -> str | None:
        """The model that all others are made before."""
        found = [node for node in nodes if node in self.manifest["nodes"]]
        return max(found, key=lambda node: (self._depth(node), node), default=None)

    def in_order(self, nodes: Collection[str]) -> list[str]:
        """Each after those it is made of."""
        return sorted(nodes, key=lambda node: (self._depth(node), node))

    def parents(self, node: str) -> Collection[str]:
        found: Collection[str] = self.manifest["parent_map"].get(node, ())
        return found

    def above(self, node: str) -> set[str]:
        """All that it is made of."""
        return self._reached(node, self.manifest["parent_map"])

    def below(self, node: str) -> set[str]:
        """All that is made of it."""
        return self._reached(node, self.manifest["child_map"])

    def tables_below(self, asset: str) -> list[str]:
        return sorted(self.assets[node] for node in self.below(self.nodes.get(asset, "")) if node in self.assets)

    def owner(self, asset: str) -> str:
        node = self.manifest["nodes"].get(self.nodes.get(asset, ""), {})
        return str(node.get("config", {}).get("meta", {}).get("owner") or TEAM)

    def kept_back_by(self, tested: Collection[str], skipped: Collection[str]) -> list[str]:
        """Which of the tables that were not made wait for this test, as dbt has it: those made of all that it reads."""
        return sorted(
            asset for asset in skipped if asset in self.nodes and set(tested) <= self.above(self.nodes[asset])
        )

    def _assets(self) -> Iterator[tuple[str, str]]:
        for node in self.manifest["sources"].values():
            yield node["unique_id"], f"{node['schema']}.{node['identifier']}"
        for node in self.manifest["nodes"].values():
            if node["resource_type"] == "model":
                yield node["unique_id"], f"{node['schema']}.{node['alias']}"

    @cached_property
    def _depths(self) -> dict[str, int]:
        return {}

    def _depth(self, node: str) -> int:
        if node not in self._depths:
            parents = [one for one in self.manifest["parent_map"].get(node, ()) if one in self.manifest["nodes"]]
            self._depths[node] = 1 + max((self._depth(parent) for parent in parents), default=0)
        return self._depths[node]

    @staticmethod
    def _reached(node: str, edges: Mapping[str, Collection[str]]) -> set[str]:
        found: set[str] = set()
        left = list(edges.get(node, ()))
        while left:
            if (one := left.pop()) not in found:
                found.add(one)
                left += edges.get(one, ())
        return found


def manifest_file(settings: Settings) -> Path:
    return settings.data_dir / "dbt" / "target" / "manifest.json"


def built_graph(settings: Settings) -> Graph:
    """Of the project as it was built last; of nothing where nothing was."""
    try:
        text = manifest_file(settings).read_text(encoding="utf-8")
    except OSError:
        return Graph(NOTHING)
    return Graph(json.loads(text))
