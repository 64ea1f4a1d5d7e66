"""What is run together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import dagster as dg

from ml.catalogue import MODELS
from orchestration.assets.machine_learning import GROUP, predicted_keys
from orchestration.digests import digests
from orchestration.reports import reports

IN_ONE_PROCESS = dg.in_process_executor  # a process for each step costs more than most steps, on two cores


AnyJob: TypeAlias = "dg.JobDefinition | dg.UnresolvedAssetJobDefinition"  # Dagster exports the latter to types alone


def jobs(source_keys: Sequence[dg.AssetKey] = (), reconcile: Sequence[dg.AssetCheckKey] = ()) -> dict[str, AnyJob]:
    compared = dg.AssetSelection.checks(*reconcile)
    learning = dg.AssetSelection.groups(GROUP)
    everything = dg.AssetSelection.all() - compared - learning
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
        dg.define_asset_job("train", selection=learning, description="All models anew, and what their champions say."),
        dg.define_asset_job(
            "predict",
            selection=dg.AssetSelection.assets(*(key for model in MODELS.values() for key in predicted_keys(model))),
            description="What the champions of all models say, and whether they have drifted.",
        ),
    ]
    return {**{job.name: job for job in defined}, digests.name: digests, reports.name: reports}
