"""The tests by which a warehouse's own tables are compared with each other can fail: each where its defect is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.arrivals import FORTY_DAYS, LAST_WEEK, arrive, build, world_aside
from tests.other_sources import load_other_sources
from tests.support import Instance
from warehouse.dbt import run

EVENTS = "accepted_events_are_told_or_excluded"
SESSIONS = "sessions_have_all_events"
METRICS = "daily_metrics_have_all_sessions"
ORDERS = "orders_have_the_revenue_of_their_events"
MOVEMENTS = "movements_add_up_to_what_is_paid"
OF_A_SESSION = "of_a_session_fct_events_session_key"
ALL = {EVENTS, SESSIONS, METRICS, ORDERS, MOVEMENTS, OF_A_SESSION}

# The tables that they compare, and what those are made of.
COMPARED = ("+fct_events", "+fct_sessions", "+agg_daily_metrics", "+fct_orders", "+fct_revenue_movements")
ALL_DAYS = {"max_partitions_per_insert_block": 0}


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    folder = tmp_path_factory.mktemp("reconciliation")
    with world_aside(folder, until=FORTY_DAYS) as own:
        load_other_sources(own, folder / "world" / "sources")
        arrive(own, f"NOT ({LAST_WEEK})")
        build(own, *COMPARED)
        arrive(own, "true")  # most of them are copies
        build(own, *COMPARED)
        assert _failing(own) == set()
        yield own


@pytest.mark.parametrize(
    ("table", "one", "failing"),
    [
        ("marts.fct_events", "project_id, event_id WHERE session_key != 0", {EVENTS, SESSIONS}),
        ("intermediate.int_events_sessionised", "event_id WHERE excluded = 'bot'", {EVENTS}),
        ("marts.fct_sessions", "session_key WHERE events > 2 AND orders = 0", {SESSIONS, METRICS}),
        ("marts.agg_daily_metrics", "local_date, channel WHERE sessions > 0", {METRICS}),
        ("marts.fct_orders", "order_id WHERE amount > 0", {ORDERS}),
        ("marts.fct_revenue_movements", "revenue_movement_key WHERE revenue_change > 0", {MOVEMENTS}),
    ],
)
@pytest.mark.parametrize("defect", ["missing", "told twice"])
def test_a_row_that_is_missing_or_told_twice_is_found(
    instance: Instance, table: str, one: str, failing: set[str], defect: str
) -> None:
    client = instance.client()
    key, _, condition = one.partition(" WHERE ")
    client.command(f"CREATE OR REPLACE TABLE ops.whole AS {table}")
    client.command(f"INSERT INTO ops.whole SELECT * FROM {table}", settings=ALL_DAYS)
    these = f"({key}) IN (SELECT {key} FROM ops.whole WHERE {condition} ORDER BY ALL LIMIT 1)"
    try:
        if defect == "missing":
            client.command(f"DELETE FROM {table} WHERE {these}")
        else:
            client.command(f"INSERT INTO {table} SELECT * FROM ops.whole WHERE {these}")
        one_session_less = table == "marts.fct_sessions" and defect == "missing"
        assert _failing(instance) == failing | ({OF_A_SESSION} if one_session_less else set())
    finally:
        client.command(f"TRUNCATE TABLE {table}")
        client.command(f"INSERT INTO {table} SELECT * FROM ops.whole", settings=ALL_DAYS)


def _failing(instance: Instance) -> set[str]:
    with instance.active() as settings:
        done = run(settings, ["test", "--select", *sorted(ALL)])
    assert {node.name for node in done.nodes} == ALL
    return {node.name for node in done.failed}
