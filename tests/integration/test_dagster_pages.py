"""Dagster with its storage in PostgreSQL, and its pages as a browser shows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.postgres import Postgres, postgres
from tests.programs import program
from tests.running_dagster import EVENT, RunningDagster, until
from tests.support import Instance

PATIENCE = 120_000


@pytest.fixture(scope="module")
def storage() -> Iterator[Postgres]:
    with postgres() as own:
        yield own


@pytest.fixture(scope="module")
def dagster(storage: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDagster]:
    """With one run behind it."""
    with Instance(tmp_path_factory.mktemp("pages") / "millrace") as own:
        own.up()
        running = RunningDagster(own, MILLRACE_DAGSTER_POSTGRES=storage.url)
        try:
            assert until(running.is_loaded)
            running.drop("a.jsonl", {**EVENT, "user_id": "anna"})
            assert running.ended(running.next_run(set())) == "SUCCESS"
            yield running
        finally:
            if running.process.poll() is None:
                running.end()


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


def test_runs_are_kept_in_postgresql(dagster: RunningDagster, storage: Postgres) -> None:
    runs = dagster.runs()
    assert storage.ask("SELECT run_id, status FROM runs ORDER BY id") == "\n".join(
        f"{run_id}|{status}" for run_id, status in runs.items()
    )
    assert int(storage.ask("SELECT count(*) FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'")) > 80
    assert not list((dagster.instance.data_dir / "dagster").rglob("*.db"))


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
    dagster.end()
    assert dagster.processes() == {}
