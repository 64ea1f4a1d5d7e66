"""Questions about metrics: what they answer is what SQL by hand counts in the same marts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from semantic_layer.journeys.models import make
from semantic_layer.metrics.answers import answer
from semantic_layer.metrics.compiling import compile_query
from semantic_layer.metrics.models import Comparison
from semantic_layer.metrics.requests import literal
from tests.truths.conftest import LoadedWorld
from tests.truths.metric_shop import Shop, plain, time
from tests.unit.metrics.test_requests import HOSTILE
from warehouse.errors import WrongUsage


@pytest.fixture(scope="module")
def shop(built: LoadedWorld) -> Iterator[Shop]:
    with built.instance.active():
        yield Shop(built.instance)


ORDERS = "FROM marts.fct_orders WHERE project_id = 'demo'"


# Ranges and grains


def test_all_there_is(shop: Shop) -> None:
    counted = shop.by_hand(f"SELECT count(), sum(revenue) {ORDERS}")
    assert counted[0][0] > 0
    assert shop.rows("orders", "revenue") == counted


@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter", "year"])
def test_periods_have_the_days_that_are_asked_for_and_no_others(shop: Shop, grain: str) -> None:
    first, last = "2026-02-11", "2026-05-20"  # a Wednesday each, in the middle of months
    start = {"day": "local_date", "week": "toMonday(local_date)"}.get(
        grain, f"toStartOf{grain}(local_date)".replace(f"Of{grain}", f"Of{grain.capitalize()}")
    )
    counted = shop.by_hand(
        f"SELECT {start} AS p, count(), sum(revenue) {ORDERS} AND local_date BETWEEN '{first}' AND '{last}' "
        "GROUP BY p ORDER BY p"
    )
    assert shop.rows("orders", "revenue", by=[time(grain)], **{"from": first, "to": last}) == counted
    assert shop.rows("orders", **{"from": first, "to": last}) == [(sum(row[1] for row in counted),)]


def test_hours_are_those_of_the_projects_clock(shop: Shop) -> None:
    counted = shop.by_hand(
        f"SELECT toString(toStartOfHour(toTimeZone(ordered_at, 'Europe/Berlin'))) AS h, count() {ORDERS} "
        "AND local_date BETWEEN '2026-03-28' AND '2026-03-30' GROUP BY h ORDER BY h"
    )
    rows = shop.rows("orders", by=[time("hour")], **{"from": "2026-03-28", "to": "2026-03-30"})
    assert [(f"{moment:%Y-%m-%d %H:%M:%S}", orders) for moment, orders in rows] == counted
    assert counted


@pytest.mark.parametrize("day", ["2026-03-29", "2026-05-12"])
def test_the_hours_of_a_day_are_all_that_it_has(shop: Shop, day: str) -> None:
    counted = shop.by_hand(
        "SELECT toString(toStartOfHour(toTimeZone(timestamp, 'Europe/Berlin'))) AS h, count(), uniqExact(person_key) "
        f"FROM marts.fct_events WHERE project_id = 'demo' AND local_date = '{day}' GROUP BY h ORDER BY h"
    )
    rows = shop.rows("events", "active_users", by=[time("hour")], **{"from": day, "to": day})
    assert [(f"{moment:%Y-%m-%d %H:%M:%S}", *told) for moment, *told in rows] == counted
    assert counted[-1][0] > f"{day} 01"


def test_running_totals_and_totals_so_far(shop: Shop) -> None:
    to_date = shop.by_hand(f"SELECT sum(revenue) {ORDERS} AND local_date BETWEEN '2026-05-01' AND '2026-05-17'")
    at = {"from": "2026-05-17", "to": "2026-05-17"}
    assert shop.rows("revenue_month_to_date", by=[time("day")], **at) == [(date(2026, 5, 17), to_date[0][0])]
    so_far = shop.by_hand(f"SELECT sum(revenue) {ORDERS} AND local_date <= '2026-05-17'")
    assert shop.rows("cumulative_revenue", **{"from": "2026-05-01", "to": "2026-05-17"}) == so_far
    assert shop.rows("cumulative_revenue", by=[time("day")], **at) == [(date(2026, 5, 17), so_far[0][0])]


def test_one_project_sees_nothing_of_another(shop: Shop) -> None:
    for project in ("demo", "demo_mobile"):
        counted = shop.by_hand(f"SELECT count() FROM marts.fct_sessions WHERE project_id = '{project}'")
        assert shop.rows("sessions", project=project, cache=True) == counted
        assert shop.rows("sessions", project=project, cache=True) == counted  # out of the cache


# Conditions


def test_what_is_equal_and_what_is_not_are_all_there_is(shop: Shop) -> None:
    """Also of whom no plan is known: where nothing is known, it is not pro."""
    plans = dict(shop.rows("orders", by=[{"name": "user__plan"}]))
    assert None in plans
    assert plans["pro"] > 0
    ((pro,),) = shop.rows("orders", where="user__plan = 'pro'")
    ((others,),) = shop.rows("orders", where="user__plan != 'pro'")
    ((nobody,),) = shop.rows("orders", where="user__plan is null")
    ((known,),) = shop.rows("orders", where="user__plan is not null")
    ((not_pro,),) = shop.rows("orders", where="not user__plan = 'pro'")
    ((two,),) = shop.rows("orders", where="user__plan in ('pro', 'free')")
    ((neither,),) = shop.rows("orders", where="user__plan not in ('pro', 'free')")
    assert pro == plans["pro"]
    assert others == not_pro == sum(plans.values()) - plans["pro"]
    assert nobody == plans[None]
    assert known == sum(plans.values()) - plans[None]
    assert two == plans["pro"] + plans["free"]
    assert two + neither == sum(plans.values())


def test_conditions_of_several_dimensions(shop: Shop) -> None:
    counted = shop.by_hand(
        "SELECT count() FROM marts.fct_sessions WHERE project_id = 'demo' AND "
        "(channel = 'email' OR NOT (device_type IN ('mobile', 'tablet'))) AND is_bounce"
    )
    where = (
        "(session__channel = 'email' or not session__device_type in ('mobile', 'tablet')) "
        "and session__is_bounce = 'yes'"
    )
    values = shop.catalogue.dimensions["session__is_bounce"].values["demo"]
    assert shop.rows("sessions", where=where.replace("'yes'", repr(sorted(values)[-1]))) == counted


def test_days_of_a_dimension(shop: Shop) -> None:
    rows = shop.rows("orders", by=[{"name": "user__signed_up_on", "grain": "day"}])
    since = sum(orders for day, orders in rows if day and day >= date(2026, 3, 1))
    assert since > 0
    assert shop.rows("orders", where="user__signed_up_on >= 2026-03-01") == [(since,)]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values_are_values(shop: Shop, text: str) -> None:
    assert shop.reader.rows(f"SELECT {literal(text)}") == [[text]]
    query = shop.query("orders").model_copy(update={"where": make_equal("user__plan", text)})
    # As values that do not exist they are refused; compiled all the same, they find nothing and change nothing.
    with pytest.raises(WrongUsage, match="user__plan has no value") as caught:
        answer(shop.settings, shop.catalogue, query, cache=False)
    assert len(caught.value.message) < 250
    assert shop.reader.rows(compile_query(shop.settings, shop.catalogue, query).sql) == [[0]]


def make_equal(dimension: str, *values: str) -> Any:
    return make(Comparison, {"dimension": dimension, "values": values})


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("user__plan = 'Pro'", "user__plan has no value 'Pro'; did you mean 'pro'?"),
        ("user__plan != 'fre'", "user__plan has no value 'fre'; did you mean 'free'?"),
        ("user__plan in ('pro', 'gold')", "user__plan has no value 'gold'"),
        ("session__channel = 'e-mail'", "session__channel has no value 'e-mail'; did you mean 'email'"),
        ("page__path = '/pricng'", "page__path has no value '/pricng'; did you mean '/pricing'"),
    ],
)
def test_a_value_that_does_not_exist_is_told(shop: Shop, where: str, told: str) -> None:
    metric = "page_views" if "page" in where else "sessions"
    with pytest.raises(WrongUsage) as caught:
        shop.ask(metric, where=where)
    assert told in caught.value.message


def test_a_rare_value_is_found_though_the_catalogue_does_not_know_it(shop: Shop) -> None:
    ((company, sessions),) = shop.by_hand(
        "SELECT u.company_id, count() AS n FROM marts.fct_sessions AS s INNER JOIN marts.dim_users AS u "
        "ON s.person_key = u.person_key AND s.started_at >= u.valid_from AND "
        "(u.valid_to IS NULL OR s.started_at < u.valid_to) WHERE s.project_id = 'demo' AND u.company_id != 'unknown' "
        "GROUP BY 1 ORDER BY n, 1 LIMIT 1"
    )
    dimension = shop.catalogue.dimensions["user__company"]
    shop.catalogue.dimensions["user__company"] = type(dimension)(
        **{**vars(dimension), "values": {"demo": ("unknown",)}}
    )
    try:
        assert shop.rows("sessions", where=f"user__company = '{company}'") == [(sessions,)]
    finally:
        shop.catalogue.dimensions["user__company"] = dimension


# Order, limit, thresholds


def test_the_largest_few(shop: Shop) -> None:
    counted = shop.by_hand(
        "SELECT channel, count() AS n FROM marts.fct_sessions WHERE project_id = 'demo' GROUP BY 1 "
        "ORDER BY n DESC, 1 LIMIT 3"
    )
    order = [{"name": "sessions", "descending": True}]
    assert shop.rows("sessions", by=[{"name": "session__channel"}], order=order, limit=3) == counted


def test_thresholds_leave_rows_out_before_they_are_limited(shop: Shop) -> None:
    days = shop.rows("sessions", by=[time("day")])
    middle = sorted(row[1] for row in days)[len(days) // 2]
    few = [row for row in days if row[1] <= middle]
    assert 3 < len(few) < len(days)
    having = [{"metric": "sessions", "operator": "<=", "value": middle}]
    assert shop.rows("sessions", by=[time("day")], having=having, limit=3) == few[:3]


# Comparisons
MAY_SO_FAR = "'2026-05-01' AND '2026-05-17'"


def test_months_beside_those_before(shop: Shop) -> None:
    months = dict(shop.by_hand(f"SELECT toStartOfMonth(local_date), count() {ORDERS} GROUP BY 1"))
    rows = shop.rows("orders", by=[time("month")], compare="previous", **{"from": "2026-04-01", "to": "2026-05-31"})
    pairs = {date(2026, 4, 1): date(2026, 2, 1), date(2026, 5, 1): date(2026, 3, 1)}
    assert rows == [
        (now, months[now], months[before], round(months[now] / months[before] - 1, 6)) for now, before in pairs.items()
    ]


def test_a_month_beside_the_one_before_has_all_of_its_days(shop: Shop) -> None:
    """March has 31 days, February 28: neither is cut to the other's length."""
    ((march, february),) = shop.by_hand(
        f"SELECT countIf(toMonth(local_date) = 3), countIf(toMonth(local_date) = 2) {ORDERS}"
    )
    found = shop.ask("orders", compare="previous", **{"from": "2026-03-01", "to": "2026-03-31"})
    assert [tuple(map(plain, row)) for row in found.rows] == [(march, february, round(march / february - 1, 6))]
    assert found.compared_days == (date(2026, 2, 1), date(2026, 2, 28))


def test_days_beside_days(shop: Shop) -> None:
    days = dict(shop.by_hand(f"SELECT local_date, count() {ORDERS} GROUP BY 1"))
    rows = shop.rows("orders", by=[time("day")], compare="previous", **{"from": "2026-03-08", "to": "2026-03-14"})
    week = timedelta(days=7)
    expected = [
        (day, days.get(day), days.get(day - week))
        for day in (date(2026, 3, 8) + timedelta(days=n) for n in range(7))
        if day in days or day - week in days
    ]
    assert [row[:3] for row in rows] == expected


def test_a_month_so_far_beside_the_same_days_of_the_one_before(shop: Shop) -> None:
    counted = ", ".join(f"countIf(local_date BETWEEN {days})" for days in ("'2026-06-01' AND '2026-06-17'", MAY_SO_FAR))
    ((june, may),) = shop.by_hand(f"SELECT {counted} {ORDERS}")
    found = shop.ask("orders", compare="month", **{"from": "2026-06-01", "to": "2026-06-17"})
    assert [tuple(map(plain, row))[:2] for row in found.rows] == [(june, may)]
    assert found.compared_days == (date(2026, 5, 1), date(2026, 5, 17))


def test_days_beside_those_of_the_month_before_where_it_has_them(shop: Shop) -> None:
    """28 to 30 April stand beside 28 to 30 March; 31 March, which April has none of, beside no day."""
    days = dict(shop.by_hand("SELECT local_date, count() FROM marts.fct_sessions WHERE project_id = 'demo' GROUP BY 1"))
    rows = shop.rows("sessions", by=[time("day")], compare="month", **{"from": "2026-04-28", "to": "2026-05-02"})
    pairs = {date(2026, 4, n): date(2026, 3, n) for n in (28, 29, 30)}
    pairs |= {date(2026, 5, n): date(2026, 4, n) for n in (1, 2)}
    assert days.get(date(2026, 3, 31))
    expected = [(now, days.get(now), days.get(before)) for now, before in pairs.items() if {now, before} & days.keys()]
    assert [row[:3] for row in rows] == expected


def test_nothing_was_a_year_before(shop: Shop) -> None:
    """The world begins in 2026: there is no change of nothing."""
    rows = shop.rows("revenue", "orders", compare="year", **{"from": "2026-03-01", "to": "2026-03-31"})
    assert [(row[1], row[2], row[4], row[5]) for row in rows] == [(0, None, 0, None)]


def test_values_that_are_there_in_one_of_the_two_times_alone(shop: Shop) -> None:
    """By person: some ordered in May only, some in April only, some in both."""
    now, before = (
        dict(shop.by_hand(f"SELECT toString(coupon), count() {ORDERS} AND local_date BETWEEN {days} GROUP BY 1"))
        for days in ("'2026-03-01' AND '2026-03-31'", "'2026-02-01' AND '2026-02-28'")
    )
    rows = shop.rows(
        "orders", by=[{"name": "order__coupon"}], compare="previous", **{"from": "2026-03-01", "to": "2026-03-31"}
    )
    assert {row[0]: row[1:3] for row in rows} == {
        coupon: (now.get(coupon), before.get(coupon)) for coupon in now.keys() | before.keys()
    }
    assert now.keys() != before.keys()
    for _, orders, earlier, change in rows:
        assert (change is None) == (orders is None or earlier is None)


def test_the_largest_of_a_comparison(shop: Shop) -> None:
    asked = {"from": "2026-05-01", "to": "2026-05-31", "compare": "previous", "by": [{"name": "session__channel"}]}
    every = shop.rows("sessions", **asked)
    order = [{"name": "sessions", "descending": True}]
    largest = sorted(every, key=lambda row: (-(row[1] or 0), row[0]))[:2]
    assert shop.rows("sessions", **asked, order=order, limit=2) == largest
    above = [{"metric": "sessions", "operator": ">", "value": largest[1][1]}]
    assert shop.rows("sessions", **asked, having=above) == [largest[0]]


def test_what_lies_before_needs_a_beginning(shop: Shop) -> None:
    with pytest.raises(WrongUsage, match="only if the days have a beginning"):
        shop.ask("orders", compare="previous")
