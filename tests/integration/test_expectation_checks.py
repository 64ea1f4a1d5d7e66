"""Expectations of tables that no model makes, in a real run of Dagster: told, and written down. Those of models are in
test_incidents.py and test_dagster.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from expectations.suites import read_suites
from orchestration.assets.expectations import checks_of_other_tables
from orchestration.infrastructure import RESOURCES
from tests.support import Instance


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("checks") / "millrace") as instance:
        instance.up()
        instance.client().command("CREATE DATABASE IF NOT EXISTS marts")
        instance.client().command(
            "CREATE TABLE marts.carts ORDER BY n AS "
            "SELECT 'demo' AS project_id, toInt32(number) - 2 AS n FROM numbers(10) "
            "UNION ALL SELECT 'demo_mobile', toInt32(number) FROM numbers(10)"
        )
        yield instance


def test_what_is_found_is_told_and_written_down(own: Instance, tmp_path: Path) -> None:
    expected = {
        "is_positive": {"kind": "between", "column": "n", "min": 0, "why": "x"},
        "is_above_one": {"kind": "between", "column": "n", "min": 1, "severity": "warn", "why": "x"},
        "is_small": {"kind": "between", "column": "n", "max": 10, "why": "x"},
    }
    suite = {"table": "marts.carts", "owner": "x", "description": "x", "expectations": expected}
    (tmp_path / "carts.yaml").write_text(yaml.safe_dump(suite))

    @dg.asset(key=["marts", "carts"])
    def carts() -> None: ...

    @dg.asset(key=["semantic", "catalogue"], deps=[["marts", "carts"]])
    def catalogue() -> None: ...

    with own.active():
        steps = checks_of_other_tables(read_suites(tmp_path).values())
        result = dg.materialize([carts, catalogue, *steps], resources=RESOURCES, raise_on_error=False)
    assert {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()} == {
        "marts/carts",
        "semantic/catalogue",
    }
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert {name: (check.passed, check.severity) for name, check in checks.items()} == {
        "is_positive": (False, dg.AssetCheckSeverity.ERROR),
        "is_above_one": (False, dg.AssetCheckSeverity.WARN),
        "is_small": (True, dg.AssetCheckSeverity.ERROR),
    }
    failed = checks["is_positive"]
    assert "marts.carts of demo, is_positive: 2 rows of 10 (20.00%)" in failed.description
    assert "Kept back" not in failed.description
    assert failed.metadata["projects"].value == {"demo": "fail: 2 of 10 rows", "demo_mobile": "pass: 0 of 10 rows"}
    assert Path(failed.metadata["Data Docs"].value).is_file()
    (run,) = own.rows("SELECT started_by, status, dagster_run_id FROM ops.runs WHERE kind = 'expectations'")
    assert run == ("dagster", "failed", result.run_id)


def test_without_such_tables_there_is_no_step() -> None:
    assert checks_of_other_tables([]) == []
