"""A suite is of a table that is declared, and of its columns: any other would judge nothing, without a word."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

import expectations.tables
from expectations.suites import read_suites
from expectations.tables import must_be_known
from tests.support import REPOSITORY
from warehouse.errors import MillraceError
from warehouse.manifest import ProjectUnreadable, current_manifest, read_manifest
from warehouse.settings import Settings, load_settings

FILLED = "{kind: filled, column: %s, why: x}"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return read_manifest()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """No warehouse is asked: what is declared is known before it is made."""
    monkeypatch.setenv("MILLRACE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MILLRACE_PROJECT_DIR", str(tmp_path))
    (tmp_path / "projects.yaml").write_text((REPOSITORY / "projects.yaml").read_text())
    return load_settings()


def judge(folder: Path, settings: Settings, manifest: dict[str, Any], suite: str) -> None:
    (folder / "suites").mkdir(parents=True)
    (folder / "suites" / "orders.yaml").write_text(f"owner: x\ndescription: x\n{suite}")
    must_be_known(read_suites(folder / "suites").values(), settings, manifest)


@pytest.mark.parametrize(
    ("table", "expectation", "sentence"),
    [
        (
            "marts.fct_ordres",
            FILLED % "amount",
            "orders.yaml:3: table: there is no table 'marts.fct_ordres'; did you mean 'marts.fct_orders'",
        ),
        ("mart.fct_orders", FILLED % "amount", "there is no table 'mart.fct_orders'; did you mean 'marts.fct_orders'"),
        ("vault.salts", FILLED % "salt", "orders.yaml:3: table: there is no table 'vault.salts'"),
        (
            "marts.fct_orders",
            FILLED % "amuont",
            "orders.yaml:5: expectations.it.column: marts.fct_orders has no column 'amuont'; did you mean 'amount'?",
        ),
        (
            "marts.fct_orders",
            "\n    kind: unique\n    why: x\n    columns: [project_id, order]",
            "orders.yaml:8: expectations.it.columns: marts.fct_orders has no column 'order'; did you mean 'order_id'",
        ),
        (
            "marts.fct_orders",
            "{kind: references, column: order_id, to: marts.dim_page.page_key, why: x}",
            "expectations.it.to: there is no table 'marts.dim_page'; did you mean 'marts.dim_pages'",
        ),
        (
            "marts.fct_orders",
            "{kind: volume, against: marts.fct_events.local_day, why: x}",
            "expectations.it.against: marts.fct_events has no column 'local_day'; did you mean 'local_date'",
        ),
        # What is not written stands for something too.
        ("marts.dim_users", "{kind: volume, why: x}", "it.day: marts.dim_users has no column 'local_date'"),
        ("marts.fct_orders\nprojects: [demo, dmo]", FILLED % "amount", "orders.yaml:4: projects: no project is called"),
    ],
)
def test_what_nobody_declares_is_told_with_its_line(
    tmp_path: Path, settings: Settings, manifest: dict[str, Any], table: str, expectation: str, sentence: str
) -> None:
    with pytest.raises(MillraceError) as told:
        judge(tmp_path, settings, manifest, f"table: {table}\nexpectations:\n  it: {expectation}\n")
    assert sentence in told.value.message


@pytest.mark.parametrize(
    "table",
    [
        "marts.fct_orders",
        "staging.stg_crm__customers",
        "intermediate.int_of_ours",
        "raw.events",
        "raw.source_loads",
        "raw.tickets",
        "raw.of_another_tool",
        "ops.runs",
        "ops.schema_drift",
    ],
)
def test_what_is_declared_is_known_before_it_is_made(
    tmp_path: Path, settings: Settings, manifest: dict[str, Any], table: str
) -> None:
    """Of dbt, of `millrace migrate`, and of one's own: a model, a source of dbt, a file in sources/."""
    (tmp_path / "sources").mkdir()
    shipped = REPOSITORY / "ingestion" / "sources" / "definitions" / "nps_answers.yaml"
    (tmp_path / "sources" / "tickets.yaml").write_text(shipped.read_text())
    model = {**manifest["nodes"]["model.millrace.int_order_days"], "alias": "int_of_ours"}
    source = {**manifest["sources"]["source.millrace.raw.events"], "identifier": "of_another_tool"}
    own = {
        "nodes": {**manifest["nodes"], "model.millrace.int_of_ours": model},
        "sources": {**manifest["sources"], "source.millrace.raw.of_another_tool": source},
    }
    judge(tmp_path, settings, own, f"table: {table}\nexpectations: {{it: {{kind: rows, that: 1 = 1, why: x}}}}")


def test_a_table_that_knows_no_projects_is_judged_as_a_whole(
    tmp_path: Path, settings: Settings, manifest: dict[str, Any]
) -> None:
    orders = manifest["nodes"]["model.millrace.fct_orders"]
    columns = {name: column for name, column in orders["columns"].items() if name != "project_id"}
    own = {**manifest, "nodes": {**manifest["nodes"], orders["unique_id"]: {**orders, "columns": columns}}}
    suite = f"table: marts.fct_orders\nprojects: %s\nexpectations: {{it: {FILLED % 'amount'}}}"
    with pytest.raises(MillraceError, match=r"orders\.yaml:4: projects: marts\.fct_orders has no column project_id"):
        judge(tmp_path / "each", settings, own, suite % "all")
    judge(tmp_path / "together", settings, own, suite % "together")


def test_the_shipped_suites_are_of_tables(settings: Settings, manifest: dict[str, Any]) -> None:
    must_be_known(read_suites().values(), settings, manifest)


def test_a_dbt_project_that_cannot_be_read_is_left_to_dbt(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: [")
    of_this = partial(current_manifest, project=tmp_path)
    with pytest.raises(ProjectUnreadable):
        of_this(settings)
    monkeypatch.setattr(expectations.tables, "current_manifest", of_this)
    must_be_known(read_suites().values(), settings)
