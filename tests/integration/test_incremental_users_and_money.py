"""Rows of other systems that come late, before or after the events they belong to: as a full refresh has it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.integration.arrivals import arrive, build, contents, start_anew, world_aside
from tests.other_sources import SOURCES, load_other_sources
from tests.support import Instance


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    folder = tmp_path_factory.mktemp("late")
    with world_aside(folder) as own:
        load_other_sources(own, folder / "world" / "sources")
        for source in SOURCES:
            own.client().command(f"CREATE TABLE ops.{source} AS raw.{source}")
            own.client().command(f"INSERT INTO ops.{source} SELECT * FROM raw.{source}")
        yield own


@pytest.fixture
def empty(warehouse: Instance) -> Instance:
    start_anew(warehouse)
    for source in SOURCES:
        warehouse.client().command(f"TRUNCATE TABLE raw.{source}")
    return warehouse


def hand_over(own: Instance, source: str, condition: str = "true", replace: str = "") -> None:
    own.client().command(
        f"INSERT INTO raw.{source} SELECT * REPLACE (now64(3) AS _loaded_at, "
        f"_version + toUnixTimestamp64Milli(now64(3)) AS _version{replace}) FROM ops.{source} WHERE {condition}"
    )


def assert_as_a_full_refresh_has_it(own: Instance) -> None:
    grown = contents(own)
    build(own, full_refresh=True)
    assert contents(own) == grown


def test_sources_in_pieces_between_events_in_pieces(empty: Instance) -> None:
    for part, events in enumerate(("received_at < '2026-04-01'", "received_at >= '2026-04-01'")):
        for source in SOURCES:
            hand_over(empty, source, f"_row_hash % 3 = {part}")
        arrive(empty, events)
        build(empty)
    before = contents(empty)
    for source in SOURCES:
        hand_over(empty, source, "_row_hash % 3 = 2")
    build(empty)
    after = contents(empty)
    for model in ("dim_users", "fct_subscriptions", "fct_marketing_spend", "fct_nps_answers", "fct_business_metrics"):
        assert after[f"marts.{model}"] != before[f"marts.{model}"], model
    assert_as_a_full_refresh_has_it(empty)


def test_a_late_version_of_a_customer_lands_in_the_middle_of_the_history(empty: Instance) -> None:
    arrive(empty, "true")
    hand_over(empty, "customers")
    build(empty)
    ((user, ordered_at, plan),) = empty.rows(
        "SELECT person_id, ordered_at, plan FROM marts.fct_orders INNER JOIN marts.dim_users USING (user_version_key) "
        "WHERE project_id = 'demo' AND user_version_key != 0 ORDER BY ordered_at LIMIT 1"
    )
    assert plan != "late"
    hand_over(
        empty,
        "customers",
        f"user_id = '{user}' ORDER BY updated_at LIMIT 1",
        f", 'late' AS plan, toDateTime64('{ordered_at}', 3, 'UTC') - INTERVAL 1 SECOND AS updated_at",
    )
    build(empty)
    assert empty.rows(
        "SELECT plan, valid_from < ordered_at, valid_to > ordered_at FROM marts.fct_orders AS orders "
        f"INNER JOIN marts.dim_users AS users USING (user_version_key) WHERE orders.person_id = '{user}' "
        f"AND ordered_at = '{ordered_at}'"
    ) == [("late", True, True)]
    assert_as_a_full_refresh_has_it(empty)


def test_whom_the_crm_calls_one_of_our_own_is_left_out_until_it_takes_that_back(empty: Instance) -> None:
    hand_over(empty, "customers")
    arrive(empty, "true")
    build(empty)
    before = contents(empty)
    ((user, events),) = empty.rows(
        "SELECT person_id, count() FROM marts.fct_events WHERE project_id = 'demo' AND person_id IN "
        "(SELECT user_id FROM raw.customers) GROUP BY 1 HAVING uniqExact(local_date) > 3 ORDER BY 2 DESC LIMIT 1"
    )
    of_the_user = (
        f"SELECT count(), countIf(excluded = 'internal') FROM %s WHERE project_id = 'demo' AND person_id = '{user}'"
    )
    found = [
        f"SELECT count() FROM marts.{table} WHERE project_id = 'demo' AND person_id = '{user}'"
        for table in ("fct_events", "fct_sessions")
    ]
    row = f"user_id = '{user}' ORDER BY updated_at LIMIT 1"
    hand_over(empty, "customers", row, ", true AS is_internal")
    build(empty)
    assert empty.rows(of_the_user % "intermediate.int_events_sessionised") == [(events, events)]
    assert [empty.rows(sql) for sql in found] == [[(0,)], [(0,)]]
    assert empty.rows(f"SELECT DISTINCT is_internal FROM marts.dim_users WHERE person_id = '{user}'") == [(True,)]
    assert_as_a_full_refresh_has_it(empty)
    hand_over(empty, "customers", row)
    build(empty)
    assert empty.rows(of_the_user % "intermediate.int_events_sessionised") == [(events, 0)]
    assert contents(empty) == before


def test_a_rate_that_comes_late_gives_its_day_its_revenue(empty: Instance) -> None:
    for source in SOURCES:
        if source != "currency_rates":
            hand_over(empty, source)
    arrive(empty, "true")
    build(empty)
    foreign = "currency NOT IN ('EUR') AND project_id = 'demo'"
    (orders, known) = empty.rows(f"SELECT count(), count(revenue) FROM marts.fct_orders WHERE {foreign}")[0]
    assert orders > 0
    assert known == 0
    of_sessions = empty.rows("SELECT sum(revenue) FROM marts.fct_sessions")
    hand_over(empty, "currency_rates")
    build(empty)
    assert empty.rows(f"SELECT count(revenue) FROM marts.fct_orders WHERE {foreign}") == [(orders,)]
    assert empty.rows("SELECT sum(revenue) FROM marts.fct_sessions") > of_sessions
    assert_as_a_full_refresh_has_it(empty)
    # Restated: what was converted by the old rate is converted anew.
    (before,) = empty.rows(f"SELECT sum(revenue) FROM marts.fct_orders WHERE {foreign}")[0]
    hand_over(empty, "currency_rates", replace=", rate * 2 AS rate")
    build(empty)
    assert empty.rows(f"SELECT sum(revenue) FROM marts.fct_orders WHERE {foreign}") == [(2 * Decimal(before),)]
    assert_as_a_full_refresh_has_it(empty)


def test_an_order_that_is_told_twice_belongs_to_the_day_on_which_it_was_told_first(empty: Instance) -> None:
    hand_over(empty, "currency_rates")
    arrive(empty, "true")
    build(empty)
    ((order, event, day),) = empty.rows(
        "SELECT order_id, event_id, toString(local_date) FROM marts.fct_orders WHERE project_id = 'demo' "
        "ORDER BY ordered_at DESC LIMIT 1"
    )
    # As if the first message of it, from the server, had been on its way for long.
    columns = ", ".join(
        row[0]
        for row in empty.rows(
            "SELECT name FROM system.columns WHERE database = 'raw' AND table = 'events' AND name != 'loaded_at'"
        )
    )
    empty.client().command(
        f"INSERT INTO raw.events ({columns}) SELECT {columns} FROM (SELECT * REPLACE ('told-again' AS event_id, "
        "timestamp - INTERVAL 5 DAY AS timestamp, '' AS session_id) "
        f"FROM (SELECT * FROM ops.arrivals WHERE event_id = '{event}' LIMIT 1))"
    )
    build(empty)
    assert empty.rows(
        f"SELECT event_id, toString(local_date + 5) FROM marts.fct_orders WHERE order_id = '{order}'"
    ) == [("told-again", day)]
    assert empty.rows("SELECT sum(revenue) FROM marts.fct_sessions") == empty.rows(
        "SELECT sum(revenue) FROM marts.fct_orders WHERE session_key != 0"
    )
    assert_as_a_full_refresh_has_it(empty)


FUTURE = "toDateTime64('2026-04-05 00:00:00', 3, 'UTC')"  # what happens from this instant on is the future
LATER = f"{FUTURE} + INTERVAL 3 DAY"


def features_before_the_future(own: Instance) -> dict[str, object]:
    """By day; the last of them is over in every timezone."""
    return dict(
        own.rows(
            "SELECT toString(local_date), groupArraySorted(10000)(toString(tuple(*))) FROM marts.feat_user_daily "
            f"WHERE local_date < toDate({FUTURE}) - 1 GROUP BY local_date"
        )
    )


def test_no_feature_knows_the_future(empty: Instance) -> None:
    begun = f"started_at < {FUTURE}"
    arrive(empty, f"timestamp < {FUTURE}")
    hand_over(empty, "customers", f"updated_at < {FUTURE}")
    hand_over(empty, "subscriptions", begun, f", if(ended_at < {FUTURE}, ended_at, NULL) AS ended_at")
    hand_over(empty, "invoices", f"issued_at < {FUTURE}")
    hand_over(empty, "currency_rates")
    build(empty)
    known = features_before_the_future(empty)
    assert len(known) > 30

    arrive(empty, f"timestamp >= {FUTURE}")
    for source in ("customers", "subscriptions", "invoices"):
        hand_over(empty, source)
    build(empty)
    assert features_before_the_future(empty) == known

    # Another future: everybody moves, is served otherwise, cancels and fails to pay; strangers log in on their devices.
    said = "'elsewhere' AS plan, 'XX' AS country, 'gold' AS tier, now64(3) AS onboarded_at"
    hand_over(empty, "customers", "true", f", {said}, {LATER} AS updated_at")
    hand_over(empty, "subscriptions", begun, f", least(ifNull(ended_at, {LATER}), {LATER}) AS ended_at")
    hand_over(empty, "invoices", f"issued_at >= {FUTURE}", ", issued_at AS failed_at, 'failed' AS status")
    devices = (
        f"SELECT DISTINCT project_id, anonymous_id FROM raw.events WHERE anonymous_id != '' AND timestamp < {FUTURE}"
    )
    somebody = "(SELECT any(user_id) FROM raw.events WHERE user_id != '')"
    empty.client().command(
        "INSERT INTO raw.events "
        "(project_id, event_id, event, user_id, anonymous_id, timestamp, received_at, consent_analytics) "
        f"SELECT project_id, anonymous_id, 'logged_in', {somebody}, anonymous_id, {LATER}, {LATER}, true "
        f"FROM ({devices})"
    )
    build(empty)
    assert features_before_the_future(empty) == known
    changed = empty.rows(f"SELECT count() FROM marts.feat_user_daily WHERE local_date > {LATER} AND plan = 'elsewhere'")
    assert changed[0][0] > 10
    assert_as_a_full_refresh_has_it(empty)
