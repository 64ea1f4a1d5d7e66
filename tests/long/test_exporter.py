"""The exporter over HTTP: figures against what was written down, also while ClickHouse is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.in_process import run_here
from tests.integration.test_quality import MANIFEST, ORDERS
from tests.support import MILLRACE, Instance
from warehouse.observability.figures import FAMILIES, KEPT_SECONDS
from warehouse.observability.looks import observe
from warehouse.observability.records import CheckResult, ModelRun, RunRecord


@contextmanager
def exporter(warehouse: Instance) -> Iterator[str]:
    command = [MILLRACE, "metrics-exporter", "--port", "0"]
    process = subprocess.Popen(command, env=warehouse.environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def scrape(url: str) -> dict[str, Metric]:
    with urllib.request.urlopen(url, timeout=60) as reply:
        assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return {family.name: family for family in text_string_to_metric_families(reply.read().decode())}


def values(family: Metric, *labels: str) -> dict[tuple[str, ...], float]:
    return {tuple(sample.labels[label] for label in labels): sample.value for sample in family.samples}


def until(url: str, up: float) -> dict[str, Metric]:
    """What is told when ClickHouse is known to be up or down: the last answer is kept for some seconds."""
    deadline = time.monotonic() + 120
    while (found := scrape(url))["millrace_up"].samples[0].value != up:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return found


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("exporter") / "millrace") as own:
        own.up()
        prepare(own)
        yield own


def prepare(own: Instance) -> None:
    target = own.data_dir / "dbt" / "target"
    target.mkdir(parents=True, exist_ok=True)
    (target / "manifest.json").write_text(json.dumps(MANIFEST))
    client = own.client()
    client.command("CREATE TABLE marts.fct_orders (x Int64) ENGINE = MergeTree ORDER BY x AS SELECT 1")
    client.command(
        "INSERT INTO raw.load_counts (file_id, piece, project_id, reason, lines, loaded_at) VALUES "
        "('f', 0, 'demo', '', 900, now64(3) - INTERVAL 2 HOUR), ('f', 1, 'demo', '', 100, now64(3) - INTERVAL 1 HOUR), "
        "('f', 0, 'demo', 'bad_timestamp', 30, now64(3)), ('g', 0, 'demo', 'bad_timestamp', -10, now64(3)), "
        "('f', 0, 'demo_mobile', '', 7, now64(3)), "
        "('f', 0, '{\"email\": \"somebody@example.com\"}', 'invalid_json', 2, now64(3)), "
        "('f', 0, 'nobody', 'unknown_project', 3, now64(3)), ('f', 0, '', 'unknown_project', 4, now64(3))"
    )


def test_what_is_told_is_what_was_written_down(warehouse: Instance) -> None:
    checks = [
        CheckResult(ORDERS, "a", "dbt", "validity", "error", "fail"),
        CheckResult(ORDERS, "b", "dbt", "validity", "error", "error"),
        CheckResult(ORDERS, "c", "dbt", "validity", "error", "pass"),
        CheckResult(ORDERS, "d", "dbt", "validity", "warn", "pass"),
    ]
    RunRecord("build").write(warehouse.settings, "failed", models=[ModelRun(ORDERS, "success", 2.5)], checks=checks)
    warehouse.client().command(
        "INSERT INTO ops.incidents (incident_id, status, written_at) VALUES "
        "(toUUID('00000000-0000-0000-0000-000000000001'), 'open', '2026-03-01 00:00:00'), "
        "(toUUID('00000000-0000-0000-0000-000000000001'), 'resolved', '2026-03-02 00:00:00'), "
        "(toUUID('00000000-0000-0000-0000-000000000002'), 'open', '2026-03-01 00:00:00')"
    )
    observe(warehouse.settings)
    with exporter(warehouse) as url:
        until(url, up=1)
        warehouse.client("analyst").query("SELECT sleep(0.3)")
        warehouse.client("analyst").query("SELECT 1")
        with pytest.raises(Exception, match="on purpose"):
            warehouse.client("analyst").query("SELECT throwIf(number = 0, 'on purpose') FROM numbers(1)")
        deadline = time.monotonic() + 120
        while "millrace_query_seconds" not in (found := scrape(url)) or (
            values(found["millrace_query_failures"], "user").get(("analyst",)) != 1
        ):
            assert time.monotonic() < deadline
            time.sleep(1)

        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(url.removesuffix("/metrics") + "/etc/passwd", timeout=60)

    def told(name: str, *labels: str) -> dict[tuple[str, ...], float]:
        return values(found[name], *labels)

    assert told("millrace_events_loaded", "project") == {("demo",): 1000, ("demo_mobile",): 7}
    assert told("millrace_events_rejected", "project", "reason") == {
        ("demo", "bad_timestamp"): 20,
        ("", "invalid_json"): 2,
        ("", "unknown_project"): 7,
    }
    ages = told("millrace_load_age_seconds", "project")
    assert 3600 <= ages["demo",] < 7200
    assert told("millrace_run_success", "kind") == {("build",): 0}
    assert set(told("millrace_run_seconds", "kind")) == set(told("millrace_run_age_seconds", "kind")) == {("build",)}
    assert told("millrace_model_build_seconds", "asset") == {(ORDERS,): 2.5}
    assert told("millrace_check_failures", "asset", "severity") == {(ORDERS, "error"): 2, (ORDERS, "warn"): 0}
    assert told("millrace_incidents_open") == {(): 3}  # of a, of b, and the one written by hand
    assert told("millrace_freshness_sla_seconds", "asset", "project") == {
        (ORDERS, ""): 86_400,
        ("raw.events", "demo"): 86_400,
        ("raw.events", "demo_mobile"): 86_400,
    }
    assert 3600 <= told("millrace_freshness_age_seconds", "asset", "project")["raw.events", "demo"] < 7200
    # Of orders: two errors take all of validity, its age nothing; of events nothing but age is measured.
    assert told("millrace_quality_score", "asset", "project") == {
        **{("", ""): 75, ("", "demo"): 75, ("", "demo_mobile"): 75, (ORDERS, ""): 50},
        **{("raw.events", "demo"): 100, ("raw.events", "demo_mobile"): 100},
    }
    assert told("millrace_table_rows", "asset")[ORDERS,] == 1
    assert told("millrace_table_bytes", "asset")[ORDERS,] > 0
    slow = [sample for sample in found["millrace_query_seconds"].samples if sample.labels["user"] == "analyst"]
    buckets = {sample.labels["le"]: sample.value for sample in slow if sample.name.endswith("_bucket")}
    assert buckets["+Inf"] - buckets["0.25"] >= 1  # the one that slept
    assert list(buckets.values()) == sorted(buckets.values())
    assert sum(sample.value for sample in slow if sample.name.endswith("_sum")) >= 0.3
    assert set(found) == {family.name.removesuffix("_total") for family in FAMILIES}


def test_many_who_ask_are_one_who_asks(warehouse: Instance) -> None:
    with exporter(warehouse) as url:
        until(url, up=1)
        begun = time.monotonic()
        answers = {json.dumps(values(scrape(url)["millrace_scrape_seconds"])[()]) for _ in range(20)}
        assert len(answers) <= 1 + (time.monotonic() - begun) / KEPT_SECONDS


def test_its_user_can_read_nothing_else(warehouse: Instance) -> None:
    warehouse.client().command("SYSTEM FLUSH LOGS")  # until the first flush there is no query_log that may be refused
    client = warehouse.client("exporter")
    for sql in (
        "SELECT * FROM raw.events",
        "SELECT line FROM raw.events_rejected",
        "SELECT write_keys FROM raw.projects",
        "SELECT query FROM system.query_log",
        "SELECT * FROM marts.fct_orders",
        "SELECT question FROM ops.questions",
        "INSERT INTO ops.looks (seconds) VALUES (1)",
    ):
        with pytest.raises(Exception, match=r"Not enough privileges|readonly"):
            client.query(sql)


def test_a_port_that_is_in_use_is_told(warehouse: Instance) -> None:
    taken = str(warehouse.state.http_port)
    done = run_here(warehouse, "metrics-exporter", "--port", taken)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: 127.0.0.1:{taken} is in use.")


def test_it_answers_while_clickhouse_is_killed_and_tells_of_it_again_afterwards(warehouse: Instance) -> None:
    """The last one: it leaves the server of all of them stopped."""
    with exporter(warehouse) as url:
        assert "millrace_events_loaded" in until(url, up=1)
        supervisor = warehouse.state
        os.kill(supervisor.server_pid, signal.SIGSTOP)  # it hangs: who asks is answered all the same
        assert "millrace_events_loaded" not in until(url, up=0)
        os.kill(supervisor.server_pid, signal.SIGKILL)
        assert "millrace_events_loaded" in until(url, up=1)  # the supervisor starts it again
        assert warehouse.run("down").returncode == 0
        found = until(url, up=0)
        assert set(found) <= {
            "millrace_up",
            "millrace_scrape_seconds",
            "millrace_query_seconds",
            "millrace_query_failures",
        }
