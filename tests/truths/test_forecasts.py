"""Forecasts of the world as somebody in the middle of it would have made them, beside what came then."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from ml.serving.app import application
from ml.serving.keys import Keys
from tests.truths.conftest import LoadedWorld

UNTIL = date(2026, 5, 16)  # 45 days before the end of the world
AHEAD = 45
LATER = "2026-06-30"


@pytest.fixture(scope="module")
def forecasts(built: LoadedWorld) -> Iterator[dict[str, Any]]:
    """One run of everything, with a warehouse that has grown by a thousand rows a day for two months."""
    client = built.instance.client()
    grown = [
        (datetime(2026, 3, 16, 3, tzinfo=UTC) + timedelta(days=day), "marts.fct_grown", 5000 + 1000 * day, 40_000, 1, 1)
        for day in range(62)
        if day != 20
    ]
    columns = ("observed_at", "asset", "table_rows", "table_bytes", "uncompressed_bytes", "parts")
    client.insert("ops.table_storage", grown, column_names=columns)
    yield built.instance.json("forecast", "run", "--until", str(UNTIL))
    client.command("DELETE FROM ops.table_storage WHERE asset = 'marts.fct_grown'")


def test_every_declared_metric_of_every_project_is_forecast(built: LoadedWorld, forecasts: dict[str, Any]) -> None:
    declared = {
        node["name"] for node in built.manifest["metrics"].values() if "forecast" in node["config"].get("meta", {})
    }
    assert len(declared) >= 6
    made = {(one["series"], one["project_id"]) for one in forecasts["forecasts"]}
    for project in ("demo", "demo_mobile"):
        assert {name for name in declared if (f"metric:{name}", project) in made} == declared
    days = built.instance.rows(
        "SELECT series, project_id, count(), min(local_date), max(days_ahead), uniqExact(local_date), any(made_on) "
        "FROM marts.pred_forecast GROUP BY ALL"
    )
    assert {(series, project) for series, project, *_ in days} == made
    for _, _, count, first, furthest, different, made_on in days:
        assert count == different == furthest
        assert (made_on, first) == (UNTIL, UNTIL + timedelta(days=1))


def test_bands_of_80_percent_hold_between_72_and_88_of_100_days(built: LoadedWorld, forecasts: dict[str, Any]) -> None:
    held = days = wide = 0
    for project in ("demo", "demo_mobile"):
        names = sorted(
            one["series"].removeprefix("metric:") for one in forecasts["forecasts"] if one["project_id"] == project
        )
        answer = built.instance.json(
            *("metrics", "query", "--project", project, "--by", "day"),
            *(word for name in names for word in ("--metric", name)),
            *("--from", str(UNTIL + timedelta(days=1)), "--to", LATER),
        )
        places = {column["name"]: place for place, column in enumerate(answer["columns"])}
        real = {(row[0], name): row[places[name]] or 0.0 for row in answer["rows"] for name in names}
        for day, name, lower, upper, low, high in built.instance.rows(
            "SELECT toString(local_date), name, lower_80, upper_80, lower_95, upper_95 FROM marts.pred_forecast "
            f"WHERE kind = 'metric' AND project_id = '{project}' AND days_ahead <= {AHEAD}"
        ):
            came = real.get((day, name), 0.0)  # of what adds up: no row is none
            held += lower <= came <= upper
            wide += low <= came <= high
            days += 1
    assert days >= 6 * 2 * AHEAD
    assert 0.72 <= held / days <= 0.88
    assert wide / days >= 0.88


def test_the_methods_are_beside_each_other_and_the_nearest_is_chosen(
    built: LoadedWorld, forecasts: dict[str, Any]
) -> None:
    rows = built.instance.rows(
        "SELECT series, project_id, argMin(method, mase), anyIf(method, is_chosen), count(), sum(is_chosen) "
        "FROM ml.forecast_backtests FINAL WHERE series LIKE 'metric:%' GROUP BY ALL"
    )
    assert rows
    assert all(best == chosen and methods == 6 and of_them == 1 for _, _, best, chosen, methods, of_them in rows)
    assert len({chosen for _, _, _, chosen, _, _ in rows}) > 1  # none wins because of its name


def test_the_size_of_the_warehouse_goes_on_as_it_has_grown(built: LoadedWorld, forecasts: dict[str, Any]) -> None:
    shown = built.instance.json("forecast", "show", "rows:marts", "--horizon", "30", "--format", "json")
    assert shown["project_id"] == ""
    last = shown["days"][-1]
    assert last["days_ahead"] == 30
    # The last look was on 16 May, with 66,000 rows.
    assert last["expected"] == pytest.approx(96_000, rel=0.05)
    assert last["lower_95"] <= last["expected"] <= last["upper_95"]
    # A layer that nobody has looked at for long enough.
    assert not [one for one in forecasts["forecasts"] if one["series"] == "rows:raw"]


def test_what_a_forecast_looks_like(built: LoadedWorld, forecasts: dict[str, Any], tmp_path: Path) -> None:
    run = built.instance.run
    listed = run("forecast", "list")
    assert listed.returncode == 0
    assert "Known until 2026-05-16" in listed.stdout
    shown = run("forecast", "show", "revenue", "--project", "demo", "--horizon", "7")
    assert shown.returncode == 0, shown.stderr
    assert "revenue of demo, known until 2026-05-16; method" in shown.stdout
    assert "(chosen)" in shown.stdout
    table = run("forecast", "show", "revenue", "--project", "demo", "--format", "csv", "--horizon", "90")
    days = list(csv.DictReader(io.StringIO(table.stdout)))
    assert [int(day["days_ahead"]) for day in days] == list(range(1, 91))
    assert all(0 <= float(day["lower_80"]) <= float(day["expected"]) <= float(day["upper_80"]) for day in days)
    chart = tmp_path / "revenue.json"
    assert run("forecast", "show", "revenue", "--project", "demo", "--chart", str(chart)).returncode == 0
    document = json.loads(chart.read_text())
    assert [layer["mark"]["type"] for layer in document["layer"]] == ["area", "area", "area", "line", "line"]
    assert len(document["data"]["values"]) == 30


def test_wrong_questions_get_a_sentence_and_the_last_forecast_stays(
    built: LoadedWorld, forecasts: dict[str, Any]
) -> None:
    run, count = built.instance.run, "SELECT count(), max(written_at) FROM ml.forecasts"
    before = built.instance.rows(count)
    for arguments, code, words in (
        (
            ("run", "--project", "demo", "--metric", "revenu"),
            2,
            "No metric 'revenu' is forecast; did you mean 'revenue'",
        ),
        (("run", "--project", "dem"), 2, "There is no project 'dem'; did you mean 'demo'?"),
        (
            ("run", "--project", "demo", "--metric", "revenue", "--until", "2026-01-20"),
            1,
            "Nothing can be forecast: metric:revenue of demo: ",
        ),
        (("show", "revenu"), 1, "There is no forecast of revenu; did you mean 'revenue' or 'events'?"),
        (("show", "revenue"), 2, "revenue is forecast of demo, demo_mobile."),
    ):
        done = run("forecast", *arguments)
        assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert built.instance.rows(count) == before


def test_the_service_tells_what_was_forecast(built: LoadedWorld, forecasts: dict[str, Any]) -> None:
    key = "d" * 32
    with TestClient(application(built.instance.settings, Keys({"demo": key}))) as client:
        answer = client.get("/forecast/revenue?days=7", headers={"X-API-Key": key})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["metric"], told["made_on"], len(told["days"])) == ("revenue", str(UNTIL), 7)
    written = built.instance.rows(
        "SELECT toString(day), expected, lower_80, upper_80 FROM ml.forecasts FINAL WHERE project_id = 'demo' "
        f"AND series = 'metric:revenue' AND made_on = '{UNTIL}' AND days_ahead <= 7 ORDER BY day"
    )
    assert [tuple(day[name] for name in ("day", "expected", "lower_80", "upper_80")) for day in told["days"]] == written


def test_what_would_have_been_forecast_earlier_does_not_take_the_place_of_what_is(
    built: LoadedWorld, forecasts: dict[str, Any]
) -> None:
    earlier = UNTIL - timedelta(days=9)
    asked = ("forecast", "run", "--project", "demo", "--metric", "revenue", "--until", str(earlier))
    assert len(built.instance.json(*asked)["forecasts"]) == 1
    show = ("forecast", "show", "revenue", "--project", "demo", "--horizon", "7")
    for more, until in (((), UNTIL), (("--until", str(UNTIL)), UNTIL), (("--until", "2026-05-10"), earlier)):
        assert f"known until {until}" in built.instance.run(*show, *more).stdout
    none = built.instance.run(*show, "--until", "2026-04-01")
    assert none.returncode == 1
    assert f"No forecast of revenue knew no day after 2026-04-01; the newest one knew {UNTIL}." in none.stderr
    known = built.instance.rows(
        "SELECT DISTINCT made_on FROM marts.pred_forecast WHERE name = 'revenue' AND project_id = 'demo'"
    )
    assert known == [(UNTIL,)]
