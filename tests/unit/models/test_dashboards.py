"""Dashboards fit the models: without Superset, of what dbt declares."""

from __future__ import annotations

import copy
import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bi.assembling import assemble
from bi.bundle import files
from bi.columns import reads, schema_of, unknown_columns
from bi.declared import Declarations, read_declarations
from bi.differences import differences
from bi.metrics import SemanticManifest, mart_columns
from bi.model import Bundle
from tests.support import REPOSITORY
from warehouse.errors import MillraceError
from warehouse.settings import Settings

LAST_DAY = date(2026, 6, 30)
# Over windows of time, over what people did before, or of two tables: docs/superset.md.
NOT_AN_EXPRESSION = {"active_users_last_7_days", "checkout_conversion_rate", "churn_rate", "net_revenue"}


@pytest.fixture(scope="module")
def semantic_document(read_project: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((read_project / "semantic_manifest.json").read_text())
    return document


@pytest.fixture(scope="module")
def declarations() -> Declarations:
    return read_declarations(Settings(project_dir=REPOSITORY))


@pytest.fixture(scope="module")
def semantic(semantic_document: dict[str, Any], manifest: dict[str, Any]) -> SemanticManifest:
    return SemanticManifest(semantic_document, mart_columns(manifest))


@pytest.fixture(scope="module")
def bundle(declarations: Declarations, semantic: SemanticManifest, manifest: dict[str, Any]) -> Bundle:
    return assemble(declarations, semantic, manifest, LAST_DAY, "demo")


def test_every_chart_reads_columns_that_are_there(bundle: Bundle, manifest: dict[str, Any]) -> None:
    schema = schema_of(manifest)
    assert list(unknown_columns(bundle, schema)) == []
    not_understood = [
        chart.title for chart in bundle.charts if not reads(chart, schema) and "ops." not in chart.dataset.sql
    ]
    assert not_understood == []
    assert len(bundle.charts) > 80


def test_a_table_has_one_dataset(bundle: Bundle) -> None:
    """Of two that are the same table Superset keeps the last, and charts of the other find none of their metrics."""
    tables = [one.table for one in bundle.datasets if one.is_of(one.table)]
    assert len(tables) > 20 and len(set(tables)) == len(tables)


def test_a_renamed_column_names_the_charts_that_use_it(
    declarations: Declarations, semantic_document: dict[str, Any], manifest: dict[str, Any]
) -> None:
    renamed = copy.deepcopy(manifest)
    columns = renamed["nodes"]["model.millrace.fct_sessions"]["columns"]
    columns["way_in"] = {**columns.pop("channel"), "name": "way_in"}
    after = assemble(
        declarations, SemanticManifest(semantic_document, mart_columns(renamed)), renamed, LAST_DAY, "demo"
    )
    told = list(unknown_columns(after, schema_of(renamed)))
    named = {sentence.partition("the chart ")[2].split("'")[1] for sentence in told}
    assert {"Sessions by week and channel", "Sessions by channel"} <= named
    assert "Revenue" not in named  # its dataset has the channel, the chart does not show it
    assert all(sentence.startswith("dashboards/") and "fct_sessions.channel" in sentence for sentence in told)


def test_what_is_declared_has_a_chart_by_itself(
    bundle: Bundle, semantic: SemanticManifest, manifest: dict[str, Any]
) -> None:
    shown = {chart.dataset.name for chart in bundle.charts}
    experiments = {
        chart.params["adhoc_filters"][0]["comparator"]
        for chart in bundle.charts
        if chart.title.startswith("Experiment: ")
    }
    for node in manifest["nodes"].values():
        meta = node["config"].get("meta", {})
        if (meta.get("journey") or {}).get("kind") in ("funnel", "retention"):
            assert node["name"] in shown
        assert set(meta.get("experiments") or {}) <= experiments
    for name, metric in semantic.metrics.items():
        if semantic.expression(name) is None:
            continue
        for kind, prefix in (("monitor", "watched"), ("forecast", "forecast")):
            if kind in metric["config"]["meta"]:
                assert f"{prefix}_{name}" in shown


def test_metrics_that_are_no_expression_are_left_out(semantic: SemanticManifest) -> None:
    left_out = {name for name in semantic.metrics if semantic.expression(name) is None}
    assert left_out >= NOT_AN_EXPRESSION
    assert not {"revenue", "orders", "mrr", "active_users", "sign_ups", "arpa", "bounce_rate"} & left_out
    assert len(left_out) < 45


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("{chart: kpi, of: orders}", "{chart: kpi, of: ordres}", 7, "did you mean 'orders'"),
        ("{chart: kpi, of: orders}", "{chart: kqi, of: orders}", 7, "there is no 'kqi'; known: 'kpi'"),
        (
            "{chart: kpi, of: orders}",
            "{chart: kpi, titel: orders}",
            7,
            "no key is called 'titel'; did you mean 'title'",
        ),
        ("{chart: kpi, of: orders}", "{chart: kpi, of: churn_rate}", 7, "is no expression over one table"),
        (
            "{chart: kpi, of: orders}",
            "{chart: line, of: orders, by: countri}",
            7,
            "has no column 'countri'; did you mean 'country'",
        ),
        ("{chart: kpi, of: orders}", "{chart: kpi, of: orders", 8, "is no YAML"),
        ("orders.plan]", "orders.plann]", 3, "is neither project, period nor dataset.column"),
        ("title: Executive\n", "", 1, "title: is missing"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_line(
    semantic: SemanticManifest, manifest: dict[str, Any], tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    shutil.copytree(REPOSITORY / "dashboards", tmp_path / "dashboards")
    file = tmp_path / "dashboards" / "executive.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(MillraceError) as error:
        assemble(read_declarations(Settings(project_dir=tmp_path)), semantic, manifest, LAST_DAY, "demo")
    assert error.value.message.startswith(f"dashboards/executive.yaml, line {line}: ")
    assert said in error.value.message


def test_ids_are_the_same_in_every_superset(
    bundle: Bundle, declarations: Declarations, semantic: SemanticManifest, manifest: dict[str, Any]
) -> None:
    again = assemble(declarations, semantic, manifest, LAST_DAY, "demo")
    assert [chart.id for chart in again.charts] == [chart.id for chart in bundle.charts]
    assert len({chart.id for chart in bundle.charts}) == len(bundle.charts)


def test_only_what_people_see_is_a_difference(bundle: Bundle) -> None:
    declared = files(bundle)
    there = copy.deepcopy(declared)
    path, chart = next((path, one) for path, one in there.items() if path.startswith("charts/"))
    chart["params"] |= {"datasource": "17__table", "slice_id": 4}  # ids of that instance
    assert list(differences(declared, there)) == []
    chart["params"]["row_limit"] = 3
    (found,) = differences(declared, there)
    assert (found.kind, found.name, found.what) == ("chart", chart["slice_name"], "settings")
    del there[path]
    (found,) = differences(declared, there)
    assert found.what == "is missing"
