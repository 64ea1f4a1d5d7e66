"""Tables that are built in parts, against what a full build would make: a check of each, of a run of its own."""

# No `from __future__ import annotations`: Dagster reads the annotations of what it decorates.

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from expectations.breaker import build_all
from orchestration.infrastructure import ALONE, POOL, RETRIES, retried_where_the_infrastructure_failed
from warehouse.days import days_between
from warehouse.observability.records import RunRecord
from warehouse.reconciliation import CHECK, IN_PARTS, NOT_COMPARED, SAMPLE_DAYS, reconcile
from warehouse.settings import load_settings


class ReconcileConfig(dg.Config):
    days: int = SAMPLE_DAYS
    from_day: str = ""  # instead of a sample: all days from here
    to_day: str = ""


def reconcile_checks(manifest: Mapping[str, Any]) -> dg.AssetChecksDefinition:
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    in_parts = [node for node in models if node["config"]["materialized"] in IN_PARTS]

    @dg.multi_asset_check(
        name="parts_and_whole",
        specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=dg.AssetKey([node["schema"], node["name"]]),
                description="On a sample of days its rows are those that a full build would make (job `reconcile`).",
            )
            for node in sorted(in_parts, key=lambda node: str(node["name"]))
            if node["name"] not in NOT_COMPARED
        ],
        pool=POOL,
        retry_policy=RETRIES,
        required_resource_keys=ALONE,
    )
    def checks(context: dg.AssetCheckExecutionContext, config: ReconcileConfig) -> Iterator[dg.AssetCheckResult]:
        with retried_where_the_infrastructure_failed():
            between = days_between(config.from_day, config.to_day)
            record = RunRecord("reconcile", "dagster", context.run.run_id)
            found = reconcile(load_settings(), config.days, between, record, build_all=build_all)
        for check in found.checks:
            yield dg.AssetCheckResult(
                asset_key=dg.AssetKey(check.asset.split(".")),
                check_name=CHECK,
                passed=not check.failed,
                description=check.message or None,
                metadata={"rows": check.checked or 0, "rows that differ": check.failures or 0},
            )

    return checks
