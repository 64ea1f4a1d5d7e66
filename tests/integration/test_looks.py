"""What a look writes down, against what was done before it."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from tests.integration.test_quality import MANIFEST, ORDERS
from tests.support import Instance
from warehouse.observability.looks import observe

NODE = '/* {"app": "dbt", "node_id": "%s"} */ '


@pytest.fixture
def warehouse(instance: Instance) -> Instance:
    instance.up()
    target = instance.data_dir / "dbt" / "target"
    target.mkdir(parents=True, exist_ok=True)
    (target / "manifest.json").write_text(json.dumps(MANIFEST))
    instance.client().command(
        "CREATE TABLE marts.fct_orders (project_id String, local_date Date, amount Int64) ENGINE = MergeTree "
        "ORDER BY project_id AS SELECT ['demo', 'demo_mobile'][1 + number % 2], "
        "toDate('2026-03-01') + number % 4, number FROM numbers(200)"
    )
    return instance


def look(warehouse: Instance) -> None:
    observe(warehouse.settings)


def test_a_look_tells_columns_storage_costs_and_slow_queries(warehouse: Instance) -> None:
    def run(sql: str) -> list[tuple[Any, ...]]:
        return warehouse.rows(sql)

    look(warehouse)
    assert run("SELECT count() FROM ops.schema_drift") == [(0,)]
    assert run(f"SELECT table_rows, parts FROM ops.table_storage WHERE asset = '{ORDERS}'") == [(200, 1)]
    assert run("SELECT count() FROM ops.model_costs") == [(0,)]

    client = warehouse.client("engineer")
    client.command("ALTER TABLE marts.fct_orders ADD COLUMN plan String, MODIFY COLUMN amount Float64")
    client.command("ALTER TABLE marts.fct_orders DROP COLUMN local_date")
    client.command("CREATE TABLE marts.fct_orders__dbt_tmp (x Int8) ENGINE = MergeTree ORDER BY x")
    client.query(NODE % "model.millrace.fct_orders" + "SELECT sum(amount) FROM marts.fct_orders")
    client.query(NODE % "model.millrace.fct_orders" + "SELECT count() FROM marts.fct_orders WHERE amount > 5")
    client.query(NODE % "test.millrace.unique_orders.0123456789" + "SELECT sleep(1.2), 'somebody@example.com'")
    client.query(NODE % "model.millrace.of_no_project" + "SELECT 1")
    look(warehouse)
    assert set(run("SELECT asset, column, change, type_before, type_after FROM ops.schema_drift")) == {
        (ORDERS, "plan", "came", "", "String"),
        (ORDERS, "amount", "type", "Int64", "Float64"),
        (ORDERS, "local_date", "went", "Date", ""),
    }
    costs = run("SELECT asset, kind, queries, read_rows, seconds >= 1.2 FROM ops.model_costs ORDER BY kind")
    assert costs == [(ORDERS, "model", 2, 400, False), (ORDERS, "test", 1, 1, True)]
    ((user, asset, failed, query),) = run("SELECT user_name, asset, failed, query FROM ops.slow_queries")
    assert (user, asset, failed) == ("engineer", ORDERS, False)
    assert "somebody" not in query
    assert "sleep(?)" in query

    look(warehouse)  # nothing happened since
    assert run("SELECT count() FROM ops.schema_drift") == [(3,)]
    assert run("SELECT sum(queries) FROM ops.model_costs") == [(3,)]
    assert run("SELECT count() FROM ops.slow_queries") == [(1,)]
    assert run("SELECT count() FROM ops.looks") == [(3,)]

    # The log of queries begins anew with the server: nothing is counted twice, and what comes next is counted.
    warehouse.run("down")
    warehouse.up()
    client = warehouse.client("engineer")
    look(warehouse)
    assert run("SELECT sum(queries) FROM ops.model_costs") == [(3,)]
    client.query(NODE % "model.millrace.fct_orders" + "SELECT min(amount) FROM marts.fct_orders")
    look(warehouse)
    assert run("SELECT sum(queries) FROM ops.model_costs") == [(4,)]

    client.command("DROP TABLE marts.fct_orders")
    look(warehouse)
    assert set(run("SELECT column, change FROM ops.schema_drift WHERE type_after = ''")) == {
        *(("local_date", "went"), ("project_id", "went"), ("plan", "went"), ("amount", "went")),
    }


def test_a_look_tells_how_fresh_each_asset_and_project_is(warehouse: Instance) -> None:
    warehouse.client().command(
        "INSERT INTO raw.load_counts (file_id, piece, project_id, reason, lines, loaded_at) VALUES "
        "('f', 0, 'demo', '', 3, '2026-03-01 10:00:00'), ('g', 0, 'demo', 'bad_timestamp', 3, '2026-03-02 10:00:00'), "
        "('h', 0, 'demo_mobile', '', 3, '2026-03-03 10:00:00')"
    )
    warehouse.client().command(
        "INSERT INTO ops.model_runs (asset, finished_at, status) VALUES "
        "('marts.fct_orders', '2026-03-04 10:00:00', 'success'), ('marts.fct_orders', '2026-03-05 10:00:00', 'error'), "
        "('marts.dim_dates', '2026-03-04 11:00:00', 'success'), ('marts.is_gone', '2026-03-04 11:00:00', 'success')"
    )
    look(warehouse)
    found = warehouse.rows(
        "SELECT asset, project_id, toString(updated_at), newest_day, sla_seconds FROM ops.freshness ORDER BY ALL"
    )
    day = 86_400
    assert sorted(found, key=str) == sorted(
        [
            ("marts.dim_dates", "", "2026-03-04 11:00:00.000", None, None),
            (ORDERS, "", "2026-03-04 10:00:00.000", None, day),
            (ORDERS, "demo", "2026-03-04 10:00:00.000", date(2026, 3, 3), day),
            (ORDERS, "demo_mobile", "2026-03-04 10:00:00.000", date(2026, 3, 4), day),
            ("raw.events", "demo", "2026-03-01 10:00:00.000", None, day),
            ("raw.events", "demo_mobile", "2026-03-03 10:00:00.000", None, day),
        ],
        key=str,
    )
