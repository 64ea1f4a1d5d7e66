"""Whatever arrives in whatever order: builds of what is new give what a full refresh gives.

The orders share one chain of builds and one full refresh, as each build costs by the models, not by the events. So that
what one order makes anew does not hide what is missing of another, each of them has days to itself that no later build
of the chain touches, or touches for the sake of that order alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.arrivals import FORTY_DAYS, LAST_WEEK, arrive, build, changed, contents, world_aside
from tests.support import Instance
from warehouse.dbt import run

KIOSK, SCREEN, HALL, WALL = "kiosk", "screen", "hall", "wall"
# Device, its SDK session id, and when the first of its events is.
NEVER_PAUSE = [
    (KIOSK, "", "2026-03-01 05:00:00"),
    (SCREEN, "always_on", "2026-03-01 05:00:00"),
    (HALL, "", "2026-03-15 05:00:00"),
    (WALL, "always_on_too", "2026-03-15 05:00:00"),
]
EVERYBODY = f"anonymous_id NOT IN ('{KIOSK}', '{SCREEN}', '{HALL}', '{WALL}')"
BEGINS_LAST, HAS_HOLES = f"anonymous_id IN ('{KIOSK}', '{SCREEN}')", f"anonymous_id IN ('{HALL}', '{WALL}')"

THIRD = "cityHash64(event_id, received_at, source) % 3"  # copies of an event are apart
FEW = f"({LAST_WEEK} AND cityHash64(event_id) % 5 = 0)"
HOLE = "cityHash64(event_id) % 3 = 0"
FEBRUARY_TO_MARCH, LATE_MARCH = "received_at < '2026-04-01'", "received_at >= '2026-03-25'"
ARRIVALS = [
    # Each event anywhere: the days before March 25th get their events in three builds.
    f"{EVERYBODY} AND {FEBRUARY_TO_MARCH} AND {THIRD} = 0",
    f"{EVERYBODY} AND {FEBRUARY_TO_MARCH} AND ({THIRD} = 1 OR {THIRD} = 2 AND {LATE_MARCH}) "
    f"OR {BEGINS_LAST} AND timestamp > '2026-03-02 05:00:00' OR {HAS_HOLES} AND NOT {HOLE}",
    # By month of arrival: what happened in March and was received in April is all that the last days of March get.
    f"{EVERYBODY} AND ({FEBRUARY_TO_MARCH} AND {THIRD} = 2 AND NOT {LATE_MARCH} "
    f"OR NOT {FEBRUARY_TO_MARCH} AND NOT {FEW})",
    # A few of the last week; the holes in what never pauses, in the middle of March; the begin of what never pauses.
    f"{EVERYBODY} AND NOT {FEBRUARY_TO_MARCH} AND {FEW} OR {HAS_HOLES} AND {HOLE} "
    f"OR {BEGINS_LAST} AND timestamp BETWEEN '2026-03-01 15:00:00' AND '2026-03-02 05:00:00'",
    f"{BEGINS_LAST} AND timestamp < '2026-03-01 15:00:00'",
]
# Whose sessions tell of each order by themselves.
TOLD_BY = {
    "each event anywhere, its copies apart": f"{EVERYBODY} AND local_date < '2026-03-25'",
    "by month of arrival": f"{EVERYBODY} AND local_date BETWEEN '2026-03-25' AND '2026-04-01'",
    "a few of the last week later": f"{EVERYBODY} AND local_date > '2026-04-01'",
    "the begin of what never pauses last": BEGINS_LAST,
    "holes in what never pauses filled": HAS_HOLES,
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with world_aside(tmp_path_factory.mktemp("arrivals"), until=FORTY_DAYS) as own:
        _add_some_who_never_pause(own)
        for condition in ARRIVALS:
            arrive(own, condition)
            build(own)
        yield own


def _add_some_who_never_pause(own: Instance) -> None:
    """Pairs of devices that send an event every 25 minutes for ten days, one of each under one SDK session id."""
    for device, session, begin in NEVER_PAUSE:
        own.client().command(
            f"""
            INSERT INTO ops.arrivals
            SELECT * EXCEPT (n) REPLACE (
                concat('{device}-', toString(n)) AS event_id, '{device}' AS anonymous_id, '' AS user_id,
                '{session}' AS session_id, toDateTime64('{begin}', 3, 'UTC') + n * 1500 AS timestamp
            )
            FROM (SELECT * FROM ops.arrivals WHERE message_type = 'page' ORDER BY event_id LIMIT 1) AS template
            ARRAY JOIN range(580) AS n
            """
        )


def test_builds_of_what_is_new_give_what_a_full_refresh_gives(warehouse: Instance) -> None:
    grown, sessions = contents(warehouse), _sessions(warehouse)
    assert grown["marts.fct_events"][0] > 5_000
    ((told, arrived),) = warehouse.rows(
        "SELECT (SELECT uniqExact(project_id, event_id) FROM raw.events), "
        "(SELECT uniqExact(project_id, event_id) FROM ops.arrivals)"
    )
    assert told == arrived, "an order left events out"
    for order, (count, _) in sessions.items():
        assert count >= 20, order

    build(warehouse)
    assert changed(grown, contents(warehouse)) == [], "by a build without anything new"

    build(warehouse, full_refresh=True)
    assert changed(sessions, _sessions(warehouse)) == []
    assert changed(grown, contents(warehouse)) == []


def _sessions(own: Instance) -> dict[str, Any]:
    """By order: the events of those who tell of it, and to which sessions they belong."""
    return {
        order: own.rows(
            "SELECT uniqExact(session_key), groupBitXor(cityHash64(toString(tuple(*)))) "
            f"FROM intermediate.int_events_sessionised WHERE {people.replace('anonymous_id', 'person_id')}"
        )[0]
        for order, people in TOLD_BY.items()
    }


def test_a_model_whose_definition_changed_is_made_anew(warehouse: Instance) -> None:
    (engaged,) = warehouse.rows("SELECT sum(conversions) FROM marts.fct_sessions")[0]
    with warehouse.active() as settings:
        arguments = ["run", "--vars", "{conversion_events: [page_viewed]}", "--select", "fct_sessions"]
        assert not run(settings, arguments).failed
    (pages,) = warehouse.rows("SELECT countIf(event = 'page_viewed' AND session_key != 0) FROM marts.fct_events")[0]
    assert pages != engaged
    assert warehouse.rows("SELECT sum(conversions) FROM marts.fct_sessions") == [(pages,)]
    build(warehouse, "fct_sessions")
    assert warehouse.rows("SELECT sum(conversions) FROM marts.fct_sessions") == [(engaged,)]
