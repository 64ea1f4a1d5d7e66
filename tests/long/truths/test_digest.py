"""A digest tells what plain SQL tells, and nothing of what came after its day."""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from monitoring.alerts.declared import load_declaration
from monitoring.alerts.store import connected, last_alerts
from monitoring.digest.contents import Digest
from monitoring.digest.making import make_digest
from monitoring.digest.sending import send_digests
from tests.truths.conftest import LoadedWorld
from tests.webhook_stub import webhook
from warehouse.errors import WrongUsage
from warehouse.observability.records import CheckResult, RunRecord
from warehouse.settings import Settings

DAY = date(2026, 5, 20)


@pytest.fixture(scope="module")
def settings(built: LoadedWorld) -> Iterator[Settings]:
    with built.instance.active() as settings:
        yield settings


@pytest.fixture(scope="module")
def digest(settings: Settings) -> Digest:
    return make_digest(settings, "demo", DAY)


def test_values_are_those_of_the_day_the_day_before_and_the_week_before(built: LoadedWorld, digest: Digest) -> None:
    def sessions(day: date) -> float:
        sql = f"SELECT count() FROM marts.fct_sessions WHERE project_id = 'demo' AND local_date = '{day}'"
        return float(built.instance.rows(sql)[0][0])

    (change,) = [one for one in digest.changes if one.metric == "sessions"]
    days = [DAY, DAY - timedelta(days=1), DAY - timedelta(days=7)]
    assert [change.value, change.day_before, change.week_before] == [sessions(day) for day in days]
    assert change.value > 0 and change.expected is not None
    around = [sessions(DAY - timedelta(days=back)) for back in range(1, 43)]
    assert min(around) <= change.expected <= max(around)
    # By how much days mostly differ from their median: of the same size as what they are off by.
    spread = 1.4826 * statistics.median(abs(one - statistics.median(around)) for one in around)
    assert abs(change.deviations or 0) == pytest.approx(abs(change.value - change.expected) / spread, rel=0.8)


def test_the_most_unusual_comes_first_and_only_what_is_unusual_is_good_or_bad(digest: Digest) -> None:
    sizes = [abs(one.deviations or 0) for one in digest.changes]
    assert sizes == sorted(sizes, reverse=True) and len(sizes) > 5
    assert all(one.is_good is None for one in digest.changes if not one.is_notable)


def test_what_comes_later_changes_nothing_of_it(settings: Settings, digest: Digest) -> None:
    """Values and what was expected: looked at two weeks later they are the same."""
    again = make_digest(settings, "demo", DAY + timedelta(days=14))
    assert again.changes != digest.changes
    assert make_digest(settings, "demo", DAY).changes == digest.changes


def test_it_can_be_kept_and_read_again(digest: Digest) -> None:
    assert Digest.of_json(json.loads(json.dumps(digest.as_json()))) == digest
    assert replace(digest, prose="other") != digest


@pytest.mark.parametrize(("project", "day"), [("dmo", DAY), ("demo", date(2024, 1, 1)), ("demo", date(2027, 1, 1))])
def test_of_what_has_no_data_there_is_none(settings: Settings, project: str, day: date) -> None:
    with pytest.raises(WrongUsage):
        make_digest(settings, project, day)


def test_a_table_whose_quality_fell_and_a_check_that_fails_are_told(built: LoadedWorld, settings: Settings) -> None:
    client, columns = built.instance.client(), ("day", "asset", "project_id", "score")
    scores = [("2026-07-01", 90.0), ("2026-07-03", 70.5)], [("2026-07-01", 90.0), ("2026-07-03", 89.5)]
    for asset, of_days in zip(("marts.fell", "marts.stays"), scores, strict=True):
        rows = [(date.fromisoformat(day), asset, "demo", score) for day, score in of_days]
        client.insert("ops.quality_scores", rows, column_names=columns)
    failing = CheckResult("marts.fell", "never_negative", "dbt", "validity", "error", "fail", failures=3)
    RunRecord("expectations").write(settings, "failed", checks=[failing])
    try:
        items = make_digest(settings, "demo", DAY).items
        other = make_digest(settings, "demo_mobile", DAY).items
    finally:
        for table in ("quality_scores", "check_results", "incidents"):
            client.command(f"DELETE FROM ops.{table} WHERE asset IN ('marts.fell', 'marts.stays')")
    told = [(one.kind, one.text.partition(" since")[0], one.command.split(" show")[0]) for one in items]
    assert ("incident", "marts.fell fails never_negative", "millrace incidents") in told
    quality = [one for one in items if one.kind == "quality"]
    assert [one.text for one in quality] == ["marts.fell of demo fell from 90.0 to 70.5 of 100"]
    assert quality[0].command == "millrace quality --asset marts.fell"
    assert "quality" not in {one.kind for one in other}


DECLARED = """\
channels:
  hook: {kind: webhook, url: {secret: hook}, key: {secret: key}}
  pager: {kind: pagerduty, key: {secret: key}}
owners: {team: {channels: [pager, hook]}}
digests:
  morning: {owner: team, projects: [demo]}
"""


def test_it_is_sent_once_by_the_channels_of_alerts_and_again_where_it_failed(
    built: LoadedWorld, settings: Settings, digest: Digest, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = built.instance.project_dir / "alerts"
    folder.mkdir()
    (folder / "digests.yaml").write_text(DECLARED)
    try:
        with webhook(500, 200) as hook:
            monkeypatch.setenv("MILLRACE_SECRET_HOOK", hook.url)
            monkeypatch.setenv("MILLRACE_SECRET_KEY", "key")
            own = settings.model_copy(update={"alert_targets": hook.target})
            declared = load_declaration(own)
            first, second = (send_digests(own, declared, print, None, DAY) for _ in range(2))
            assert [(one.project, one.is_new) for one in first[0]] == [("demo", True)]
            assert ([one.is_new for one in second[0]], second[1].sent) == ([False], 0)
            assert (first[1].failed, first[1].sent) == (1, 1)
            assert len(hook.requests) == 2  # one that failed, a second later one that did not, and none of the pager
            assert Digest.of_json(hook.requests[1].json["digest"]) == digest
            assert hook.requests[0].headers["x-millrace-message"] == hook.requests[1].headers["x-millrace-message"]
    finally:
        shutil.rmtree(folder)
    with connected(settings, "to look") as client:
        assert not [one for one in last_alerts(client).values() if one.digest]  # no round of rules knows it
    assert built.instance.json("alerts", "list", "--all") == []
    told = built.instance.rows(
        "SELECT status, count() FROM ops.alert_deliveries FINAL WHERE alert_id IN "
        "(SELECT alert_id FROM ops.alerts WHERE kind = 'digest') GROUP BY 1 ORDER BY 1"
    )
    assert told == [("failed", 1), ("sent", 1)]
