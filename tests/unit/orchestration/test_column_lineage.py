"""What Dagster is told of columns, from the SQL that dbt compiled."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from orchestration.assets.models import column_lineage
from warehouse.lineage.graph import Graph
from warehouse.lineage.kept import KeptLineage
from warehouse.settings import Settings, load_settings

MODEL = "model.shop.orders"
MANIFEST = {
    "sources": {
        "source.shop.raw.events": {
            "unique_id": "source.shop.raw.events",
            "schema": "raw",
            "identifier": "events",
            "columns": {},
        }
    },
    "nodes": {
        MODEL: {
            "unique_id": MODEL,
            "resource_type": "model",
            "schema": "marts",
            "alias": "orders",
            "package_name": "shop",
            "original_file_path": "models/orders.sql",
            "columns": {},
            "depends_on": {"nodes": ["source.shop.raw.events"], "macros": []},
        }
    },
    "parent_map": {MODEL: ["source.shop.raw.events"]},
    "child_map": {"source.shop.raw.events": [MODEL]},
}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MILLRACE_DATA_DIR", str(tmp_path))
    return load_settings()


def told(settings: Settings, sql: str) -> dict[str, object]:
    compiled = settings.data_dir / "dbt" / "target" / "compiled" / "shop" / "models" / "orders.sql"
    compiled.parent.mkdir(parents=True, exist_ok=True)
    compiled.write_text(sql)
    return column_lineage(KeptLineage(settings, Graph(MANIFEST)), "marts.orders", ["person", "amount", "at"])


def test_columns_are_told_with_the_assets_they_are_made_of(settings: Settings) -> None:
    found = told(
        settings,
        "with e as (select user_id as who, price * quantity as amount from raw.events) "
        "select e.who as person, sum(e.amount) as amount, now() as at from e group by all",
    )
    events = dg.AssetKey(["raw", "events"])
    lineage = found["dagster/column_lineage"]
    assert isinstance(lineage, dg.TableColumnLineageMetadataValue)
    assert lineage.value.deps_by_column == {
        "person": [dg.TableColumnDep(events, "user_id")],
        "amount": [dg.TableColumnDep(events, "price"), dg.TableColumnDep(events, "quantity")],
        "at": [],
    }
    assert found["column lineage"] == "of 3 of 3 columns"


def test_what_cannot_be_told_is_said(settings: Settings) -> None:
    assert told(settings, "select from where") == {"column lineage": "cannot be told of this SQL"}
    assert told(settings, "select * from nowhere")["column lineage"] == "of 0 of 3 columns"
