"""Reports with a cron are schedules, about the days of their tick."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from orchestration.automation import read_automation
from orchestration.reports import report_schedules
from tests.support import REPOSITORY
from warehouse.settings import Settings

DECLARED = """\
reports:
  morning:
    title: Morning
    owner: shop
    cron: "30 0 * * *"
    timezone: Asia/Tokyo
    sections: &shown
      - {kind: metrics, metrics: [orders]}
  by_hand: {title: By hand, owner: shop, sections: *shown}
  mistaken: {titel: Mistaken, owner: shop, cron: "0 0 * * *", sections: *shown}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    shutil.copy(REPOSITORY / "projects.yaml", tmp_path)
    shutil.copytree(REPOSITORY / "alerts", tmp_path / "alerts")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "all.yaml").write_text(DECLARED)
    return Settings(project_dir=tmp_path)


def test_what_has_a_cron_and_no_mistake_is_a_schedule(settings: Settings) -> None:
    for runs, status in ((True, "RUNNING"), (False, "STOPPED")):
        (schedule,) = report_schedules(runs, "UTC", settings)
        assert (schedule.name, schedule.cron_schedule, schedule.execution_timezone) == (
            *("report_morning", "30 0 * * *", "Asia/Tokyo"),
        )
        assert schedule.default_status.name == status


def test_a_report_is_about_the_day_of_its_tick_where_its_clock_is(settings: Settings) -> None:
    (schedule,) = report_schedules(True, "UTC", settings)
    tick = datetime(2026, 6, 28, 15, 30, tzinfo=UTC)  # half past midnight of the 29th in Tokyo
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(instance, scheduled_execution_time=tick)
        (request,) = schedule.evaluate_tick(context).run_requests or ()
    assert request.run_config == {"ops": {"report_sent": {"config": {"report": "morning", "day": "2026-06-29"}}}}


def test_reports_run_by_themselves_in_production_alone() -> None:
    declared = read_automation().reports
    assert declared.runs_in(Settings(environment="production"))
    assert not declared.runs_in(Settings(environment="development"))
