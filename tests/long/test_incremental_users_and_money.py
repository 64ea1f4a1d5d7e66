"""Rows of other systems that come late, before or after the events they belong to: as a full refresh has it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.arrivals import (
    FORTY_DAYS,
    arrive,
    build,
    changed,
    columns_of_events,
    contents,
    start_anew,
    world_aside,
)
from tests.integration.loading import loaded, write_lines
from tests.other_sources import SOURCES, load_other_sources
from tests.support import Instance


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    folder = tmp_path_factory.mktemp("late")
    with world_aside(folder, until=FORTY_DAYS) as own:
        load_other_sources(own, folder / "world" / "sources")
        for source in SOURCES:
            own.client().command(f"CREATE TABLE ops.{source} AS raw.{source}")
            own.client().command(f"INSERT INTO ops.{source} SELECT * FROM raw.{source}")
            own.client().command(f"TRUNCATE TABLE raw.{source}")
        _add_orders(own, folder / "orders.jsonl")
        yield own


def _add_orders(own: Instance, path: Path) -> None:
    """The world has too few of them in forty days to have some of each kind."""
    ((customer,),) = own.rows(
        "SELECT user_id FROM ops.customers WHERE project_id = 'demo' GROUP BY user_id "
        "HAVING NOT max(is_internal) ORDER BY min(updated_at), user_id LIMIT 1"
    )
    orders = [
        _order(OF_A_CUSTOMER, "2026-03-05", customer, 10, "EUR"),
        _order(TOLD_AGAIN, AGAIN_DAY, "somebody", 12, "EUR"),
        *(_order(f"abroad-{day}", day, f"of-{day}", amount, "USD") for day, amount in ABROAD.items()),
    ]
    assert loaded(own, write_lines(path, orders))["accepted"] == len(orders)
    own.client().command("INSERT INTO ops.arrivals SELECT * FROM raw.events")
    own.client().command("TRUNCATE TABLE raw.events")


def _order(name: str, day: str, user: str, amount: float, currency: str) -> dict[str, Any]:
    bought = {"revenue": amount, "currency": currency, "order_id": name, "items_count": 1, "products": []}
    at = f"{day}T12:00:00.000Z"
    return {
        "project_id": "demo", "event_id": name, "event": "order_completed", "message_type": "track", "user_id": user,
        "session_id": name, "timestamp": at, "received_at": at, "properties": bought, "context": {},
    }  # fmt: skip


def hand_over(own: Instance, source: str, condition: str = "true", replace: str = "") -> None:
    own.client().command(
        f"INSERT INTO raw.{source} SELECT * REPLACE (now64(3) AS _loaded_at, "
        f"_version + toUnixTimestamp64Milli(now64(3)) AS _version{replace}) FROM ops.{source} WHERE {condition}"
    )


# Each kind of lateness has an order, and days, to itself: what is made anew for one of them would hide what is missing
# of another.
OF_A_CUSTOMER, TOLD_AGAIN, AGAIN_DAY = "of-a-customer", "told-twice", "2026-03-28"
ABROAD = {"2026-03-12": 20, "2026-03-15": 30.5, "2026-04-03": 40, "2026-04-07": 50}
RATES_RESTATED = "toDate(%s) BETWEEN '2026-03-10' AND '2026-03-20'"
RATES_LATE = "toDate(%s) >= '2026-04-01'"
ORDERS = "marts.fct_orders WHERE project_id = 'demo'"
FOREIGN = f"{ORDERS} AND currency != 'EUR'"
NOT_OF_DAYS = ("dim_users", "fct_subscriptions", "fct_marketing_spend", "fct_nps_answers", "fct_business_metrics")


def test_what_comes_late_is_as_a_full_refresh_has_it(warehouse: Instance) -> None:
    """One chain: sources in pieces, then what is late each in its own way, then one whom the CRM calls one of our own.
    The full refresh is compared with all of it; and when that one is nobody's own again, what was before is there, of
    tables that the full refresh made."""
    _arrives_in_pieces(warehouse)
    no_rate, old_rate, of_sessions = _without_rates(warehouse)
    user, ordered_at = _customer_with_an_order(warehouse)

    hand_over(warehouse, "currency_rates", RATES_LATE % "date")
    hand_over(warehouse, "currency_rates", RATES_RESTATED % "date", ", rate * 2 AS rate")
    hand_over(
        warehouse,
        "customers",
        f"user_id = '{user}' ORDER BY updated_at LIMIT 1",
        f", 'late' AS plan, toDateTime64('{ordered_at}', 3, 'UTC') - INTERVAL 1 SECOND AS updated_at",
    )
    _tell_five_days_before(warehouse)
    build(warehouse)

    rows = warehouse.rows
    assert rows(f"SELECT count(revenue) FROM {FOREIGN} AND {RATES_LATE % 'local_date'}") == [(no_rate,)], (
        "a rate that comes late"
    )
    assert rows(f"SELECT sum(revenue) FROM {FOREIGN} AND {RATES_RESTATED % 'local_date'}") == [(2 * old_rate,)], (
        "a rate restated"
    )
    assert rows("SELECT sum(revenue) FROM marts.fct_sessions")[0][0] > of_sessions
    # A late version of a customer lands in the middle of the history.
    assert rows(
        "SELECT plan, valid_from < ordered_at, valid_to > ordered_at FROM marts.fct_orders AS orders "
        f"INNER JOIN marts.dim_users AS users USING (user_version_key) WHERE orders.person_id = '{user}' "
        f"AND ordered_at = '{ordered_at}'"
    ) == [("late", True, True)]
    # An order that is told twice belongs to the day on which it was told first.
    assert rows(f"SELECT event_id, toString(local_date + 5) FROM {ORDERS} AND order_id = '{TOLD_AGAIN}'") == [
        ("told-again", AGAIN_DAY)
    ]
    assert rows("SELECT sum(revenue) FROM marts.fct_sessions") == rows(
        "SELECT sum(revenue) FROM marts.fct_orders WHERE session_key != 0"
    )

    before = contents(warehouse)
    _is_one_of_our_own_for_a_while(warehouse, user)
    assert changed(before, contents(warehouse)) == [], "what the CRM took back, or what came before it"


def _arrives_in_pieces(own: Instance) -> None:
    for part, events in enumerate(("received_at < '2026-04-01'", "received_at >= '2026-04-01'")):
        for source in SOURCES:
            if source != "currency_rates":
                hand_over(own, source, f"_row_hash % 3 = {part}")
        # Rates of some days before the events, of some after them, of some not yet.
        known = "toDate(date) <= '2026-03-20'" if part == 0 else "toDate(date) BETWEEN '2026-03-21' AND '2026-03-31'"
        hand_over(own, "currency_rates", known)
        arrive(own, events)
        build(own)
    before = contents(own)
    for source in SOURCES:
        if source != "currency_rates":
            hand_over(own, source, "_row_hash % 3 = 2")
    build(own)
    after = contents(own)
    assert {f"marts.{model}" for model in NOT_OF_DAYS} <= set(changed(before, after))


def _without_rates(own: Instance) -> tuple[int, Decimal, Decimal]:
    """Foreign orders of days whose rates are not known; revenue by the rates that will be restated; of all sessions."""
    ((orders, known),) = own.rows(f"SELECT count(), count(revenue) FROM {FOREIGN} AND {RATES_LATE % 'local_date'}")
    assert (orders > 0, known) == (True, 0)
    ((by_old_rates,),) = own.rows(f"SELECT sum(revenue) FROM {FOREIGN} AND {RATES_RESTATED % 'local_date'}")
    ((of_sessions,),) = own.rows("SELECT sum(revenue) FROM marts.fct_sessions")
    assert by_old_rates > 0
    return orders, Decimal(by_old_rates), Decimal(of_sessions)


def _customer_with_an_order(own: Instance) -> tuple[str, str]:
    ((user, ordered_at, plan),) = own.rows(
        "SELECT person_id, toString(ordered_at), plan FROM marts.fct_orders INNER JOIN marts.dim_users "
        f"USING (user_version_key) WHERE order_id = '{OF_A_CUSTOMER}' AND user_version_key != 0"
    )
    assert plan != "late"
    return user, ordered_at


def _tell_five_days_before(own: Instance) -> None:
    """As if the first message of it, from the server, had been on its way for long."""
    columns = ", ".join(columns_of_events(own))
    own.client().command(
        f"INSERT INTO raw.events ({columns}) SELECT {columns} FROM (SELECT * REPLACE ('told-again' AS event_id, "
        "timestamp - INTERVAL 5 DAY AS timestamp, '' AS session_id) "
        f"FROM (SELECT * FROM ops.arrivals WHERE event_id = '{TOLD_AGAIN}' LIMIT 1))"
    )


def _is_one_of_our_own_for_a_while(own: Instance, somebody_else: str) -> None:
    """Whom the CRM calls one of our own is left out until it takes that back."""
    ((user, events),) = own.rows(
        "SELECT person_id, count() FROM marts.fct_events WHERE project_id = 'demo' AND person_id IN "
        f"(SELECT user_id FROM raw.customers) AND person_id != '{somebody_else}' "
        "GROUP BY 1 HAVING uniqExact(local_date) > 3 ORDER BY 2 DESC LIMIT 1"
    )
    of_the_user = (
        "SELECT count(), countIf(excluded = 'internal') FROM intermediate.int_events_sessionised "
        f"WHERE project_id = 'demo' AND person_id = '{user}'"
    )
    row = f"user_id = '{user}' ORDER BY updated_at LIMIT 1"
    hand_over(own, "customers", row, ", true AS is_internal")
    build(own)
    assert own.rows(of_the_user) == [(events, events)]
    for table in ("fct_events", "fct_sessions"):
        sql = f"SELECT count() FROM marts.{table} WHERE project_id = 'demo' AND person_id = '{user}'"
        assert own.rows(sql) == [(0,)], table
    assert own.rows(f"SELECT DISTINCT is_internal FROM marts.dim_users WHERE person_id = '{user}'") == [(True,)]
    grown = contents(own)
    build(own, full_refresh=True)
    assert changed(grown, contents(own)) == []
    hand_over(own, "customers", row)
    build(own)
    assert own.rows(of_the_user) == [(events, 0)]


FUTURE = "toDateTime64('2026-04-05 00:00:00', 3, 'UTC')"  # what happens from this instant on is the future
LATER = f"{FUTURE} + INTERVAL 3 DAY"
FEATURES = "+feat_user_daily"


def features_before_the_future(own: Instance) -> dict[str, object]:
    """By day; the last of them is over in every timezone."""
    return dict(
        own.rows(
            "SELECT toString(local_date), groupArraySorted(10000)(toString(tuple(*))) FROM marts.feat_user_daily "
            f"WHERE local_date < toDate({FUTURE}) - 1 GROUP BY local_date"
        )
    )


def test_no_feature_knows_the_future(warehouse: Instance) -> None:
    start_anew(warehouse)
    for source in SOURCES:
        warehouse.client().command(f"TRUNCATE TABLE raw.{source}")
    begun = f"started_at < {FUTURE}"
    arrive(warehouse, f"timestamp < {FUTURE}")
    hand_over(warehouse, "customers", f"updated_at < {FUTURE}")
    hand_over(warehouse, "subscriptions", begun, f", if(ended_at < {FUTURE}, ended_at, NULL) AS ended_at")
    hand_over(warehouse, "invoices", f"issued_at < {FUTURE}")
    hand_over(warehouse, "currency_rates")
    build(warehouse, FEATURES)
    known = features_before_the_future(warehouse)
    assert len(known) > 30

    arrive(warehouse, f"timestamp >= {FUTURE}")
    for source in ("customers", "subscriptions", "invoices"):
        hand_over(warehouse, source)
    build(warehouse, FEATURES)
    assert features_before_the_future(warehouse) == known

    # Another future: everybody moves, is served otherwise, cancels and fails to pay; strangers log in on their devices.
    said = "'elsewhere' AS plan, 'XX' AS country, 'gold' AS tier, now64(3) AS onboarded_at"
    hand_over(warehouse, "customers", "true", f", {said}, {LATER} AS updated_at")
    hand_over(warehouse, "subscriptions", begun, f", least(ifNull(ended_at, {LATER}), {LATER}) AS ended_at")
    hand_over(warehouse, "invoices", f"issued_at >= {FUTURE}", ", issued_at AS failed_at, 'failed' AS status")
    devices = (
        f"SELECT DISTINCT project_id, anonymous_id FROM raw.events WHERE anonymous_id != '' AND timestamp < {FUTURE}"
    )
    somebody = "(SELECT any(user_id) FROM raw.events WHERE user_id != '')"
    warehouse.client().command(
        "INSERT INTO raw.events "
        "(project_id, event_id, event, user_id, anonymous_id, timestamp, received_at, consent_analytics) "
        f"SELECT project_id, anonymous_id, 'logged_in', {somebody}, anonymous_id, {LATER}, {LATER}, true "
        f"FROM ({devices})"
    )
    build(warehouse, FEATURES)
    assert features_before_the_future(warehouse) == known
    elsewhere = f"SELECT count() FROM marts.feat_user_daily WHERE local_date > {LATER} AND plan = 'elsewhere'"
    assert warehouse.rows(elsewhere)[0][0] > 10
    grown = contents(warehouse)
    build(warehouse, FEATURES, full_refresh=True)
    assert changed(grown, contents(warehouse)) == []
