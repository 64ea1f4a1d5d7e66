"""A blocking check that fails opens one incident, by whatever road it is run; it ends when the check passes again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import warehouse.dbt
from expectations.breaker import Breaker, Judging
from expectations.suites import Suite
from tests.integration.in_process import json_here, run_here
from tests.support import Instance
from warehouse.dbt import Run
from warehouse.observability.records import CheckResult, RunRecord

TEST = "no_day_is_the_first_of_may"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("incidents") / "millrace") as own:
        own.up()
        yield own


@pytest.fixture
def defect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the dbt project whose calendar has a day that a test forbids, and a model made of the calendar."""
    folder = tmp_path / "dbt_project"
    shutil.copytree(warehouse.dbt.PROJECT, folder)
    monkeypatch.setattr(warehouse.dbt, "PROJECT", folder)
    test = folder / "tests" / f"{TEST}.sql"
    test.write_text("select * from {{ ref('dim_dates') }} where local_date = '2026-05-01'")
    (folder / "models" / "marts" / "core" / "dim_days_after.sql").write_text(
        "{{ config(materialized='table', contract={'enforced': false}) }} select 1 as one from {{ ref('dim_dates') }}"
    )
    return test


def build(own: Instance, exit_code: int) -> str:
    done = run_here(own, "build", "--select", "dim_dates+1")
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done.stdout


def test_a_failing_test_opens_one_incident_that_ends_when_the_defect_is_mended(
    instance: Instance, defect: Path
) -> None:
    assert "opened: marts.dim_dates, no_day_is_the_first_of_may." in build(instance, 1)
    (first,) = json_here(instance, "incidents")
    assert (first["asset"], first["check_name"], first["kind"]) == ("marts.dim_dates", TEST, "dbt")
    assert (first["status"], first["failed_runs"], first["message"]) == ("open", 1, "1 row failed")
    assert "marts.dim_days_after" in first["kept_back"]
    assert instance.rows("EXISTS marts.dim_days_after") == [(0,)]

    defect.write_text("select * from {{ ref('dim_dates') }} where local_date in ('2026-05-01', '2026-05-02')")
    assert "failed again" in build(instance, 1)
    (second,) = json_here(instance, "incidents")
    assert second["incident_id"] == first["incident_id"]
    assert (second["opened_at"], second["failed_runs"]) == (first["opened_at"], 2)
    assert second["message"] == "2 rows failed"

    shown = run_here(instance, "incidents", "show", first["incident_id"][:8]).stdout
    assert f"To see the rows: millrace dbt show --select {TEST}" in shown
    assert "marts.dim_days_after" in shown
    assert shown.count("2 rows failed") == 2  # of the incident, and of the history

    defect.write_text("select * from {{ ref('dim_dates') }} where false")
    assert "resolved" in build(instance, 0)
    assert json_here(instance, "incidents") == []
    (ended,) = json_here(instance, "incidents", "--all")
    assert (ended["status"], ended["resolution"]) == ("resolved", "it passed again")
    runs = instance.rows("SELECT kind, started_by, status, message FROM ops.runs ORDER BY started_at")
    assert [run[:3] for run in runs] == [("build", "command line", s) for s in ("failed", "failed", "success")]
    assert "no_day_is_the_first_of_may: " in runs[0][3] and "Kept back: " in runs[0][3]
    assert instance.rows(
        "SELECT status, table_rows > 0 FROM ops.model_runs WHERE asset = 'marts.dim_days_after' ORDER BY finished_at"
    ) == [("skipped", None), ("skipped", None), ("success", 1)]


def test_a_check_that_is_there_no_more_ends_its_incident(instance: Instance, defect: Path) -> None:
    build(instance, 1)
    (one,) = json_here(instance, "incidents", "list")
    defect.unlink()
    build(instance, 0)
    ended = {each["incident_id"]: each for each in json_here(instance, "incidents", "--all")}[one["incident_id"]]
    assert (ended["status"], ended["resolution"]) == ("resolved", "there is no such check any more")


def result(status: str, **other: Any) -> CheckResult:
    return CheckResult("raw.events", "volume", "expectation", "completeness", "error", status, "demo", **other)


def write(own: Instance, *found: CheckResult) -> list[str]:
    changes = RunRecord("expectations").write(own.settings, "failed", checks=found)
    return [change.what for change in changes]


def judged(own: Instance, last_year: int) -> Run:
    """dim_days_after is made of dim_dates, of which this is expected."""
    expected = {"ends_in_time": {"kind": "between", "column": "year", "max": last_year, "why": "x"}}
    suite = {"name": "dates", "file": "dates.yaml", "table": "marts.dim_dates", "owner": "x", "description": "x"}
    suites = {"dates": Suite.model_validate({**suite, "projects": "together", "expectations": expected})}
    arguments = warehouse.dbt.build_arguments(select=["dim_dates+1"])
    with own.active() as settings, Breaker(settings, suites) as breaker:
        return warehouse.dbt.run(settings, arguments, Judging(breaker))


def test_what_is_made_of_a_table_waits_for_its_expectations(instance: Instance, defect: Path) -> None:
    """The table that waits has been built by the tests before."""
    defect.unlink()
    made = "SELECT max(modification_time) FROM system.parts WHERE database = 'marts' AND table = 'dim_days_after'"
    before = instance.rows(made)
    stands = "SELECT uuid FROM system.tables WHERE database = 'marts' AND name = 'dim_dates'"
    (stood,) = instance.rows(stands)

    done = judged(instance, 2030)
    assert {node.name for node in done.nodes if node.status == "skipped" and not node.is_test} >= {"dim_days_after"}
    assert [node.name for node in done.nodes if node.failed] == []
    assert all(node.status == "pass" for node in done.nodes if node.is_test and "dim_dates" in node.name)
    assert done.sentence().startswith("marts.dim_dates, ends_in_time: ")
    assert "dim_days_after" in done.sentence().partition("Kept back: ")[2]
    assert "Put back as before: marts.dim_dates. " in done.sentence()
    assert instance.rows(stands) == [stood]  # and not what fails
    assert instance.rows("SELECT max(year) > 2030 FROM aside.marts__dim_dates__refused") == [(True,)]
    assert instance.rows(made) == before > [(datetime(2000, 1, 1),)]
    (one,) = json_here(instance, "incidents")
    assert (one["asset"], one["check_name"], one["kind"]) == ("marts.dim_dates", "ends_in_time", "expectation")
    assert "marts.dim_days_after" in one["kept_back"]
    # What stands now passes: it is not what was refused.
    passes = CheckResult("marts.dim_dates", "ends_in_time", "expectation", "validity", "error", "pass")
    assert write(instance, passes) == []

    mended = judged(instance, 2100)
    assert not mended.has_failed
    assert [change.what for change in mended.incidents] == ["resolved"]
    assert instance.rows(made) != before
    assert instance.rows(stands) != [stood]
    instance.client().command("DROP TABLE marts.dim_days_after")


def test_two_runs_at_once_open_one(instance: Instance) -> None:
    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(lambda _: write(instance, result("fail", message="too few")), range(4)))
    assert sorted(told) == [["failed again"], ["failed again"], ["failed again"], ["opened"]]
    (one,) = json_here(instance, "incidents")
    assert (one["failed_runs"], one["project_id"], one["message"]) == (4, "demo", "too few")
    assert write(instance, result("skipped")) == []
    assert write(instance, result("pass")) == ["resolved"]
    assert write(instance, result("pass")) == []
    assert write(instance, result("error", message="could not be checked")) == ["opened"]
    (other,) = json_here(instance, "incidents")
    assert other["incident_id"] != one["incident_id"]
    assert (other["failed_runs"], other["message"]) == (1, "could not be checked")
    assert write(instance, result("pass")) == ["resolved"]


def test_what_warns_opens_none(instance: Instance) -> None:
    warns = CheckResult("raw.events", "drift", "expectation", "validity", "warn", "fail")
    assert write(instance, warns) == []
    assert json_here(instance, "incidents") == []


def test_an_incident_that_is_none_is_wrong_usage(instance: Instance) -> None:
    done = run_here(instance, "incidents", "show", "nothing")
    assert done.returncode == 2
    assert "There is no incident 'nothing'." in done.stderr


def test_a_build_that_cannot_be_written_down_has_not_failed(instance: Instance) -> None:
    instance.client().command("RENAME TABLE ops.runs TO ops.runs_away")
    try:
        done = run_here(instance, "build", "--select", "dim_dates", "--no-tests")
    finally:
        instance.client().command("RENAME TABLE ops.runs_away TO ops.runs")
    assert done.returncode == 0
    assert "Warning: The build was not written down: " in done.stderr
