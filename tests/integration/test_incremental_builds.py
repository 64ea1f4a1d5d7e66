"""Whatever arrives in whatever order: a build of what is new gives what a full refresh gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.arrivals import LAST_WEEK, arrive, build, contents, start_anew, world_aside
from tests.support import Instance


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with world_aside(tmp_path_factory.mktemp("arrivals")) as own:
        _add_somebody_who_never_pauses(own)
        yield own


def _add_somebody_who_never_pauses(own: Instance) -> None:
    """Two devices that send an event every 25 minutes for ten days, one of them under one SDK session id."""
    for device, session in (("kiosk", ""), ("screen", "always_on")):
        own.client().command(
            f"""
            INSERT INTO ops.arrivals
            SELECT * EXCEPT (n) REPLACE (
                concat('{device}-', toString(n)) AS event_id, '{device}' AS anonymous_id, '' AS user_id,
                '{session}' AS session_id, toDateTime64('2026-03-01 05:00:00', 3, 'UTC') + n * 1500 AS timestamp
            )
            FROM (SELECT * FROM ops.arrivals WHERE message_type = 'page' ORDER BY event_id LIMIT 1) AS template
            ARRAY JOIN range(580) AS n
            """
        )


NEVER_PAUSES = "anonymous_id IN ('kiosk', 'screen')"
ORDERS = {
    "by month of arrival": ["received_at < '2026-04-01'", "received_at >= '2026-04-01'"],
    "a few of the last week later": [
        f"NOT ({LAST_WEEK} AND cityHash64(event_id) % 5 = 0)",
        f"{LAST_WEEK} AND cityHash64(event_id) % 5 = 0",
    ],
    "each event anywhere, its copies apart": [f"cityHash64(event_id, received_at, source) % 3 = {n}" for n in range(3)],
    "the begin of what never pauses last": [
        f"NOT {NEVER_PAUSES} OR timestamp > '2026-03-02 05:00:00'",
        f"{NEVER_PAUSES} AND timestamp BETWEEN '2026-03-01 15:00:00' AND '2026-03-02 05:00:00'",
        f"{NEVER_PAUSES} AND timestamp < '2026-03-01 15:00:00'",
    ],
    "holes in what never pauses filled": [
        f"NOT {NEVER_PAUSES} OR cityHash64(event_id) % 3 > 0",
        f"{NEVER_PAUSES} AND cityHash64(event_id) % 3 = 0",
    ],
}


@pytest.mark.parametrize("order", ORDERS)
def test_builds_of_what_is_new_give_what_a_full_refresh_gives(warehouse: Instance, order: str) -> None:
    start_anew(warehouse)
    for condition in ORDERS[order]:
        arrive(warehouse, condition)
        build(warehouse)
    grown = contents(warehouse)
    assert grown["marts.fct_events"][0] > 5_000
    build(warehouse, full_refresh=True)
    assert contents(warehouse) == grown


def test_a_build_without_anything_new_changes_nothing(warehouse: Instance) -> None:
    build(warehouse)
    before = contents(warehouse)
    build(warehouse)
    assert contents(warehouse) == before


def test_a_model_whose_definition_changed_is_made_anew(warehouse: Instance, tmp_path: Path) -> None:
    build(warehouse)
    (engaged,) = warehouse.rows("SELECT sum(conversions) FROM marts.fct_sessions")[0]
    done = warehouse.run("dbt", "run", "--vars", "{conversion_events: [page_viewed]}", "--select", "fct_sessions")
    assert done.returncode == 0, done.stdout
    (pages,) = warehouse.rows("SELECT countIf(event = 'page_viewed' AND session_key != 0) FROM marts.fct_events")[0]
    assert warehouse.rows("SELECT sum(conversions) FROM marts.fct_sessions") == [(pages,)]
    build(warehouse)
    assert warehouse.rows("SELECT sum(conversions) FROM marts.fct_sessions") == [(engaged,)]
