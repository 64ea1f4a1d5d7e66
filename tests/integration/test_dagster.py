"""A real Dagster, its daemon and its sensor, with its storage in PostgreSQL where there is one: files that land become
rows of marts, bad data stays out of them until it is mended, its pages show it, and nothing is left behind."""

from __future__ import annotations

import os
import shutil
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.postgres import Postgres, is_installed, postgres
from tests.programs import program
from tests.running_dagster import EVENT, RunningDagster, until
from tests.support import REPOSITORY, Instance
from tests.webhook_stub import Webhook, webhook

# What somebody adds to their project, a test of dbt that warns and an expectation that blocks: what they find heals,
# when the order is told.
REFUNDS_HAVE_ORDERS = """
{{ config(severity='warn') }}
select refunds.order_id
from {{ ref('int_order_events') }} as refunds
where
    refunds.event = 'order_refunded'
    and (refunds.project_id, refunds.order_id)
    not in (select project_id, order_id from {{ ref('int_order_events') }} where event = 'order_completed')
"""
OF_ORDERS = """
table: intermediate.int_order_events
owner: sales
description: What happened to orders.
expectations:
  refunds_are_of_orders:
    kind: rows
    that: >-
      event != 'order_refunded' OR order_id IN
      (SELECT order_id FROM intermediate.int_order_events WHERE event = 'order_completed')
    why: Nothing is given back that was not taken.
"""
ORDER = {**EVENT, "event": "order_completed", "user_id": "anna"}
ORDERS = "SELECT order_id, toFloat64(amount) FROM marts.fct_orders ORDER BY ALL"
REFUND = {**EVENT, "event": "order_refunded", "user_id": "anna", "timestamp": "2026-03-01T11:00:00.000Z"}


PATIENCE = 120_000

ALERTS = """
channels:
  hook: {kind: webhook, url: {secret: hook}, key: {secret: key}}
owners:
  team: {channels: [hook]}
rules:
  broken: {kind: check_failure, owner: team}
  late: {kind: freshness, owner: team, assets: [raw.events], older_than: 15s, projects: [demo]}
"""


@pytest.fixture(scope="module")
def hook() -> Iterator[Webhook]:
    with webhook() as stub:
        yield stub


@pytest.fixture(scope="module")
def storage() -> Iterator[Postgres | None]:
    """Without PostgreSQL the one test of it is left out, and Dagster keeps its storage in SQLite."""
    if not is_installed() and not os.environ.get("CI"):
        yield None
        return
    with postgres() as own:
        yield own


@pytest.fixture(scope="module")
def dagster(
    tmp_path_factory: pytest.TempPathFactory, hook: Webhook, storage: Postgres | None
) -> Iterator[RunningDagster]:
    folder = tmp_path_factory.mktemp("dagster")
    copy = folder / "repository"
    left_out = shutil.ignore_patterns("__pycache__", "target", "logs")
    for room in (
        "warehouse",
        "ingestion",
        "semantic_layer",
        "expectations",
        "ml",
        "monitoring",
        "orchestration",
        "cli",
        "dbt_project",
    ):
        shutil.copytree(REPOSITORY / room, copy / room, ignore=left_out)
    for file in REPOSITORY.glob("*.yaml"):
        shutil.copy(file, copy)
    (copy / "dbt_project" / "tests" / "refunds_have_orders.sql").write_text(REFUNDS_HAVE_ORDERS)
    (copy / "expectations" / "suites" / "order_events.yaml").write_text(OF_ORDERS)
    secrets = {"MILLRACE_SECRET_HOOK": hook.url, "MILLRACE_SECRET_KEY": "key", "MILLRACE_ALERT_TARGETS": hook.target}
    with Instance(folder / "millrace", PYTHONPATH=str(copy), **secrets) as own:
        (own.project_dir / "alerts").mkdir()
        (own.project_dir / "alerts" / "rules.yaml").write_text(ALERTS)
        own.up()
        running = RunningDagster(own, **({"MILLRACE_DAGSTER_POSTGRES": storage.url} if storage else {}))
        try:
            assert until(running.is_loaded)
            yield running
        finally:
            if running.process.poll() is None:
                running.end()


def busy() -> str:
    return f"with {os.getloadavg()[0]:.1f} processes at work on {os.cpu_count()} cores"


def test_a_file_that_lands_becomes_rows_of_a_mart_whatever_lies_beside_it(
    dagster: RunningDagster, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    dagster.drop_text("notes.jsonl", "what we talked about on monday\n")
    order = {**ORDER, "properties": {"order_id": "o1", "revenue": 10, "currency": "EUR"}}
    dagster.drop("a.jsonl", {**EVENT, "user_id": "anna"}, {**EVENT, "user_id": "bob"}, order)
    landed = time.time()
    run = dagster.next_run(set())
    assert dagster.ended(run) == "SUCCESS", dagster.why(run)
    seconds = dagster.started(run) - landed
    record_property("seconds_from_landing_to_load", seconds)
    with capsys.disabled():
        print(f"\nFrom landing to the begin of the load: {seconds:.1f} s, {busy()}")  # noqa: T201 - to be read
    assert dagster.instance.rows("SELECT count() FROM marts.fct_events") == [(3,)]
    assert dagster.instance.rows(ORDERS) == [("o1", 10.0)]
    assert dagster.checks("raw", "events") == {"files_are_of_events": False}
    materialized = dagster.ask(
        '{assetOrError(assetKey: {path: ["marts", "fct_events"]}) {... on Asset {assetMaterializations(limit: 1) '
        "{metadataEntries {label ... on IntMetadataEntry {intValue}}}}}}"
    )["assetOrError"]["assetMaterializations"]
    assert {"label": "dagster/row_count", "intValue": 3} in materialized[0]["metadataEntries"]


def told(hook: Webhook, rule: str, event: str = "opened") -> list[Any]:
    return [request for request in hook.requests if (request.json["rule"], request.json["event"]) == (rule, event)]


def test_a_load_that_does_not_come_is_told_without_one(dagster: RunningDagster, hook: Webhook) -> None:
    known = set(dagster.runs())
    assert until(lambda: told(hook, "late"))
    # Told by what was so then: before the first load of the module, or after it.
    words = told(hook, "late")[0].json["title"]
    assert "raw.events of demo was loaded last" in words or "raw.events of demo was never loaded since" in words
    assert set(dagster.runs()) == known


def test_its_checks_link_to_the_pages_of_expectations(dagster: RunningDagster) -> None:
    evaluations = dagster.ask(
        '{assetCheckExecutions(assetKey: {path: ["marts", "fct_events"]}, checkName: "has_a_person", limit: 1) '
        "{evaluation {metadataEntries {label ... on UrlMetadataEntry {url}}}}}"
    )["assetCheckExecutions"]
    (link,) = (one for one in evaluations[0]["evaluation"]["metadataEntries"] if one["label"] == "Data Docs")
    with urllib.request.urlopen(link["url"], timeout=30) as page:
        assert "events.demo" in page.read().decode()


def test_a_defect_is_kept_out_of_the_mart_until_a_file_mends_it(
    dagster: RunningDagster, hook: Webhook, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    known = set(dagster.runs())
    refund = {**REFUND, "properties": {"order_id": "o2", "revenue": 7, "currency": "EUR"}}
    another = {**ORDER, "properties": {"order_id": "o3", "revenue": 30, "currency": "EUR"}}
    landed = time.monotonic()
    dagster.drop("defect.jsonl", refund, another)
    run = dagster.next_run(known)
    assert dagster.ended(run) == "FAILURE"
    found = dagster.checks("intermediate", "int_order_events")
    assert (found["refunds_have_orders"], found["refunds_are_of_orders"]) == (False, False)
    assert dagster.instance.rows(ORDERS) == [("o1", 10.0)]  # what is good in the file waits as well
    of_orders = "SELECT order_id, event FROM intermediate.int_order_events ORDER BY ALL"
    assert dagster.instance.rows(of_orders) == [("o1", "order_completed")]  # also in the table that failed
    assert "Put back as before: intermediate.int_order_events" in dagster.why(run)
    assert dagster.instance.rows("SELECT count() FROM marts.fct_refunds") == [(0,)]
    why = "intermediate.int_order_events of demo, refunds_are_of_orders: 1 row of 3 (33.33%)"
    assert why in dagster.why(run)
    assert "fct_orders" in dagster.why(run).partition("Kept back: ")[2]
    assert "ExecutionStepUpForRetryEvent" not in dagster.kinds(run)  # it would fail again
    incidents = "SELECT asset, check_name, status FROM ops.incidents FINAL"
    about = ("intermediate.int_order_events", "refunds_are_of_orders")
    assert dagster.instance.rows(incidents) == [(*about, "open")]
    assert until(lambda: told(hook, "broken"))
    (message,) = told(hook, "broken")
    assert message.json["alerts"][0]["subject"] == "intermediate.int_order_events: refunds_are_of_orders"
    record_property("seconds_from_landing_to_message", message.at - landed)
    with capsys.disabled():
        print(f"\nFrom bad data landing to the message sent: {message.at - landed:.1f} s, {busy()}")  # noqa: T201 - to be read

    known = set(dagster.runs())
    # At once with a file that goes away: seen by two looks they are two runs, and the second has judged nothing yet.
    (dagster.landing / "notes.jsonl").unlink()
    dagster.drop("mended.jsonl", {**ORDER, "properties": {"order_id": "o2", "revenue": 20, "currency": "EUR"}}, age=10)
    assert dagster.ended(dagster.next_run(known)) == "SUCCESS"
    found = dagster.checks("intermediate", "int_order_events")
    assert (found["refunds_have_orders"], found["refunds_are_of_orders"]) == (True, True)
    assert dagster.checks("raw", "events") == {"files_are_of_events": True}  # the notes have gone
    assert dagster.instance.rows(ORDERS) == [("o1", 10.0), ("o2", 20.0), ("o3", 30.0)]
    assert dagster.instance.rows("SELECT order_id FROM marts.fct_refunds") == [("o2",)]
    assert dagster.instance.rows("SELECT name FROM system.tables WHERE database = 'aside'") == []
    assert dagster.instance.rows(incidents) == [(*about, "resolved")]
    assert until(lambda: told(hook, "broken", "resolved"))


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    chromium = program("chromium")
    with sync_playwright() as playwright:
        # Without its sandbox, which root may not have: it opens our own pages alone.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield page
        browser.close()


def test_runs_are_kept_in_postgresql(dagster: RunningDagster, storage: Postgres | None) -> None:
    if storage is None:
        pytest.skip("There is no PostgreSQL here: .ci/run installs Debian's.")
    runs = dagster.runs()
    assert storage.ask("SELECT run_id, status FROM runs ORDER BY id") == "\n".join(
        f"{run_id}|{status}" for run_id, status in runs.items()
    )
    assert int(storage.ask("SELECT count(*) FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'")) > 80
    assert not list((dagster.instance.data_dir / "dagster").rglob("*.db"))
    # Dagster's own class makes two connections for each event: what keeps them is nowhere else seen to be at work.
    connections = int(storage.ask("SELECT sessions FROM pg_stat_database WHERE datname = current_database()"))
    assert connections < int(storage.ask("SELECT count(*) FROM event_logs")) / 2


def test_the_graph_renders(dagster: RunningDagster, page: Page, tmp_path: Path) -> None:
    page.goto(f"{dagster.url}/asset-groups")
    expect(page.get_by_text("marts_commerce", exact=True).first).to_be_visible()
    expect(page.get_by_text("staging_millrace", exact=True).first).to_be_visible()
    expect(page.get_by_text("semantic", exact=True).first).to_be_visible()
    expect(page.get_by_text("Join the Dagster community")).to_have_count(0)
    page.screenshot(path=tmp_path / "graph.png")


def test_an_asset_has_its_page(dagster: RunningDagster, page: Page, tmp_path: Path) -> None:
    page.goto(f"{dagster.url}/assets/marts/fct_orders")
    expect(page.get_by_text("fct_orders").first).to_be_visible()
    expect(page.get_by_text("analytics", exact=True).first).to_be_visible()  # its owner
    expect(page.get_by_text("Grain: one row per order").first).to_be_visible()
    page.screenshot(path=tmp_path / "asset.png")


def test_checks_and_lineage_of_an_asset_render(dagster: RunningDagster, page: Page, tmp_path: Path) -> None:
    page.goto(f"{dagster.url}/assets/marts/fct_orders?view=checks")
    expect(page.get_by_text("currency_is_a_code").first).to_be_visible()  # an expectation
    expect(page.get_by_text("unique_fct_orders_order_key").first).to_be_visible()  # a test of dbt's
    expect(page.get_by_text("Succeeded").first).to_be_visible()
    page.screenshot(path=tmp_path / "checks.png")
    page.goto(f"{dagster.url}/assets/marts/fct_orders?view=lineage")
    expect(page.get_by_text("int_order_events").first).to_be_visible()
    page.screenshot(path=tmp_path / "lineage.png")


def test_nothing_is_left_behind(dagster: RunningDagster) -> None:
    assert len(dagster.processes()) > 3
    dagster.end()
    assert dagster.process.returncode == 0
    assert dagster.processes() == {}
