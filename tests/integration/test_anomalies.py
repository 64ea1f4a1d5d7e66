"""Anomalies and baselines in the warehouse: written once, and what people said of them stays."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from monitoring.watch.causes import Cause
from monitoring.watch.declared import Watch
from monitoring.watch.explaining import Part
from monitoring.watch.judging import Finding
from monitoring.watch.store import last_build, write_findings
from tests.integration.in_process import json_here, run_here
from tests.support import Instance

NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)
BEGIN = datetime(2026, 6, 28, 22, tzinfo=UTC)
SESSIONS = Finding(
    anomaly_id=UUID("11111111-1111-1111-1111-111111111111"),
    watch=Watch(name="sessions", owner="growth", channels=("console",)),
    project_id="demo",
    dimensions=(),
    kind="drop",
    severity="high",
    confidence=0.93,
    started_at=BEGIN,
    ended_at=BEGIN + timedelta(days=1),
    last_at=BEGIN,
    points=1,
    since_last=0,
    is_good=False,
    value=40.0,
    expected=100.0,
    lower=70.0,
    upper=130.0,
    parts=(Part((("session__country", "DE"),), 10.0, 64.0, 0.9),),
)
ERRORS = replace(
    SESSIONS,
    anomaly_id=UUID("22222222-2222-2222-2222-222222222222"),
    watch=Watch(name="errors"),
    kind="spike",
    dimensions=(("error__code", "E1"),),
    parts=(),
    upper=float("nan"),
)


@pytest.fixture
def warehouse(clickhouse: Instance) -> Instance:
    clickhouse.client().command("TRUNCATE TABLE ops.anomalies")
    return clickhouse


def test_an_anomaly_is_written_once_listed_noted_and_ends(warehouse: Instance) -> None:
    assert write_findings(warehouse.settings, [SESSIONS, ERRORS], NOW) == (2, 0)
    listed = json_here(warehouse, "monitor", "list")
    assert {one["series"]: one["status"] for one in listed} == {"metric:sessions": "open", "metric:errors": "open"}
    (one,) = [own for own in listed if own["series"] == "metric:sessions"]
    assert (one["value"], one["expected"], one["deviation"], one["channels"]) == (40, 100, -0.6, ["console"])
    assert one["explanation"] == [{"dimensions": {"session__country": "DE"}, "value": 10, "expected": 64, "share": 0.9}]
    assert [cause["name"] for cause in one["causes"]] == ["errors"]
    assert run_here(warehouse, "monitor", "ack", "1111", "--note", "we know").returncode == 0
    lasting = replace(SESSIONS, ended_at=BEGIN + timedelta(days=2), points=2)
    assert write_findings(warehouse.settings, [lasting, ERRORS], NOW + timedelta(days=1)) == (0, 0)
    again = json.loads(run_here(warehouse, "monitor", "show", "1111", "--format", "json").stdout)
    assert (again["status"], again["points"], again["noted_at"][:19]) == ("acknowledged", 2, "2026-06-30 12:00:00")
    assert [note["text"] for note in again["notes"]] == ["we know"]
    series = "millrace metrics query --project demo --metric sessions --by day --from 2026-06-01 --to 2026-06-30"
    assert again["open"] == [series, f"{series} --where \"session__country = 'DE'\""]
    assert f"Open:       {series}\n" in run_here(warehouse, "monitor", "show", "1111").stdout
    # The day of people in Berlin, which begins on the day before in UTC.
    begun = (BEGIN + timedelta(hours=2)).strftime("%Y-%m-%d")
    assert f"1111{'1' * 4}   {begun} " in run_here(warehouse, "monitor", "list").stdout
    over = replace(lasting, since_last=7)
    assert write_findings(warehouse.settings, [over, ERRORS], NOW + timedelta(days=9)) == (0, 1)
    assert [own["series"] for own in json_here(warehouse, "monitor", "list")] == ["metric:errors"]
    assert warehouse.rows("SELECT count() FROM ops.anomalies FINAL") == [(2,)]


def test_what_happened_then_is_told_and_what_happened_later_is_not(warehouse: Instance) -> None:
    causes = [
        Cause("release", "5.1.0", BEGIN - timedelta(days=1)),
        Cause("release", "5.0.0", BEGIN - timedelta(days=9)),
        Cause("incident", "marts.fct_orders: unique", BEGIN + timedelta(hours=3)),
        Cause("experiment begun", "bundle", BEGIN + timedelta(days=2)),
    ]
    write_findings(warehouse.settings, [SESSIONS], NOW, {"demo": causes, "demo_mobile": []})
    (one,) = json_here(warehouse, "monitor", "list")
    assert [cause["name"] for cause in one["causes"]] == ["5.1.0", "marts.fct_orders: unique"]
    assert "release 5.1.0" in run_here(warehouse, "monitor", "show", "1111").stdout


def test_what_numbers_that_came_late_explain_is_over(warehouse: Instance) -> None:
    write_findings(warehouse.settings, [SESSIONS, ERRORS], NOW)
    looked_at = {("metric:sessions", "demo"), ("metric:errors", "demo_mobile")}
    assert write_findings(warehouse.settings, [], NOW + timedelta(hours=1), looked_at=looked_at) == (0, 1)
    assert [one["series"] for one in json_here(warehouse, "monitor", "list")] == ["metric:errors"]
    (over,) = [one for one in json_here(warehouse, "monitor", "list", "--all") if one["series"] == "metric:sessions"]
    assert (over["status"], over["notes"][0]["author"]) == ("resolved", "millrace")


def test_what_a_segment_shows_first_and_the_whole_then_is_one_anomaly(warehouse: Instance) -> None:
    of_segment = replace(SESSIONS, dimensions=(("session__channel", "referral"),))
    assert write_findings(warehouse.settings, [of_segment], NOW) == (1, 0)
    assert run_here(warehouse, "monitor", "ack", "11111111", "--note", "the partner is down").returncode == 0
    whole = replace(
        SESSIONS, anomaly_id=UUID("33333333-3333-3333-3333-333333333333"), started_at=BEGIN - timedelta(hours=12)
    )
    looked_at = [("metric:sessions", "demo")]
    assert write_findings(warehouse.settings, [whole], NOW, looked_at=looked_at) == (0, 0)
    (one,) = json_here(warehouse, "monitor", "list", "--all")
    assert (one["anomaly_id"][:8], one["status"], one["dimensions"]) == ("11111111", "acknowledged", {})
    assert "the partner is down" in json.dumps(one["notes"])

    # Another direction at the same time is another anomaly.
    other = replace(whole, anomaly_id=UUID("44444444-4444-4444-4444-444444444444"), value=400.0)
    assert write_findings(warehouse.settings, [other], NOW, looked_at=looked_at) == (1, 1)


def test_what_only_other_detectors_find_in_days_that_were_judged_is_no_news(warehouse: Instance) -> None:
    """Yesterday was judged by an older version; what it told stays, and what goes on today is news."""
    looked_at = [("metric:sessions", "demo"), ("metric:errors", "demo")]
    write_findings(warehouse.settings, [SESSIONS], NOW, looked_at=looked_at)
    before = dict.fromkeys(looked_at, BEGIN)
    later = replace(ERRORS, last_at=BEGIN + timedelta(days=1), anomaly_id=UUID("55555555-5555-5555-5555-555555555555"))
    assert write_findings(warehouse.settings, [ERRORS, later], NOW, {}, looked_at, before) == (1, 1)
    listed = {one["anomaly_id"][:4]: one for one in json_here(warehouse, "monitor", "list", "--all")}
    assert {id: one["status"] for id, one in listed.items()} == {"1111": "resolved", "2222": "resolved", "5555": "open"}
    assert listed["1111"]["notes"][0]["text"].startswith("Not unusual as it is judged now")
    assert listed["2222"]["notes"][0]["text"].startswith("No news: its days were judged before")


def test_its_user_writes_nothing_else(warehouse: Instance) -> None:
    client = warehouse.client("monitor")
    for refused in (
        "SELECT * FROM raw.events",
        "TRUNCATE TABLE ops.anomalies",
        "INSERT INTO ops.runs (kind) VALUES ('')",
    ):
        with pytest.raises(Exception, match="ACCESS_DENIED"):
            client.command(refused)


def test_what_somebody_resolved_stays_resolved(warehouse: Instance) -> None:
    write_findings(warehouse.settings, [SESSIONS], NOW)
    assert run_here(warehouse, "monitor", "resolve", "1111").returncode == 0
    write_findings(warehouse.settings, [SESSIONS], NOW + timedelta(hours=1))
    assert json_here(warehouse, "monitor", "list") == []
    done = run_here(warehouse, "monitor", "ack", "1111")
    assert (done.returncode, done.stdout) == (1, "")
    assert "is resolved already" in done.stderr
    done = run_here(warehouse, "monitor", "show", "9999")
    assert done.returncode == 2
    assert "of no anomaly" in done.stderr


def test_a_build_is_looked_at_once(warehouse: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    import dagster as dg

    import orchestration.automation as automation

    monkeypatch.setattr(automation, "load_settings", lambda: warehouse.settings)
    sensor = automation.watch_sensor(automation.read_automation(), warehouse.settings)
    before = last_build(warehouse.settings)
    warehouse.client().command(
        "INSERT INTO ops.runs (run_id, kind, started_at) VALUES (generateUUIDv4(), 'build', '2100-01-01 00:00:00')"
    )
    try:
        built = last_build(warehouse.settings)
        assert built != before
        assert built.startswith("2100-01-01")
        context = dg.build_sensor_context(cursor=built)
        assert str(sensor(context).skip_message) == "Nothing was built since."
    finally:
        warehouse.client().command("DELETE FROM ops.runs WHERE started_at = '2100-01-01 00:00:00'")
