"""`millrace reconcile` finds what a full build would not make, and a build of those days heals it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from expectations.breaker import build_all
from tests.integration.arrivals import LAST_WEEK, arrive, build, world_aside
from tests.integration.in_process import json_here, run_here
from tests.support import Instance
from warehouse.days import days_with_events
from warehouse.dbt import build_arguments
from warehouse.reconciliation import Reconciliation, fill_in, ranges_of, reconcile

FIRST_DAY, DAY = date(2026, 4, 15), date(2026, 4, 20)  # a table of days costs by its days


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with world_aside(tmp_path_factory.mktemp("reconcile"), since=FIRST_DAY) as own:
        arrive(own, f"NOT ({LAST_WEEK} AND cityHash64(event_id) % 5 = 0)")
        build(own)
        yield own


@pytest.fixture
def little_to_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all is up to date already: to find that out for every model takes longer than to compare some days."""
    calendar = build_arguments(select=["dim_dates"], tests=False)
    monkeypatch.setattr("expectations.breaker.build_arguments", lambda: calendar)


def test_what_builds_made_in_parts_is_what_a_full_build_would_make(warehouse: Instance) -> None:
    events = "SELECT count() FROM marts.fct_events"
    before = warehouse.rows(events)
    arrive(warehouse, "cityHash64(event_id) % 5 = 0")  # the rest, and many copies; built by what compares
    found = _reconcile(warehouse, between=(date(2026, 3, 1), date(2026, 7, 1)))
    assert [check.asset for check in found.drifted] == []
    assert before < warehouse.rows(events)
    compared = {check.asset: check.checked for check in found.checks}
    ((of_days,),) = warehouse.rows(
        "SELECT groupArray(database || '.' || name) FROM system.tables "
        "WHERE database IN ('intermediate', 'marts') AND partition_key LIKE '%local_date%'"
    )
    # All that stands was looked at.
    assert len(of_days) > 20
    for table in [*of_days, "intermediate.int_user_traits"]:
        assert [(compared[table],)] == warehouse.rows(f"SELECT count() FROM {table}"), table
    assert (compared["marts.fct_events"] or 0) > 1_000


DEFECTS = {
    "ALTER TABLE marts.fct_page_views UPDATE page_path = '/by-hand' WHERE event_id = "
    f"(SELECT min(event_id) FROM marts.fct_page_views WHERE local_date = '{DAY}')": (
        "marts.fct_page_views",
        f"{DAY}: rows 1 too many and 1 missing",
    ),
    f"INSERT INTO marts.agg_daily_events SELECT * FROM marts.agg_daily_events WHERE local_date = '{DAY}' LIMIT 2": (
        "marts.agg_daily_events",
        f"{DAY}: rows 2 too many",
    ),
    "DELETE FROM intermediate.int_user_traits WHERE event_id = "
    "(SELECT min(event_id) FROM intermediate.int_user_traits WHERE loaded_at IN "
    "(SELECT max(loaded_at) FROM intermediate.int_user_traits GROUP BY event_id HAVING count() = 1))": (
        "intermediate.int_user_traits",
        "in all: rows 1 missing",
    ),
}


def test_rows_that_were_changed_by_hand_are_found_and_healed(warehouse: Instance) -> None:
    for defect in DEFECTS:
        warehouse.client().command(defect)
    done = run_here(warehouse, "reconcile", "--from", str(DAY))  # after a build that nothing tells of them
    assert done.returncode == 1, done.stderr
    assert (
        "3 of " in done.stdout and "tables are not what a full build would make. To heal: millrace build" in done.stdout
    )
    # And nothing else: what is made from them is made from other columns, or has no days.
    assert _drifted(warehouse) == dict(DEFECTS.values())
    of_days = ("--select", "fct_page_views", "--select", "agg_daily_events")
    json_here(warehouse, "build", "--from", str(DAY), *of_days, "--no-tests")
    json_here(warehouse, "build", "--full-refresh", "--select", "int_user_traits", "--no-tests")


@pytest.mark.usefixtures("little_to_build")
def test_what_is_healed_has_no_drift_any_more(warehouse: Instance) -> None:
    assert _reconcile(warehouse, between=(DAY, DAY)).drifted == []


def _drifted(warehouse: Instance) -> dict[str, str]:
    """Of the last run, as it is told in ops."""
    ((run_id, status),) = warehouse.rows(
        "SELECT toString(run_id), status FROM ops.runs WHERE kind = 'reconcile' ORDER BY started_at DESC LIMIT 1"
    )
    assert status == "failed"
    rows = warehouse.rows(
        "SELECT asset, message FROM ops.check_results WHERE kind = 'reconcile' AND status = 'fail' "
        f"AND check_name = 'incremental_equals_full' AND run_id = '{run_id}'"
    )
    return dict(map(tuple, rows))


def test_days_are_made_anew_although_nothing_changed_in_raw(warehouse: Instance) -> None:
    sessions = "SELECT sum(events) FROM marts.fct_sessions WHERE local_date"
    others = f"SELECT sum(cityHash64(*)) FROM marts.fct_sessions WHERE local_date < '{DAY}'"
    before, before_others = warehouse.rows(f"{sessions} = '{DAY}'"), warehouse.rows(others)
    warehouse.client().command(f"ALTER TABLE marts.fct_sessions UPDATE events = 0 WHERE local_date = '{DAY}'")
    days = ("--from", str(DAY), "--to", str(DAY + timedelta(days=1)))
    nodes = json_here(warehouse, "build", *days, "--select", "fct_sessions")["nodes"]
    assert {node["status"] for node in nodes} == {"success", "pass"}
    assert warehouse.rows(f"{sessions} = '{DAY}'") == before != [(0,)]
    assert warehouse.rows(others) == before_others


@pytest.mark.usefixtures("little_to_build")
def test_dagster_finds_drift_and_makes_a_range_of_days_anew_in_one_run(warehouse: Instance) -> None:
    days = {"from_day": str(DAY), "to_day": str(DAY)}
    warehouse.client().command(f"ALTER TABLE marts.agg_daily_events DELETE WHERE local_date = '{DAY}'")
    with warehouse.active():
        from orchestration.definitions import defs  # read when it is imported: of this warehouse

        jobs = {name: defs.resolve_job_def(name) for name in ("reconcile", "models_only")}
        found = jobs["reconcile"].execute_in_process({"ops": {"parts_and_whole": {"config": days}}})
        failed = [check for check in found.get_asset_check_evaluations() if not check.passed]
        assert [check.asset_key.path for check in failed] == [["marts", "agg_daily_events"]]
        assert f"{DAY}: rows " in (failed[0].description or "")
        assert failed[0].check_name == "incremental_equals_full"
    # Other days say nothing of it.
    other = DAY - timedelta(days=2)
    assert [check.asset for check in _reconcile(warehouse, between=(other, other)).drifted] == [
        "marts.agg_daily_events"
    ]
    with warehouse.active():
        jobs["models_only"].execute_in_process({"ops": {"models": {"config": days}}})
    assert _reconcile(warehouse, between=(other, other)).drifted == []
    ended = "SELECT DISTINCT status FROM ops.incidents FINAL WHERE asset = 'marts.agg_daily_events'"
    assert warehouse.rows(ended) == [("resolved",)]
    assert warehouse.rows(
        "SELECT started_by, dagster_run_id != '', status FROM ops.runs WHERE kind = 'reconcile' "
        "AND started_by = 'dagster'"
    ) == [("dagster", True, "failed")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("build", "--from", "2027-01-01"), "From 2027-01-01 to 2027-01-01 there are no events."),
        (("reconcile", "--from", "2027-01-01"), "There are from 2026-04-"),
        (("build", "--from", "2026-02-30"), "'2026-02-30' is not a day: write it as 2026-01-31."),
        (("build", "--to", "2026-04-02"), "A last day, 2026-04-02, without a first one."),
        (
            ("reconcile", "--from", "2026-04-02", "--to", "2026-04-01"),
            "The last day, 2026-04-01, is before the first, 2026-04-02.",
        ),
        (("build", "--from", "2026-04-02", "--full-refresh"), "--full-refresh makes all days anew"),
    ],
)
def test_days_that_cannot_be_meant_are_refused(warehouse: Instance, arguments: tuple[str, ...], told: str) -> None:
    done = run_here(warehouse, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


@pytest.mark.usefixtures("little_to_build")
def test_a_sample_has_the_latest_days_and_some_of_the_others(warehouse: Instance) -> None:
    found = _reconcile(warehouse, days=5)
    known = days_with_events(warehouse.settings)
    assert found.days[-3:] == known[-3:]
    assert len(set(found.days)) == 5
    assert set(found.days) <= set(known)


def test_placeholders_are_filled_in_and_days_that_follow_each_other_are_one_range() -> None:
    sql = (
        "where d between toDate('1980-01-01')/*first day*/ - 1 and toDate('2140-01-01')/*last day*/ "
        "from `a`.`b`/*so far: x Int8*/"
    )
    filled = fill_in(sql, {"first day": "2026-04-01", "last day": "2026-04-02"}, None)
    assert filled == "where d between toDate('2026-04-01') - 1 and toDate('2026-04-02') from null('x Int8')"
    assert fill_in("t < toDateTime64('2140-01-01 00:00:00', 3, 'UTC')/*horizon*/", {"horizon": "2026-01-01"}, None) == (
        "t < toDateTime64('2026-01-01', 3, 'UTC')"
    )
    days = [date(2026, 4, n) for n in (9, 1, 2, 3)]
    assert ranges_of(days) == [(date(2026, 4, 1), date(2026, 4, 3)), (date(2026, 4, 9), date(2026, 4, 9))]


def _reconcile(warehouse: Instance, **how: Any) -> Reconciliation:
    with warehouse.active() as settings:
        return reconcile(settings, build_all=build_all, **how)
