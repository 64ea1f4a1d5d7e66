"""Dashboards: brought up to date when what they show is."""

# No `from __future__ import annotations`: Dagster reads the annotations of what it decorates.

from typing import Any

import dagster as dg

from bi.service import Service
from bi.syncing import sync
from orchestration.infrastructure import ALONE, POOL, RETRIES, retried_where_the_infrastructure_failed
from orchestration.translation import CATALOGUE, TEAM
from warehouse.settings import load_settings

DASHBOARDS = dg.AssetKey(["bi", "dashboards"])


@dg.asset(
    key=DASHBOARDS,
    deps=[CATALOGUE],  # which comes after all marts that have metrics
    group_name="dashboards",
    description="Superset's datasets, charts and dashboards, as declared: where it runs, what differs is brought.",
    kinds={"superset"},
    owners=[TEAM],
    pool=POOL,
    retry_policy=RETRIES,
    required_resource_keys=ALONE,
)
def dashboards() -> dg.MaterializeResult[Any]:
    settings = load_settings()
    service = Service(settings)
    if service.running() is None:
        return dg.MaterializeResult(metadata={"superset": "does not run here: `millrace bi up` brings them, too"})
    with retried_where_the_infrastructure_failed():
        done = sync(settings, service)
    return dg.MaterializeResult(
        metadata={"changed": len(done.changed), "removed": len(done.removed), "unchanged": done.unchanged}
    )
