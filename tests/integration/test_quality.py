"""Each dimension of the score reacts to its own defect and to nothing else; what is shown is what was planted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.in_process import json_here, run_here
from tests.support import Instance
from warehouse.observability.looks import observe
from warehouse.observability.records import CheckResult, ModelRun, RunRecord

DIMENSIONS = ("completeness", "validity", "uniqueness", "timeliness", "consistency")
ORDERS = "marts.fct_orders"
SLA = {"freshness": {"warn_after": {"count": 1, "period": "day"}}}


def model(name: str, **config: Any) -> dict[str, Any]:
    return {
        **{
            "resource_type": "model",
            "unique_id": f"model.millrace.{name}",
            "schema": "marts",
            "alias": name,
            "name": name,
        },
        "config": {"materialized": "table", "meta": {}, **config},
    }


MANIFEST = {
    "sources": {
        "source.millrace.raw.events": {
            **{"unique_id": "source.millrace.raw.events", "schema": "raw", "identifier": "events", "name": "events"},
            "freshness": SLA["freshness"],
        }
    },
    "nodes": {
        "model.millrace.fct_orders": model("fct_orders", meta=SLA),
        "model.millrace.dim_dates": model("dim_dates"),
        "test.millrace.unique_orders.0123456789": {
            **{"resource_type": "test", "unique_id": "test.millrace.unique_orders.0123456789"},
            **{"attached_node": "model.millrace.fct_orders", "depends_on": {"nodes": []}, "name": "unique_orders"},
        },
    },
    "parent_map": {},
    "child_map": {},
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("quality") / "millrace") as own:
        own.up()
        target = own.data_dir / "dbt" / "target"
        target.mkdir(parents=True, exist_ok=True)
        (target / "manifest.json").write_text(json.dumps(MANIFEST))
        client = own.client()
        client.command(
            "CREATE TABLE marts.agg_daily_data_quality (project_id String, local_date Date, verdict String, "
            "lines UInt64, repeated UInt64) ENGINE = MergeTree ORDER BY project_id"
        )
        client.command(
            "CREATE TABLE marts.fct_orders (project_id String, local_date Date, amount Int64) ENGINE = MergeTree "
            "ORDER BY project_id AS SELECT 'demo', toDate('2026-03-01') + number % 3, number FROM numbers(200)"
        )
        yield own


@pytest.fixture(autouse=True)
def all_is_well(warehouse: Instance) -> None:
    """Every dimension of both tables is measured, and nothing is wrong."""
    warehouse.client().command("TRUNCATE TABLE ops.check_results")
    received(warehouse, ("demo", "2026-03-01", "accepted", 1000, 0))
    loaded(warehouse, minutes_ago=5)
    checked(warehouse, *(check(dimension) for dimension in DIMENSIONS))


def check(dimension: str, asset: str = ORDERS, **changes: Any) -> CheckResult:
    fields = {"status": "pass", "severity": "error", "kind": "dbt", "check_name": f"{dimension} of orders", **changes}
    return CheckResult(asset=asset, dimension=dimension, **fields)


def checked(warehouse: Instance, *checks: CheckResult, built_at: datetime | None = None) -> None:
    built = ModelRun(ORDERS, "success", 1.0, 200, finished_at=built_at or datetime.now(UTC))
    warehouse.client().command("TRUNCATE TABLE ops.model_runs")
    RunRecord("build").write(warehouse.settings, "success", models=[built], checks=checks)


def received(warehouse: Instance, *rows: tuple[Any, ...]) -> None:
    warehouse.client().command("TRUNCATE TABLE marts.agg_daily_data_quality")
    values = ", ".join(
        f"('{p}', '{day}', '{verdict}', {lines}, {repeated})" for p, day, verdict, lines, repeated in rows
    )
    warehouse.client().command(f"INSERT INTO marts.agg_daily_data_quality VALUES {values}")


def loaded(warehouse: Instance, minutes_ago: int) -> None:
    warehouse.client().command("TRUNCATE TABLE raw.load_counts")
    warehouse.client().command(
        "INSERT INTO raw.load_counts (file_id, piece, project_id, reason, lines, loaded_at) VALUES "
        f"('f', 0, 'demo', '', 1000, now64(3) - INTERVAL {minutes_ago} MINUTE)"
    )


def scored(warehouse: Instance, asset: str) -> dict[str, Any]:
    (one,) = json_here(warehouse, "quality", "--asset", asset)["assets"]
    assert isinstance(one, dict)
    return one


def test_nothing_is_wrong_and_nothing_costs(warehouse: Instance) -> None:
    card = json_here(warehouse, "quality")
    assert card["score"] == 100
    assert card["next_step"] == "Nothing: no table lost a point."
    assert {(one["asset"], one["project"], one["score"]) for one in card["assets"]} == {
        (ORDERS, "", 100),
        ("raw.events", "demo", 100),
    }
    assert card["projects"] == [
        {"project": "demo", "score": 100, "dimensions": dict.fromkeys(DIMENSIONS, 100)},
    ]


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize(
    ("changes", "left", "points"),
    [
        # 50 of 200 rows of an error: 0.5 + 0.5 * 0.25; of the whole score a fifth of it.
        ({"failures": 50, "checked": 200}, 37.5, 12.5),
        # Of a warning 0.1 + 0.9 * 0.25.
        ({"failures": 50, "checked": 200, "severity": "warn"}, 67.5, 6.5),
        # What could not be checked says nothing of rows.
        ({"status": "error"}, 50.0, 10.0),
    ],
    ids=["error", "warning", "not checked"],
)
def test_a_failed_check_costs_its_dimension_and_no_other(
    warehouse: Instance, dimension: str, changes: dict[str, Any], left: float, points: float
) -> None:
    checked(warehouse, check(dimension, **{"status": "fail", "message": "what is wrong", **changes}))
    found = scored(warehouse, ORDERS)
    assert found["dimensions"] == {**dict.fromkeys(DIMENSIONS, 100), dimension: left}
    assert found["score"] == 100 - points
    assert found["costs"] == [
        {"check": f"{dimension} of orders", "dimension": dimension, "points": points, "message": "what is wrong"}
    ]
    assert scored(warehouse, "raw.events")["score"] == 100
    checked(warehouse, check(dimension))
    assert scored(warehouse, ORDERS)["score"] == 100


def test_the_next_step_leads_on(warehouse: Instance) -> None:
    """From all tables to the one that lost most, and from there to what says why."""
    checked(warehouse, check("validity", status="fail", failures=50, checked=200))
    assert json_here(warehouse, "quality")["next_step"] == f"millrace quality --asset {ORDERS}"
    step = json_here(warehouse, "quality", "--asset", ORDERS)["next_step"]
    assert run_here(warehouse, *step.split()[1:]).returncode == 0
    assert step.startswith("millrace incidents show ")
    checked(warehouse, check("validity", status="fail", failures=50, checked=200, severity="warn"))
    assert json_here(warehouse, "quality", "--asset", ORDERS)["next_step"] == "millrace expectations docs"
    checked(warehouse, check("validity"))


def test_a_skipped_check_changes_nothing_and_a_forgotten_one_is_forgotten(warehouse: Instance) -> None:
    checked(warehouse, check("validity", status="fail", failures=200, checked=200))
    checked(warehouse, check("validity", status="skipped"))
    assert scored(warehouse, ORDERS)["dimensions"]["validity"] == 0
    checked(warehouse, check("validity"))
    old = datetime.now(UTC) - timedelta(days=8)
    checked(warehouse, check("validity", check_name="of last week", status="fail", checked_at=old))
    assert scored(warehouse, ORDERS)["score"] == 100


def test_what_is_declared_no_more_costs_nothing(warehouse: Instance) -> None:
    of_others = check("validity", project_id="taken_out", status="fail")
    once = check("validity", check_name="once", kind="expectation", status="fail", checked=200, failures=20)
    checked(warehouse, of_others, once)
    assert scored(warehouse, ORDERS)["dimensions"]["validity"] < 100
    assert [one["project"] for one in json_here(warehouse, "quality")["projects"]] == ["demo"]
    RunRecord("expectations").write(warehouse.settings, "success", declared={"expectation": set()})
    assert scored(warehouse, ORDERS)["score"] == 100
    checked(warehouse, replace(once, checked_at=datetime.now(UTC)))  # declared again
    assert scored(warehouse, ORDERS)["score"] < 100
    RunRecord("expectations").write(warehouse.settings, "success", declared={"expectation": set()})


def test_where_a_check_says_no_rows_those_of_the_table_count(warehouse: Instance) -> None:
    observe(warehouse.settings)  # so the 200 rows of the table are known
    checked(warehouse, check("uniqueness", status="fail", failures=20))
    assert scored(warehouse, ORDERS)["dimensions"]["uniqueness"] == 45  # 100 * (1 - 0.5 - 0.5 * 0.1)


def test_rejected_lines_cost_validity_of_events(warehouse: Instance) -> None:
    received(
        warehouse,
        ("demo", "2026-02-01", "bad_timestamp", 9000, 0),  # longer ago than the last seven days of receipt
        ("demo", "2026-03-01", "accepted", 900, 0),
        ("demo", "2026-02-25", "bad_timestamp", 100, 0),
    )
    found = scored(warehouse, "raw.events")
    assert found["dimensions"] == {"validity": 90, "uniqueness": 100, "timeliness": 100}
    (cost,) = found["costs"]
    assert cost == {
        **{"check": "rejected lines", "dimension": "validity", "points": 3.33},
        "message": "100 of 1,000 lines were rejected",
    }
    assert scored(warehouse, ORDERS)["score"] == 100
    assert json_here(warehouse, "quality")["next_step"] == "millrace events rejected list --project demo"


def test_repeated_events_cost_uniqueness_of_events(warehouse: Instance) -> None:
    received(warehouse, ("demo", "2026-03-01", "accepted", 1000, 200))
    found = scored(warehouse, "raw.events")
    assert found["dimensions"] == {"validity": 100, "uniqueness": 80, "timeliness": 100}
    assert [cost["check"] for cost in found["costs"]] == ["repeated events"]


def test_age_beyond_the_sla_costs_timeliness(warehouse: Instance) -> None:
    loaded(warehouse, minutes_ago=36 * 60)
    found = scored(warehouse, "raw.events")
    assert found["dimensions"] == pytest.approx({"validity": 100, "uniqueness": 100, "timeliness": 50}, abs=0.1)
    assert scored(warehouse, ORDERS)["score"] == 100
    loaded(warehouse, minutes_ago=23 * 60)
    assert scored(warehouse, "raw.events")["score"] == 100
    checked(warehouse, built_at=datetime.now(UTC) - timedelta(days=3))
    found = scored(warehouse, ORDERS)
    assert found["dimensions"] == {**dict.fromkeys(DIMENSIONS, 100), "timeliness": 0}
    assert json_here(warehouse, "quality")["next_step"] == "millrace build"


def test_the_history_keeps_the_last_score_of_each_day(warehouse: Instance) -> None:
    client = warehouse.client()
    client.command("TRUNCATE TABLE ops.quality_scores")
    client.command(
        "INSERT INTO ops.quality_scores (day, asset, project_id, score, validity) VALUES "
        "(today() - 1, '', 'demo', 70, 60), (today() - 40, '', 'demo', 10, 10), (today() - 1, '', 'other', 1, 1)"
    )
    checked(warehouse, check("validity", status="fail", failures=200, checked=200))
    json_here(warehouse, "quality")
    checked(warehouse, check("validity"))
    card = json_here(warehouse, "quality", "--project", "demo", "--history")
    assert [(one["score"], one["dimensions"].get("validity")) for one in card["history"]] == [(70, 60), (100, 100)]
    assert len(json_here(warehouse, "quality", "--project", "demo", "--history", "--days", "60")["history"]) == 3
    table = run_here(warehouse, "quality", "--project", "demo", "--history").stdout
    assert re.search(r"70\.0 +– +60\.0", table)


def test_the_table_fits_a_terminal_and_says_what_is_worst_and_what_next(warehouse: Instance) -> None:
    long = check(
        "consistency",
        status="fail",
        failures=9,
        check_name="a_check_whose_name_is_longer_than_usual",
        message="x " * 90,
    )
    checked(warehouse, long, check("uniqueness", status="fail", check_name="unique_orders", failures=200, checked=200))
    shown = run_here(warehouse, "quality")
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("Quality of all tables on ")
    costs = lines[lines.index("What cost most points:") :]
    assert "-20.0" in costs[4]
    assert lines[-1] == "Next: millrace dbt show --select unique_orders"


def test_the_page_needs_nothing_else_and_escapes_what_it_shows(warehouse: Instance, tmp_path: Path) -> None:
    checked(warehouse, check("validity", status="fail", message="<script>alert(1)</script> & more"))
    file = tmp_path / "quality.html"
    done = run_here(warehouse, "quality", "--format", "html", "--output", str(file))
    assert done.returncode == 0, done.stderr
    page = file.read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert not re.search(r"https?://|<link|<img|@import", page)
    assert page.count("<code>marts.fct_orders</code>") == 2  # what it lost, and the table


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--project", "dem"), "There is no project 'dem'; did you mean 'demo'?"),
        (("--asset", "fct_ordres"), "Nothing measures a table 'fct_ordres'"),
        (("--output", "x.html"), "A table is not written into a file."),
    ],
)
def test_what_is_unknown_is_wrong_usage(warehouse: Instance, arguments: tuple[str, ...], said: str) -> None:
    done = run_here(warehouse, "quality", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""


def test_status_tells_age_against_sla_the_latest_first(warehouse: Instance) -> None:
    loaded(warehouse, minutes_ago=25 * 60)
    checked(warehouse, built_at=datetime.now(UTC) - timedelta(days=3))
    warehouse.client().command(
        "INSERT INTO ops.model_runs (asset, finished_at, status) VALUES "
        "('marts.dim_dates', now64(3) - INTERVAL 9 DAY, 'success')"
    )
    assets = json_here(warehouse, "status")["assets"]
    assert [(one["asset"], one["project"], one["late"], one["sla_seconds"]) for one in assets] == [
        (ORDERS, "", True, 86_400),
        ("raw.events", "demo", True, 86_400),
        ("marts.dim_dates", "", False, None),
    ]
    assert [set(one) for one in assets] == [
        {"asset", "project", "updated_at", "age_seconds", "sla_seconds", "late"}
    ] * 3
    assert 3 * 86_400 <= assets[0]["age_seconds"] < 4 * 86_400
    shown = run_here(warehouse, "status").stdout
    assert "Older than their SLA allows: 2 of 2 assets." in shown
    assert re.search(r"marts\.fct_orders +3 d +24 h", shown)
    loaded(warehouse, minutes_ago=5)
    checked(warehouse)
    assert "All 2 assets are as fresh as their SLA asks for." in run_here(warehouse, "status").stdout
