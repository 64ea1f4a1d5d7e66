"""Superset with the dashboards of the repository: what a sync does, and what it answers."""

from __future__ import annotations

import base64
import hmac
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bi.client import Client, Refused
from bi.validating import problems_of
from tests.truths.running_superset import RunningSuperset

GRAINS = {
    "P1D": "local_date",
    "P1W": "toMonday(local_date)",
    "P1M": "toStartOfMonth(local_date)",
    "P3M": "toStartOfQuarter(local_date)",
    "P1Y": "toStartOfYear(local_date)",
}
# Begins and ends inside of a week, a month, a quarter and a year.
FIRST, END = "2026-02-11", "2026-05-21"


@contextmanager
def edited(superset: RunningSuperset, file: str, old: str, new: str) -> Iterator[None]:
    path = superset.instance.project_dir / "dashboards" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    try:
        yield
    finally:
        path.write_text(text)
        superset.instance.json("bi", "sync")


def test_every_chart_answers(superset: RunningSuperset) -> None:
    bundle = superset.bundle
    assert problems_of(superset.client, bundle) == []
    assert len(bundle.charts) > 80


def test_a_second_sync_changes_nothing(superset: RunningSuperset) -> None:
    before = superset.client.listed("chart", ["id", "uuid", "changed_on_utc"])
    done = superset.instance.json("bi", "sync")
    assert (done["changed"], done["removed"]) == ([], [])
    assert done["unchanged"] > 130
    assert superset.client.listed("chart", ["id", "uuid", "changed_on_utc"]) == before


def test_a_chart_that_is_declared_no_more_is_removed_and_what_people_made_stays(superset: RunningSuperset) -> None:
    chart = next(one for one in superset.bundle.charts if one.title == "Sessions by channel")
    number = superset.id_of("chart", chart.id)
    own = superset.client.ask(
        "POST",
        "chart/",
        {
            "slice_name": "Mine",
            "viz_type": "table",
            "datasource_type": "table",
            "datasource_id": superset.id_of("dataset", chart.dataset.id),
        },
    )["id"]
    line = "      - {chart: pie, of: sessions, by: channel, width: 5}\n"
    with edited(superset, "marketing.yaml", line, ""):
        done = superset.instance.json("bi", "sync")
        assert done["removed"] == ["chart Sessions by channel"]
        assert [(one["kind"], one["name"]) for one in done["changed"]] == [("dashboard", "Marketing")]
        with pytest.raises(Refused):
            superset.client.ask("GET", f"chart/{number}")
    assert superset.client.ask("GET", f"chart/{own}")["result"]["slice_name"] == "Mine"
    superset.client.delete("chart", [own])


def test_what_was_edited_by_hand_is_found_and_put_back(superset: RunningSuperset) -> None:
    from bi.syncing import drift

    with superset.instance.active() as settings:
        assert drift(settings, superset.service) == []
        chart = next(one for one in superset.bundle.charts if one.title == "Campaigns")
        superset.client.ask("PUT", f"chart/{superset.id_of('chart', chart.id)}", {"slice_name": "By hand"})
        (found,) = drift(settings, superset.service)
    assert (found.kind, found.name, found.what) == ("chart", "Campaigns", "title")
    done = superset.instance.json("bi", "sync")
    assert [one["name"] for one in done["changed"]] == ["Campaigns"]


def test_what_superset_refuses_is_told_by_file_and_line(
    superset: RunningSuperset, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bi import bundle as written
    from bi.syncing import bring
    from warehouse.errors import MillraceError

    bundle = superset.bundle
    declared = written.files(bundle)
    chart = next(one for one in bundle.charts if one.title == "Campaigns")
    declared[f"charts/{chart.id}.yaml"]["oops"] = 1
    with pytest.raises(
        MillraceError, match=r"dashboards/marketing\.yaml, line \d+ \(Campaigns\): .*oops.*Unknown field"
    ):
        bring(superset.client, superset.service.home, bundle, declared)


def test_buckets_are_whole_where_a_range_begins_inside_of_one(superset: RunningSuperset) -> None:
    """Without the suffix of inside/superset_config.py weeks at the edges are short, and a year is empty."""
    dataset = next(one for one in superset.bundle.datasets if one.name == "sessions")
    number = superset.id_of("dataset", dataset.id)
    for grain, bucket in GRAINS.items():
        axis = {
            "timeGrain": grain,
            "columnType": "BASE_AXIS",
            "sqlExpression": "local_date",
            "label": "local_date",
            "expressionType": "SQL",
        }
        rows = superset.data(
            number,
            columns=[axis],
            metrics=["sessions"],
            filters=[{"col": "local_date", "op": "TEMPORAL_RANGE", "val": f"{FIRST} : {END}"}],
            extras={"time_grain_sqla": grain},
        )
        expected = superset.instance.rows(
            f"SELECT toString({bucket}) AS bucket, count() FROM marts.fct_sessions AS s "
            f"WHERE s.local_date >= '{FIRST}' AND s.local_date < '{END}' GROUP BY bucket",
            "bi",
        )
        from datetime import UTC, datetime

        found = {str(datetime.fromtimestamp(row["local_date"] / 1000, UTC).date()): row["sessions"] for row in rows}
        assert found == dict(expected), grain


def test_secrets_are_private_and_no_password_is_in_the_metadata(superset: RunningSuperset) -> None:
    home = superset.service.home
    for path in (home.secrets_file, home.clickhouse_file, home.state_file, home.log):
        assert path.stat().st_mode & 0o077 == 0
    assert home.path.stat().st_mode & 0o077 == 0
    password = superset.instance.endpoint("bi").password
    assert password.encode() not in (home.path / "superset.db").read_bytes()
    assert superset.password not in superset.said
    with pytest.raises(Refused):
        Client(superset.url, "admin", "admin")


def test_superset_can_read_what_its_user_may_and_nothing_else(superset: RunningSuperset) -> None:
    database = next(row["id"] for row in superset.client.listed("database", ["id", "database_name"]))

    def ask(sql: str) -> object:
        return superset.client.ask("POST", "sqllab/execute/", {"database_id": database, "sql": sql, "runAsync": False})

    assert ask("SELECT count() AS n FROM marts.fct_orders")
    for sql in ("SELECT * FROM raw.events", "SELECT * FROM ops.questions", "SELECT * FROM vault.salts"):
        with pytest.raises(Refused, match="Not enough privileges"):
            ask(sql)
    with pytest.raises(Refused):
        ask("DROP TABLE marts.fct_orders")


def test_it_starts_once_and_says_so(superset: RunningSuperset) -> None:
    running = superset.service.running()
    done = superset.instance.run("bi", "up")
    assert done.returncode == 0, done.stderr
    assert superset.service.running() == running
    assert "0 of" in done.stderr
    assert superset.instance.json("bi", "status")["url"] == superset.url


def test_an_export_is_what_a_sync_brings(superset: RunningSuperset, tmp_path: Path) -> None:
    from bi.differences import differences, exported

    file = tmp_path / "bi.zip"
    assert superset.instance.run("bi", "export", "--output", str(file)).returncode == 0
    there = exported(superset.client.export_assets())
    assert list(differences(exported(file.read_bytes()), there)) == []
    shutil.rmtree(tmp_path)


def test_a_client_whose_token_has_expired_logs_in_again(superset: RunningSuperset) -> None:
    client = superset.service.client()
    head, payload, _ = client._headers["Authorization"].removeprefix("Bearer ").split(".")
    content = json.loads(base64.urlsafe_b64decode(payload + "=="))
    signed = f"{head}.{_in_base64(json.dumps({**content, 'exp': content['iat']}).encode())}"
    key = superset.service.home.secrets()["key"].encode()
    signature = _in_base64(hmac.digest(key, signed.encode(), "sha256"))
    client._headers["Authorization"] = f"Bearer {signed}.{signature}"
    assert client.listed("dashboard", ["id"])
    client._headers["Authorization"] = f"Bearer {signed}.{signature}"
    client._login = None
    with pytest.raises(Refused, match="Token has expired"):
        client.listed("dashboard", ["id"])


def _in_base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
