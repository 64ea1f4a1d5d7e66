"""What is run together."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

IN_ONE_PROCESS = dg.in_process_executor  # a process for each step costs more than most steps, on two cores


def jobs(
    source_keys: Sequence[dg.AssetKey] = (), reconcile: Sequence[dg.AssetCheckKey] = ()
) -> dict[str, dg.UnresolvedAssetJobDefinition]:
    compared = dg.AssetSelection.checks(*reconcile)
    everything = dg.AssetSelection.all() - compared
    models = everything - dg.AssetSelection.groups("landing", "raw")
    defined = [
        dg.define_asset_job(
            "everything",
            selection=everything,
            description="Events that landed, rows of other systems, and all that is made of them.",
        ),
        dg.define_asset_job(
            "events_and_models",
            # Not what is downstream of events alone: a model is also made of what is declared, whose views come first.
            selection=everything - dg.AssetSelection.assets(*source_keys),
            description="Events that landed, and all models.",
        ),
        dg.define_asset_job(
            "models_only",
            selection=models,
            description=(
                "All models, of what is in raw. With from_day and to_day in the configuration of `models` these "
                "days are made anew, although nothing changed: a backfill, as one run."
            ),
        ),
        dg.define_asset_job(
            "reconcile",
            selection=compared,
            description="What builds made part by part, compared with what a full build would make.",
        ),
    ]
    return {job.name: job for job in defined}
