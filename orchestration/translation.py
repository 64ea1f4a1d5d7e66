"""How the dbt project looks in Dagster: names, groups, owners and checks, all from its manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject

from warehouse.lineage.graph import Graph

TEAM = "team:analytics"
CATALOGUE = dg.AssetKey(["semantic", "catalogue"])


class Translator(DagsterDbtTranslator):
    """An asset is called as its table is: database, then name."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return str(dbt_resource_props.get("description", ""))

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The folder: marts_commerce, staging_billing, intermediate."""
        if dbt_resource_props["resource_type"] == "source":
            return "raw"
        return "_".join(dbt_resource_props["fqn"][1:-1])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        owner = dbt_resource_props.get("config", {}).get("meta", {}).get("owner")
        return [f"team:{owner}" if owner else TEAM]

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        props = self.get_resource_props(manifest, unique_id)
        if props["resource_type"] == "source":
            return spec
        return spec.merge_attributes(kinds={"view" if props["config"]["materialized"] == "view" else "table"})

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetCheckSpec | None:
        """A test of several models belongs to the one that is furthest down: nothing of it is new before that."""
        test = self.get_resource_props(manifest, unique_id)
        attached = test.get("attached_node") or Graph(manifest).furthest_down(test["depends_on"]["nodes"])
        if attached is None or self.get_asset_spec(manifest, attached, project).key != asset_spec.key:
            return None
        others = {
            self.get_asset_spec(manifest, parent, project).key
            for parent in test["depends_on"]["nodes"]
            if parent != attached and parent in manifest["nodes"]
        }
        return dg.AssetCheckSpec(
            name=test["name"],
            asset=asset_spec.key,
            description=test.get("description") or None,
            additional_deps=sorted(others, key=str),
            blocking=str(test["config"].get("severity", "error")).lower() == "error",
        )
