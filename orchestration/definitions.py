"""Assembles what Dagster shows and runs; nothing else."""

from __future__ import annotations

import dagster as dg

from orchestration.assets.dashboards import dashboards
from orchestration.assets.expectations import by_maker, checks_of_other_tables
from orchestration.assets.machine_learning import capacity, learning_assets
from orchestration.assets.models import model_assets
from orchestration.assets.raw import raw_assets, source_keys
from orchestration.assets.reconcile import reconcile_checks
from orchestration.assets.semantic import semantic_assets
from orchestration.automation import must_be_known, read_automation, schedules, sensors
from orchestration.infrastructure import RESOURCES
from orchestration.jobs import IN_ONE_PROCESS, jobs
from orchestration.reports import report_schedules
from warehouse.manifest import current_manifest
from warehouse.settings import load_settings


def definitions() -> dg.Definitions:
    settings, automation = load_settings(), read_automation()
    must_be_known(automation, settings)
    manifest = current_manifest(settings)
    of_models, of_others = by_maker(manifest, settings)
    reconcile = reconcile_checks(manifest)
    defined = jobs(source_keys(), list(reconcile.check_keys))
    return dg.Definitions(
        assets=[
            *raw_assets(),
            model_assets(manifest, of_models),
            semantic_assets(manifest),
            dashboards,
            *learning_assets(),
            capacity,
        ],
        asset_checks=[*checks_of_other_tables(of_others.values()), reconcile],
        jobs=list(defined.values()),
        schedules=[
            *schedules(automation, defined, settings),
            *report_schedules(automation.reports.runs_in(settings), automation.timezone, settings),
        ],
        sensors=sensors(automation, defined, settings),
        resources=RESOURCES,
        executor=IN_ONE_PROCESS,
    )


defs = definitions()
