"""The contract in Python and the tables of warehouse/raw_schema say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingestion.context import context_type
from ingestion.contract import COLUMNS, CONTEXT_KEYS
from ingestion.enrichment.lookups import lookups
from ingestion.loader import RUN_FILES
from tests.support import Instance
from tests.unit.enrichment.mmdb import write_mmdb
from warehouse.projects import MAX_RETENTION_DAYS


def columns_of(clickhouse: Instance, table: str) -> dict[str, str]:
    rows = clickhouse.rows(
        f"SELECT name, type FROM system.columns WHERE concat(database, '.', table) = '{table}' ORDER BY position"
    )
    return {str(name): str(kind) for name, kind in rows}


def test_raw_events_has_the_columns_of_the_contract(clickhouse: Instance) -> None:
    created = {
        name: kind.partition("(")[0] if kind.startswith(("JSON(", "Tuple(")) else kind
        for name, kind in columns_of(clickhouse, "raw.events").items()
    }
    assert created == {column.name: column.clickhouse_type for column in COLUMNS}
    assert list(created) == [column.name for column in COLUMNS]


def test_the_context_has_the_keys_of_the_contract_and_room_for_others(clickhouse: Instance) -> None:
    assert columns_of(clickhouse, "raw.events")["context"] == context_type()
    for key in CONTEXT_KEYS:
        ((kind,),) = clickhouse.rows(
            f"SELECT toTypeName(context.{key.path}) FROM (SELECT defaultValueOfTypeName('{context_type()}') AS context)"
        )
        assert kind == key.clickhouse_type


@pytest.mark.parametrize("table", ["user_agents", "referrers", "places"])
def test_the_lookup_tables_have_the_columns_that_are_filled(clickhouse: Instance, tmp_path: Path, table: str) -> None:
    database = write_mmdb(tmp_path / "empty.mmdb", {"203.0.113.0/24": {}})
    (lookup,) = [lookup for lookup in lookups(database) if lookup.table == table]
    assert columns_of(clickhouse, f"raw.{table}") == {**lookup.columns, "described_at": "DateTime64(3, 'UTC')"}


@pytest.mark.parametrize("table", ["events", "events_withheld", "events_rejected"])
def test_tokens_of_a_run_are_remembered_until_it_is_recorded(clickhouse: Instance, table: str) -> None:
    ((created,),) = clickhouse.rows(
        f"SELECT create_table_query FROM system.tables WHERE database = 'raw' AND name = '{table}'"
    )
    window = re.search(r"non_replicated_deduplication_window = (\d+)", str(created))
    months_kept = MAX_RETENTION_DAYS // 30
    assert window is not None
    assert int(window[1]) > RUN_FILES * months_kept
