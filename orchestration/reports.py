"""Reports that reports/*.yaml give a cron: a schedule each, and one job that makes and sends the one that is due."""

# No `from __future__ import annotations`: Dagster reads the annotations of what it decorates.

from collections.abc import Callable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg

from monitoring.reports.declared import load_reports
from orchestration.infrastructure import ALONE, POOL, RETRIES, retried_where_the_infrastructure_failed
from warehouse.settings import Settings, load_settings


class DueReport(dg.Config):
    report: str
    day: str = ""  # as on which it is made; empty: the one after the last whole day with data


@dg.op(
    pool=POOL,
    retry_policy=RETRIES,
    required_resource_keys=ALONE,
    description="Made, and sent to whom reports/*.yaml names; once for its days.",
)
def report_sent(context: dg.OpExecutionContext, config: DueReport) -> None:
    from bi.showing import Boards
    from monitoring.reports.sending import send_report

    settings = load_settings()
    with retried_where_the_infrastructure_failed():
        day = date.fromisoformat(config.day) if config.day else None
        # What no channel took is tried again by the sensor of alerts.
        outcomes, done = send_report(
            settings, load_reports(settings), config.report, context.log.info, day=day, boards=Boards(settings)
        )
    for one in outcomes:
        told = f"{one.run.sections} sections, {one.run.rows:,} rows" if one.is_new else "was sent before"
        context.log.info(f"{one.run.report} of {one.run.project_id}, {one.run.first_day} to {one.run.last_day}: {told}")
    context.log.info(f"{done.sent} delivered, {done.failed} to be tried again, {done.dead} given up.")


@dg.job(description="A report that is due, made and sent.")
def reports() -> None:
    report_sent()


def report_schedules(runs: bool, timezone: str, settings: Settings) -> list[dg.ScheduleDefinition]:
    """`runs`: whether they do so here by themselves. What has a mistake has no schedule: `millrace report validate`."""
    return [
        dg.ScheduleDefinition(
            name=f"report_{name}",
            job=reports,
            cron_schedule=plan.cron,
            execution_timezone=plan.timezone or timezone,
            default_status=dg.DefaultScheduleStatus.RUNNING if runs else dg.DefaultScheduleStatus.STOPPED,
            run_config_fn=_as_on_that_day(name, plan.timezone or timezone),
            description=plan.title,
        )
        for name, plan in load_reports(settings).reports.items()
        if plan.cron
    ]


def _as_on_that_day(name: str, timezone: str) -> Callable[[dg.ScheduleEvaluationContext], dict[str, Any]]:
    """By the tick and not by the clock: one that is made up for later is about the days that it was to be about."""

    def configured(context: dg.ScheduleEvaluationContext) -> dict[str, Any]:
        day = context.scheduled_execution_time.astimezone(ZoneInfo(timezone)).date()
        return {"ops": {report_sent.name: {"config": {"report": name, "day": str(day)}}}}

    return configured
