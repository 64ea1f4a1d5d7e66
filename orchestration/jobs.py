"""What is run together."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

IN_ONE_PROCESS = dg.in_process_executor  # a process for each step costs more than most steps, on two cores


def jobs(source_keys: Sequence[dg.AssetKey] = ()) -> dict[str, dg.UnresolvedAssetJobDefinition]:
    defined = [
        dg.define_asset_job(
            "everything",
            selection=dg.AssetSelection.all(),
            description="Events that landed, rows of other systems, and all that is made of them.",
        ),
        dg.define_asset_job(
            "events_and_models",
            # Not what is downstream of events alone: a model is also made of what is declared, whose views come first.
            selection=dg.AssetSelection.all() - dg.AssetSelection.assets(*source_keys),
            description="Events that landed, and all models.",
        ),
    ]
    return {job.name: job for job in defined}
