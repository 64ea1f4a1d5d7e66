"""What is run together."""

from __future__ import annotations

import dagster as dg

from orchestration.assets.raw import EVENTS

IN_ONE_PROCESS = dg.in_process_executor  # a process for each step costs more than most steps, on two cores


def jobs() -> dict[str, dg.UnresolvedAssetJobDefinition]:
    defined = [
        dg.define_asset_job(
            "everything",
            selection=dg.AssetSelection.all(),
            description="Events that landed, rows of other systems, and all that is made of them.",
        ),
        dg.define_asset_job(
            "events_and_models",
            selection=dg.AssetSelection.assets(EVENTS).required_multi_asset_neighbors().downstream(),
            description="Events that landed, and all that is made of them.",
        ),
    ]
    return {job.name: job for job in defined}
