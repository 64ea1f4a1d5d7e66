"""Dashboards as people see them: no tile fails, and numbers are those of `millrace metrics query`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect, sync_playwright

from bi.client import Refused
from bi.embedding import Guest, embedded, guest_token, page_of
from bi.model import Bundle, Chart, Section
from tests.programs import program
from tests.support import REPOSITORY
from tests.truths.running_superset import RunningSuperset

PATIENCE = 120_000
DRAWN_MS = 1_000  # for lines and bars to grow
SCREENSHOTS = REPOSITORY / "build" / "screenshots"
# Each tile of the tab that is open has its chart, and nothing is on its way any more.
READY = """expected => {
  const shown = selector => [...document.querySelectorAll(selector)].filter(one => one.offsetParent !== null);
  return shown('.dashboard-component-chart-holder .slice_container').length === expected
    && shown('[data-test="loading-indicator"], .loading').length === 0;
}"""
# As d3 writes them in the tiles.
NUMBERS = {"executive": 8, "marketing": 6}  # dashboards, and how many numbers are the least
WRITTEN = {",d": "{:,.0f}", ",.2f": "{:,.2f}", ",.1f": "{:,.1f}", ".1%": "{:.1%}", ",.0f": "{:,.0f}", ".2%": "{:.2%}"}


@pytest.fixture(scope="module")
def page(superset: RunningSuperset) -> Iterator[Page]:
    chromium = program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        # High: what is out of sight is not drawn.
        page = browser.new_page(viewport={"width": 1600, "height": 4000})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page.goto(f"{superset.url}/login/")
        page.fill("#username", "admin")
        page.fill("#password", superset.password)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login" not in url)
        yield page
        browser.close()


@pytest.fixture(scope="module")
def bundle(superset: RunningSuperset) -> Bundle:
    return superset.bundle


@pytest.fixture(scope="module")
def asked() -> dict[str, list[Any]]:
    """What the pages of each dashboard asked of its charts' data, filled in while they are looked at."""
    return {}


def charts_of(section: Section) -> list[Chart]:
    return [tile.chart for row in section.rows for tile in row.tiles if tile.chart]


@pytest.mark.parametrize("name", ["executive", "product", "marketing", "operations"])
def test_every_tile_of_a_dashboard_is_drawn(
    page: Page, bundle: Bundle, superset: RunningSuperset, asked: dict[str, list[Any]], name: str
) -> None:
    """And those with the most numbers tell what the command tells, as a browser shows them when they are opened."""
    dashboard = next(one for one in bundle.dashboards if one.name == name)
    asked_elsewhere: list[str] = []
    page.on("requestfinished", lambda request: asked_elsewhere.append(request.url))
    of_data = asked.setdefault(name, [])

    def note(request: Request) -> None:
        if "/api/v1/chart/data" in request.url and request.method == "POST":
            of_data.append(request.post_data_json)

    page.on("request", note)
    different: dict[str, tuple[Any, Any]] = {}
    page.goto(f"{superset.url}/superset/dashboard/{name}/")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    wrong = {}
    for section in dashboard.sections:
        if section.title:
            page.locator(".ant-tabs-tab").filter(has_text=section.title).click()
        page.wait_for_function(READY, arg=len(charts_of(section)))
        page.wait_for_timeout(DRAWN_MS)
        page.screenshot(path=SCREENSHOTS / f"{name}{f'-{section.title}' if section.title else ''}.png")
        faults = page.locator("[role=alert]:visible").all_inner_texts()
        if faults:
            wrong[section.title] = faults
        titles = page.locator("[data-test='editable-title']:visible").all_inner_texts()
        assert {chart.title for chart in charts_of(section)} <= set(titles)
        if name in NUMBERS and section == dashboard.sections[0]:
            different = {chart.title: of_tile(page, superset, chart) for chart in with_numbers(section)}
    page.remove_listener("request", note)
    assert wrong == {}
    assert len(different) >= NUMBERS.get(name, 0)
    assert {title: told for title, told in different.items() if told[0] != told[1]} == {}
    assert len(of_data) >= sum(len(charts_of(section)) for section in dashboard.sections)
    # No other host is asked for anything, also not by the pages of Superset itself.
    assert {url for url in asked_elsewhere if not url.startswith((superset.url, "data:", "blob:"))} == set()


def with_numbers(section: Section) -> list[Chart]:
    return [chart for chart in charts_of(section) if chart.viz == "pop_kpi"]


def of_tile(page: Page, superset: RunningSuperset, chart: Chart) -> tuple[Any, Any]:
    """What a tile and Superset tell, and what they should: what is asked of Superset has all digits, not only those
    that are shown."""
    tile = page.locator(f".dashboard-chart-id-{superset.id_of('chart', chart.id)} .slice_container")
    shown = tile.inner_text().split()[0].rstrip("↑↓")  # beside which the change stands
    expected = value_of(superset, chart)
    (row,) = superset.data(
        superset.id_of("dataset", chart.dataset.id),
        metrics=list(chart.measures),
        filters=[*chart.queries[0]["filters"], {"col": "project_id", "op": "==", "val": "demo"}],
    )
    written = WRITTEN[chart.dataset.measure(chart.measures[0]).format].format(expected)
    return (shown, float(row[chart.measures[0]])), (written, pytest.approx(expected, rel=1e-12))


@pytest.mark.parametrize("project", ["demo", "demo_mobile"])
def test_inside_of_another_page_a_guest_sees_the_rows_of_one_project(
    page: Page, bundle: Bundle, superset: RunningSuperset, project: str
) -> None:
    browser = page.context.browser
    assert browser is not None
    dashboard = next(one for one in bundle.dashboards if one.name == "executive")
    shown = embedded(superset.client, dashboard.name, [])
    token = guest_token(superset.client, shown, project)
    with browser.new_context(viewport={"width": 1600, "height": 4000}) as visitor:
        visitor.set_default_timeout(PATIENCE)
        other = visitor.new_page()
        # As if Superset's host had that page, too: of other hosts the settings would have to know.
        answers = {"a-page": page_of(superset.url, shown, project), "token": json.dumps({"token": token})}
        for path, body in answers.items():
            other.route(f"{superset.url}/{path}", partial(answer, body))
        other.goto(f"{superset.url}/a-page")
        frame = other.frame_locator("#dashboard")
        section = dashboard.sections[0]
        expect(frame.locator(".slice_container:visible")).to_have_count(len(charts_of(section)))
        expect(frame.locator("[data-test='loading-indicator']:visible, .loading:visible")).to_have_count(0)
        assert frame.locator("[role=alert]:visible").all_inner_texts() == []
        chart = next(one for one in charts_of(section) if one.measures[0] == "orders")
        tile = frame.locator(f".dashboard-chart-id-{superset.id_of('chart', chart.id)} .slice_container")
        told = tile.inner_text().split()[0].rstrip("↑↓")
        assert told == f"{value_of(superset, chart, project):,.0f}"


@pytest.mark.parametrize("name", ["executive", "product", "marketing", "operations"])
def test_what_the_charts_of_a_page_ask_a_guest_may_ask(
    superset: RunningSuperset, asked: dict[str, list[Any]], name: str
) -> None:
    """What a chart's page asks for must be what is declared: else guests are refused it."""
    shown = embedded(superset.client, name, [])
    guest = Guest(superset.url, guest_token(superset.client, shown, "demo"))
    assert asked[name]
    for question in asked[name]:
        (result, *_) = guest.ask("POST", "chart/data", question)["result"]
        assert result["error"] is None, question["form_data"]["slice_id"]
    # That it can be refused: another column is none of the chart's. (Filters ask too, and before charts do.)
    changed = json.loads(json.dumps(next(one for one in asked[name] if one["form_data"].get("slice_id"))))
    changed["queries"][0]["columns"] = ["environment"]
    with pytest.raises(Refused) as refused:
        guest.ask("POST", "chart/data", changed)
    assert refused.value.status == 403


def answer(body: str, route: Route) -> None:
    route.fulfill(content_type="text/html", body=body)


def value_of(superset: RunningSuperset, chart: Chart, project: str = "demo") -> float:
    """What `millrace metrics query` says of the metric in the chart's period."""
    period = next(one["comparator"] for one in chart.params["adhoc_filters"] if one["operator"] == "TEMPORAL_RANGE")
    first, end = period.split(" : ")
    metric = chart.measures[0]
    document = superset.instance.json(
        *("metrics", "query", "--project", project, "--metric", metric, "--from", first, "--to", day_before(end))
    )
    return float(document["rows"][0][0])


def day_before(day: str) -> str:
    from datetime import date, timedelta

    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", day)
    return str(date.fromisoformat(day) - timedelta(days=1))
