"""Dashboards as people see them: no tile fails, and numbers are those of `millrace metrics query`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial

import pytest
from playwright.sync_api import Page, Route, expect, sync_playwright

from bi.embedding import embedded, guest_token, page_of
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


def charts_of(section: Section) -> list[Chart]:
    return [tile.chart for row in section.rows for tile in row.tiles if tile.chart]


@pytest.mark.parametrize("name", ["executive", "product", "marketing", "operations"])
def test_every_tile_of_a_dashboard_is_drawn(page: Page, bundle: Bundle, superset: RunningSuperset, name: str) -> None:
    dashboard = next(one for one in bundle.dashboards if one.name == name)
    asked_elsewhere: list[str] = []
    page.on("requestfinished", lambda request: asked_elsewhere.append(request.url))
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
    assert wrong == {}
    # No other host is asked for anything, also not by the pages of Superset itself.
    assert {url for url in asked_elsewhere if not url.startswith((superset.url, "data:", "blob:"))} == set()


def test_tiles_tell_what_the_command_tells(page: Page, bundle: Bundle, superset: RunningSuperset) -> None:
    """Of the dashboards with the most numbers, as a browser shows them when they are opened."""
    different, compared = {}, 0
    for name in ("executive", "marketing"):
        dashboard = next(one for one in bundle.dashboards if one.name == name)
        section = dashboard.sections[0]
        page.goto(f"{superset.url}/superset/dashboard/{name}/")
        page.wait_for_function(READY, arg=len(charts_of(section)))
        for chart in charts_of(section):
            if chart.viz != "pop_kpi":
                continue
            tile = page.locator(f".dashboard-chart-id-{superset.id_of('chart', chart.id)} .slice_container")
            shown = tile.inner_text().split()[0].rstrip("↑↓")  # beside which the change stands
            asked = value_of(superset, chart)
            written = WRITTEN[chart.dataset.measure(chart.measures[0]).format].format(asked)
            compared += 1
            if shown != written:
                different[chart.title] = (shown, written)
            # What is asked of Superset has all digits, not only those that are shown.
            (row,) = superset.data(
                superset.id_of("dataset", chart.dataset.id),
                metrics=list(chart.measures),
                filters=[*chart.queries[0]["filters"], {"col": "project_id", "op": "==", "val": "demo"}],
            )
            told = row[chart.measures[0]]
            if float(told) != pytest.approx(asked, rel=1e-12):
                different[f"{chart.title}, all digits"] = (told, asked)
    assert different == {}
    assert compared >= 14


@pytest.mark.parametrize("project", ["demo", "demo_mobile"])
def test_inside_of_another_page_a_guest_sees_the_rows_of_one_project(
    page: Page, bundle: Bundle, superset: RunningSuperset, project: str
) -> None:
    """All tabs of all dashboards: what a chart's page asks for must be what is declared, else guests are refused it."""
    browser = page.context.browser
    assert browser is not None
    for dashboard in bundle.dashboards if project == "demo_mobile" else bundle.dashboards[:1]:
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
            for section in dashboard.sections:
                if section.title:
                    frame.locator(".ant-tabs-tab").filter(has_text=section.title).click()
                expect(frame.locator(".slice_container:visible")).to_have_count(len(charts_of(section)))
                expect(frame.locator("[data-test='loading-indicator']:visible, .loading:visible")).to_have_count(0)
                assert frame.locator("[role=alert]:visible").all_inner_texts() == []
            if dashboard.name == "executive":
                frame.locator(".ant-tabs-tab").first.click()
                chart = next(one for one in charts_of(dashboard.sections[0]) if one.measures[0] == "orders")
                tile = frame.locator(f".dashboard-chart-id-{superset.id_of('chart', chart.id)} .slice_container")
                told = tile.inner_text().split()[0].rstrip("↑↓")
                assert told == f"{value_of(superset, chart, project):,.0f}"


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
