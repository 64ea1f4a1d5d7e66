"""Which chart an answer gets, and that each can be drawn."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import vl_convert

from semantic_layer.ask.charts import OTHERS, Chart, ChartType, choose, choose_for_journey, drawn
from semantic_layer.ask.drawing.scales import COLOURS
from semantic_layer.ask.drawing.vega import specification
from semantic_layer.ask.journey_tables import journey_table
from semantic_layer.ask.table import Role, Table
from semantic_layer.journeys.models import Funnel, Lifecycle, Paths, Retention, Step, Stickiness
from semantic_layer.metrics.models import Grain
from tests.unit.ask.test_journey_readings import EDGES, steps
from tests.unit.ask.test_readings import BOUNCE, COUNTRY, ORDERS, REVENUE, SHARE, before, table, time

MONTH = time(Grain.MONTH)
PLAN = replace(COUNTRY, name="user__plan", label="Plan")
MONTHS = [date(2026, month, 1) for month in (1, 2, 3)]
COSTS = replace(REVENUE, name="costs", label="Costs", metric="costs")
ANY = Step(event="*")

CASES: dict[str, tuple[ChartType, Table]] = {
    "shares of a whole over time": (
        ChartType.STACKED,
        table((MONTH, COUNTRY, ORDERS, SHARE), *((m, c, 5, s) for m in MONTHS for c, s in (("DE", 0.7), ("FR", 0.3)))),
    ),
    "one share over time": (
        ChartType.LINES,
        table((MONTH, COUNTRY, ORDERS, SHARE), *((m, "DE", 5, 0.7) for m in MONTHS)),
    ),
    "one value": (ChartType.BIG_NUMBER, table((REVENUE, before(REVENUE)), (12340, 11405))),
    "several values": (ChartType.BIG_NUMBER, table((REVENUE, ORDERS), (12340, 100))),
    "one metric over time": (ChartType.LINE, table((MONTH, REVENUE), *((m, 5) for m in MONTHS))),
    "one period only": (ChartType.BIG_NUMBER, table((MONTH, REVENUE), (MONTHS[0], 5))),
    "one unit over time": (ChartType.LINES, table((MONTH, REVENUE, COSTS), *((m, 5, 3) for m in MONTHS))),
    "beside the time before": (
        ChartType.LINES,
        table((MONTH, REVENUE, before(REVENUE)), *((m, 5, 4) for m in MONTHS)),
    ),
    "by country, beside the time before": (
        ChartType.GROUPED,
        table((COUNTRY, REVENUE, before(REVENUE)), ("Germany", 5, 4), ("France", None, 3)),
    ),
    "two units over time": (ChartType.PANELS, table((MONTH, REVENUE, BOUNCE), *((m, 5, 0.3) for m in MONTHS))),
    "parts of a whole over time": (
        ChartType.STACKED,
        table((MONTH, COUNTRY, ORDERS), *((m, c, 5) for m in MONTHS for c in ("Germany", None))),
    ),
    "rates over time": (
        ChartType.LINES,
        table((MONTH, COUNTRY, BOUNCE), *((m, c, 0.5) for m in MONTHS for c in ("Germany", "France"))),
    ),
    "losses over time are no stack": (
        ChartType.LINES,
        table((MONTH, COUNTRY, REVENUE), *((m, c, -5) for m in MONTHS for c in ("Germany", "France"))),
    ),
    "more lines than colours": (
        ChartType.LINES,
        table((MONTH, COUNTRY, BOUNCE), *((m, str(c), 0.5) for m in MONTHS for c in range(9))),
    ),
    "a breakdown": (ChartType.BAR, table((COUNTRY, REVENUE), ("Germany", 5000), ("France", 2500), (None, 1))),
    "a long breakdown": (ChartType.TABLE, table((COUNTRY, REVENUE), *((str(c), c) for c in range(41)))),
    "a breakdown of one unit": (ChartType.GROUPED, table((COUNTRY, REVENUE, COSTS), ("Germany", 5, 3))),
    "a breakdown of two units": (ChartType.TABLE, table((COUNTRY, REVENUE, BOUNCE), ("Germany", 5, 0.3))),
    "two dimensions": (
        ChartType.HEAT_MAP,
        table((COUNTRY, PLAN, REVENUE), ("Germany", "pro", 5), ("France", "pro", 1)),
    ),
    "three dimensions": (
        ChartType.TABLE,
        table((COUNTRY, PLAN, replace(PLAN, name="c"), REVENUE), ("Germany", "pro", "x", 5)),
    ),
    "nothing": (ChartType.TABLE, table((COUNTRY, REVENUE))),
}


@pytest.mark.parametrize("case", CASES)
def test_the_chart_fits_the_answer(case: str) -> None:
    expected, answer = CASES[case]
    chart = choose(answer)
    assert chart.type is expected
    assert chart.reason.endswith((".", "5.", "10."))


FUNNEL = Funnel(project="demo", steps=tuple(Step(event=event) for event in ("visited", "signed_up", "paid")))
COHORTS = [{"period": f"2026-03-{day:02}", "size": 10, "returned": [5] * (3 - k)} for k, day in enumerate((2, 9, 16))]
LIFE = [{"period": f"2026-03-{d:02}", "new": 1, "returning": 2, "resurrecting": 3, "dormant": -4} for d in (2, 9)]
JOURNEYS: dict[str, tuple[ChartType, Any, dict[str, Any]]] = {
    "funnel": (ChartType.FUNNEL, FUNNEL, {"steps": steps(100, 50, 20), "breakdown": []}),
    "funnel by": (
        ChartType.FUNNEL,
        FUNNEL.model_copy(update={"by": "country"}),
        {"steps": steps(9, 5, 2), "breakdown": [{"value": v, "steps": steps(9, 5, 2)} for v in ("DE", "")]},
    ),
    "retention": (ChartType.HEAT_MAP, Retention(project="demo", start=ANY, returning=ANY), {"cohorts": COHORTS}),
    "lifecycle": (ChartType.STACKED, Lifecycle(project="demo", event=ANY), {"periods": LIFE}),
    "stickiness": (ChartType.BAR, Stickiness(project="demo", event=ANY), {"days": [{"days": 1, "users": 5}]}),
    "paths": (
        ChartType.PATHS,
        Paths(project="demo", event=Step(event="pricing")),
        {"sessions": 100, "edges": EDGES},
    ),
}


@pytest.mark.parametrize("case", JOURNEYS)
def test_the_chart_of_a_journey(case: str) -> None:
    expected, journey, answer = JOURNEYS[case]
    chart = choose_for_journey(journey, journey_table(journey, answer, date(2026, 3, 31)))
    assert chart.type is expected
    assert choose_for_journey(journey, Table((), ())).type is ChartType.TABLE


@pytest.mark.parametrize("case", [*(case for case in CASES if CASES[case][1].rows), *JOURNEYS])
def test_each_chart_is_drawn(case: str) -> None:
    if case in CASES:
        answer = CASES[case][1]
        chart = choose(answer)
    else:
        _, journey, document = JOURNEYS[case]
        answer = journey_table(journey, document, date(2026, 3, 31))
        chart = choose_for_journey(journey, answer)
    spec = specification(answer, chart, "A title", "below")
    svg = vl_convert.vegalite_to_svg(json.dumps(spec))
    assert ">A title</text>" in svg
    assert vl_convert.vegalite_to_png(json.dumps(spec)).startswith(b"\x89PNG")


def test_of_too_many_series_the_largest_are_drawn_and_the_others_of_a_whole_are_one() -> None:
    rows = [(month, f"c{size}", size) for month in MONTHS for size in range(1, 10)]
    rates = table((MONTH, COUNTRY, BOUNCE), *((m, c, s / 10) for m, c, s in rows))
    lines = drawn(rates, choose(rates))
    assert {row[1] for row in lines.rows} == {f"c{size}" for size in range(2, 10)}
    parts = table((MONTH, COUNTRY, ORDERS), *rows)
    stack = drawn(parts, choose(parts))
    assert choose(parts).type is ChartType.STACKED
    assert {(row[1], row[2]) for row in stack.rows} == {
        ("c9", 9),
        ("c8", 8),
        ("c7", 7),
        ("c6", 6),
        ("c5", 5),
        (OTHERS, 10),
    }
    assert len(stack.rows) == 3 * 6


def test_axes_have_units_and_formats() -> None:
    svg = _svg(CASES["one metric over time"][1])
    assert "Revenue (EUR)" in svg
    assert all(f">{month} 2026</text>" in svg for month in ("Jan", "Feb", "Mar"))
    assert ">50%</text>" in _svg(CASES["rates over time"][1])


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles"])
def test_a_day_is_the_same_day_wherever_it_is_drawn(zone: str) -> None:
    answer = table((time(Grain.DAY), ORDERS), *((date(2026, 3, day), day) for day in (28, 29, 30)))
    done = subprocess.run(
        [sys.executable, "-c", "import sys, vl_convert; print(vl_convert.vegalite_to_svg(sys.stdin.read()))"],
        input=json.dumps(specification(answer, choose(answer), "t")),
        env={"TZ": zone},
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(f">{day} Mar</text>" in done.stdout for day in (28, 29, 30))


def test_incomplete_periods_are_drawn_otherwise() -> None:
    answer = replace(CASES["parts of a whole over time"][1], last_day=date(2026, 3, 12))
    spec = specification(answer, choose(answer), "t")
    whole = {point["time"][:10]: point["whole"] for point in spec["data"]["values"]}
    assert whole == {"2026-01-01": True, "2026-02-01": True, "2026-03-01": False}
    assert "not complete" in spec["title"]["subtitle"]


def test_colours_can_be_told_apart_by_people_who_do_not_see_all() -> None:
    """By how bright they are, too: the relative luminance of WCAG of those that stand beside each other differs."""
    bright = [_luminance(colour) for colour in COLOURS[:3]]
    assert min(abs(a - b) for k, a in enumerate(bright) for b in bright[k + 1 :]) > 0.08


def test_those_who_went_are_below_the_line() -> None:
    _, journey, document = JOURNEYS["lifecycle"]
    answer = journey_table(journey, document, date(2026, 3, 31))
    spec = specification(answer, choose_for_journey(journey, answer), "t")
    assert {point["value"] for point in spec["data"]["values"] if point["series"] == "Dormant"} == {-4}


def test_paths_are_of_all_sessions_and_not_of_the_most_frequent_ones_alone() -> None:
    _, journey, document = JOURNEYS["paths"]
    edges = [{**edge, "share": edge["sessions"] / 250} for edge in document["edges"]]
    answer = journey_table(journey, {"sessions": 250, "edges": edges}, date(2026, 3, 31))
    spec = specification(answer, choose_for_journey(journey, answer), "t")
    texts = {label["text"] for layer in spec["layer"] for label in layer["data"]["values"] if "text" in label}
    assert {"pricing  250", "(others)  150", "signed_up  45"} <= texts


def test_the_week_in_which_the_data_begin_is_no_whole_one() -> None:
    _, journey, document = JOURNEYS["lifecycle"]
    (first, *_) = [date.fromisoformat(row["period"]) for row in document["periods"]]
    for begin, whole in ((first, True), (first + timedelta(days=4), False)):
        answer = journey_table(journey, document, date(2026, 3, 31), begin)
        points = specification(answer, choose_for_journey(journey, answer), "t")["data"]["values"]
        assert {point["whole"] for point in points if point["time"][:10] == str(first)} == {whole}


def _svg(answer: Table) -> str:
    return str(vl_convert.vegalite_to_svg(json.dumps(specification(answer, choose(answer), "t"))))


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_table_of_what_cannot_be_drawn_is_a_chart_too() -> None:
    answer = CASES["three dimensions"][1]
    chart = Chart(ChartType.TABLE, "…")
    cells = specification(answer, chart, "t")["data"]["values"]
    assert [cell["text"] for cell in cells] == ["Germany", "pro", "x", "5 EUR"]
    assert answer.of(Role.TIME) == []


def test_of_shares_the_shares_are_drawn() -> None:
    answer = CASES["one share over time"][1]
    shown = drawn(answer, choose(answer))
    (metric,) = shown.of(Role.METRIC)
    assert (metric.label, metric.format, set(shown.values(metric))) == ("Share of orders", "percent", {0.7})
