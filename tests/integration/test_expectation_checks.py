"""In a real run of Dagster a blocking expectation that fails stops what is downstream; one that warns does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from expectations.suites import read_suites
from orchestration.assets import expectations as assets
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


def result_of(own: Instance, folder: Path, monkeypatch: pytest.MonkeyPatch, severity: str) -> Any:
    expected = {
        "is_positive": {"kind": "between", "column": "n", "min": 0, "severity": severity, "why": "x"},
        "is_small": {"kind": "between", "column": "n", "max": 10, "why": "x"},
    }
    suite = {"table": "marts.carts", "owner": "x", "description": "x", "expectations": expected}
    (folder / "carts.yaml").write_text(yaml.safe_dump(suite))
    monkeypatch.setattr(assets, "read_suites", lambda: read_suites(folder))

    @dg.asset(key=["marts", "carts"])
    def carts() -> None: ...

    @dg.asset(key=["semantic", "catalogue"], deps=[["marts", "carts"]])
    def catalogue() -> None: ...

    with own.active():
        return dg.materialize([carts, catalogue, assets.expectation_checks()], raise_on_error=False)


def made(result: Any) -> set[str]:
    return {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}


def test_what_blocks_stops_what_is_downstream(own: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = result_of(own, tmp_path, monkeypatch, "error")
    assert not result.success
    assert made(result) == {"marts/carts"}
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert {name: check.passed for name, check in checks.items()} == {"is_positive": False, "is_small": True}
    failed = checks["is_positive"]
    assert failed.severity == dg.AssetCheckSeverity.ERROR
    assert "marts.carts of demo, is_positive: 2 rows of 10 (20.00%)" in failed.description
    assert failed.description.endswith("Kept back: semantic/catalogue.")
    assert failed.metadata["projects"].value == {"demo": "fail: 2 of 10 rows", "demo_mobile": "pass: 0 of 10 rows"}
    assert Path(failed.metadata["Data Docs"].value).is_file()
    (run,) = own.rows("SELECT started_by, status, dagster_run_id FROM ops.runs WHERE kind = 'expectations'")
    assert run == ("dagster", "failed", result.run_id)


def test_what_warns_is_told_and_stops_nothing(own: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = result_of(own, tmp_path, monkeypatch, "warn")
    assert result.success
    assert made(result) == {"marts/carts", "semantic/catalogue"}
    (failed,) = (check for check in result.get_asset_check_evaluations() if not check.passed)
    assert (failed.check_name, failed.severity) == ("is_positive", dg.AssetCheckSeverity.WARN)
    assert "Kept back" not in failed.description
