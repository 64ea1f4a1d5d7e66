"""What can be asked: the catalogue of metrics, made anew when the marts are."""

# No `from __future__ import annotations`: Dagster reads the annotations of what it decorates.

from collections.abc import Mapping
from typing import Any

import dagster as dg

from orchestration.infrastructure import ALONE, POOL, RETRIES, retried_where_the_infrastructure_failed
from orchestration.translation import CATALOGUE, TEAM
from semantic_layer.metrics.writing import write_catalogue
from warehouse.settings import load_settings


def semantic_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    read = {node for model in manifest["semantic_models"].values() for node in model["depends_on"]["nodes"]}
    marts = sorted(manifest["nodes"][node]["name"] for node in read if node in manifest["nodes"])

    @dg.asset(
        key=CATALOGUE,
        deps=[dg.AssetKey(["marts", name]) for name in marts],
        group_name="semantic",
        description="Metrics, dimensions and their values: what `millrace metrics` and `millrace ask` know.",
        kinds={"metricflow"},
        owners=[TEAM],
        pool=POOL,
        retry_policy=RETRIES,
        required_resource_keys=ALONE,
    )
    def catalogue() -> dg.MaterializeResult[Any]:
        with retried_where_the_infrastructure_failed():
            made = write_catalogue(load_settings())
        return dg.MaterializeResult(
            metadata={"metrics": len(made.metrics), "dimensions": len(made.dimensions), "version": made.version}
        )

    return catalogue
