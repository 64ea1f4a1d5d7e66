"""Simple metrics: every aggregation, filters, joins, what is missing, and nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from statistics import median
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.integration.conformance.conftest import Shop
from tests.integration.conformance.counting import (
    DAYS,
    counts,
    discrete,
    expected,
    grouped,
    inclusive,
    period,
    table,
)
from tests.integration.conformance.shop import BERLIN, COUNTRIES, PURCHASES, VISITS, Visit, plan_of


def country_of(row: Any) -> str | None:
    return COUNTRIES.get(row.person)


# Aggregations


@pytest.mark.parametrize(
    ("metric", "how"),
    [
        ("seconds_sum", sum),
        ("seconds_least", min),
        ("seconds_most", max),
        ("seconds_mean", lambda values: sum(values) / len(values)),
        ("seconds_median", median),
        ("seconds_counted", len),
        ("bounces", lambda values: sum(value < 10 for value in values)),
        ("seconds_p90", lambda values: inclusive(values, 0.9)),
        ("seconds_p90_discrete", lambda values: discrete(values, 90)),
        ("seconds_p75_discrete", lambda values: discrete(values, 75)),
    ],
)
def test_aggregations(shop: Shop, metric: str, how: Callable[[list[int]], Any]) -> None:
    by = grouped(VISITS, lambda v: v.channel)
    counted = {channel: how([v.seconds for v in rows if v.seconds is not None]) for channel, rows in by.items()}
    assert table(shop.ask(metric, by=("visit__channel",))) == expected(counted)


def test_a_discrete_percentile_is_the_element_at_an_exact_place(shop: Shop) -> None:
    """0.28 of 25 is the seventh; in floating point it is a little more, which would be the eighth."""
    chosen = [v for v in VISITS if v.seconds is not None][:25]
    among = ", ".join(f"'{v.id}'" for v in chosen)
    where = [f"{{{{ Entity('visit') }}}} IN ({among})"]
    seconds = sorted(v.seconds for v in chosen if v.seconds is not None)
    assert shop.ask("seconds_p28_discrete", where_constraints=where) == [(seconds[6],)]
    assert seconds[6] != seconds[7]


def test_a_metric_named_like_its_column_is_filtered_by_the_column(shop: Shop) -> None:
    by = grouped([p for p in PURCHASES if p.amount > 50], lambda p: p.product)
    counted = {product: sum(p.amount for p in rows) for product, rows in by.items()}
    where = ["{{ Dimension('purchase__price') }} > 50"]
    assert table(shop.ask("amount", by=("purchase__product",), where_constraints=where)) == expected(counted)
    by_price = grouped(PURCHASES, lambda p: p.amount)
    rows = shop.ask("amount", by=("purchase__price",), order_by_names=("-amount",), limit=5)
    assert [price for price, _ in rows] == sorted(by_price, reverse=True)[:5]


@pytest.mark.parametrize("metric", ["seconds_p75_approximate", "seconds_p75_discrete_approximate"])
def test_approximate_percentiles_are_near(shop: Shop, metric: str) -> None:
    values = sorted(v.seconds for v in VISITS if v.seconds is not None)
    ((value,),) = shop.ask(metric)
    assert values[round(0.74 * len(values))] <= value <= values[round(0.76 * len(values))]


@pytest.mark.parametrize(
    ("metric", "how"),
    [
        ("amount", sum),
        ("amount_mean", lambda amounts: sum(amounts) / len(amounts)),
        ("amount_median", median),
        ("amount_least", min),
    ],
)
def test_aggregations_of_decimals(shop: Shop, metric: str, how: Callable[[list[Any]], Any]) -> None:
    by = grouped(PURCHASES, lambda p: p.product)
    counted = {product: how([p.amount for p in rows]) for product, rows in by.items()}
    assert table(shop.ask(metric, by=("purchase__product",))) == expected(counted)


def test_a_decimal_is_divided_row_by_row_without_losing_places(shop: Shop) -> None:
    by = grouped(PURCHASES, lambda p: p.product)
    counted = {product: sum(float(p.amount) / p.pieces for p in rows) for product, rows in by.items()}
    assert table(shop.ask("amount_each", by=("purchase__product",))) == expected(counted)


def test_distinct_people_do_not_count_nobody(shop: Shop) -> None:
    by = grouped(VISITS, lambda v: v.day)
    counted = {day: len({v.person for v in rows} - {None}) for day, rows in by.items()}
    assert table(shop.ask("visitors", by=("metric_time__day",))) == counted


def test_of_what_does_not_add_up_the_last_or_the_first_day_counts(shop: Shop) -> None:
    last_days = {person: max(v.day for v in rows) for person, rows in grouped(VISITS, lambda v: v.person).items()}
    last = [v.seconds or 0 for v in VISITS if v.person is not None and v.day == last_days[v.person]]
    assert shop.ask("seconds_on_last_day") == [(sum(last),)]
    first_days = {month: min(v.day for v in rows) for month, rows in grouped(VISITS, lambda v: v.day.month).items()}
    counted = {
        date(2024, month, 1): sum(v.seconds or 0 for v in VISITS if v.day == day)
        for month, day in first_days.items()
        if any(v.seconds is not None for v in VISITS if v.day == day)
    }
    found = table(shop.ask("seconds_on_first_day", by=("metric_time__month",)))
    assert {month: value for month, value in found.items() if value is not None} == counted


# Filters


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ("{{ Dimension('visit__channel') }} = 'mail'", lambda v: v.channel == "mail"),
        ("{{ Dimension('visit__channel') }} != 'mail'", lambda v: v.channel not in ("mail", None)),
        ("{{ Dimension('visit__channel') }} IS NULL", lambda v: v.channel is None),
        ("{{ Dimension('visit__channel') }} IN ('ads', 'mail')", lambda v: v.channel in ("ads", "mail")),
        (r"{{ Dimension('visit__channel') }} = 'it\'s \\ {odd}'", lambda v: v.channel == "it's \\ {odd}"),
        ("{{ Dimension('person__country') }} = 'DE'", lambda v: country_of(v) == "DE"),
        ("{{ Dimension('person__country') }} IS NULL", lambda v: country_of(v) is None),
        ("{{ Dimension('person__plan') }} = 'pro'", lambda v: plan_of(v) == "pro"),
        ("{{ Entity('person') }} = 'p3'", lambda v: v.person == "p3"),
        ("{{ Entity('person') }} IS NULL", lambda v: v.person is None),
        ("{{ TimeDimension('metric_time', 'day') }} >= '2024-03-30'", lambda v: v.day >= date(2024, 3, 30)),
        (
            "{{ TimeDimension('metric_time', 'day') }} IN (toDate32('2024-02-29'), toDate32('2024-03-01'))",
            lambda v: v.day in (date(2024, 2, 29), date(2024, 3, 1)),
        ),
        (
            "{{ TimeDimension('metric_time', 'month') }} = '2024-02-01'",
            lambda v: (v.day.year, v.day.month) == (2024, 2),
        ),
        (
            "{{ TimeDimension('metric_time', 'hour') }} < '2024-02-01 06:00:00'",
            lambda v: v.at.astimezone(BERLIN).replace(tzinfo=None).isoformat() < "2024-02-01T06",
        ),
        (
            "{{ Dimension('visit__channel') }} = 'ads' OR NOT {{ Dimension('person__country') }} = 'DE'",
            lambda v: v.channel == "ads" or country_of(v) not in ("DE", None),
        ),
        ("{{ Dimension('metric_time').date_part('dow') }} = 7", lambda v: v.day.isoweekday() == 7),
    ],
)
def test_filters(shop: Shop, where: str, holds: Callable[[Visit], bool]) -> None:
    kept = [v for v in VISITS if holds(v)]
    assert 0 < len(kept) < len(VISITS)
    assert shop.ask("visits", where_constraints=[where]) == [(len(kept),)]


def test_filters_of_a_metric_and_of_a_question_hold_both(shop: Shop) -> None:
    counted = counts([v for v in VISITS if v.channel == "ads" and country_of(v) == "FR"], lambda v: v.site)
    where = ["{{ Dimension('person__country') }} = 'FR'"]
    assert table(shop.ask("visits_of_ads", by=("visit__site",), where_constraints=where)) == counted
    assert shop.ask("visits_of_nobody") == [(sum(v.person is None for v in VISITS),)]


def test_filters_by_another_metric(shop: Shop) -> None:
    times = counts(PURCHASES, lambda p: p.person)
    assert shop.ask("visits_of_buyers") == [(sum(times.get(v.person, 0) > 1 for v in VISITS),)]
    where = ["{{ Metric('purchases', ['person']) }} > 6"]
    kept = [v for v in VISITS if times.get(v.person, 0) > 6]
    assert shop.ask("visits", where_constraints=where) == [(len(kept),)]
    assert 0 < len(kept) < len(VISITS)


# Groups and joins


def test_groups_of_something_missing_are_groups(shop: Shop) -> None:
    assert table(shop.ask("visits", by=("visit__channel",))) == counts(VISITS, lambda v: v.channel)
    assert table(shop.ask("visits", by=("person",))) == counts(VISITS, lambda v: v.person)


def test_what_has_no_match_is_null(shop: Shop) -> None:
    by = counts(VISITS, country_of)
    assert table(shop.ask("visits", by=("person__country",))) == by
    assert None in by


def test_versions_are_joined_as_of_the_moment(shop: Shop) -> None:
    by = counts(VISITS, plan_of)
    assert {"free", "pro", "team", None} == set(by)
    assert table(shop.ask("visits", by=("person__plan",))) == by


def test_two_dimensions_of_two_tables_and_a_month(shop: Shop) -> None:
    by = counts(VISITS, lambda v: (period(v.at, "month"), country_of(v), plan_of(v)))
    assert table(shop.ask("visits", by=("metric_time__month", "person__country", "person__plan"))) == by


def test_two_facts_side_by_side(shop: Shop) -> None:
    """What only one of them has is in the answer too; and what neither knows is one row."""
    for grouping, of in (("metric_time__day", lambda row: row.day), ("person__country", country_of)):
        visits, purchases = counts(VISITS, of), counts(PURCHASES, of)
        rows = shop.ask("visits", "purchases", by=(grouping,))
        assert {key: (a, b) for key, a, b in rows} == {
            key: (visits.get(key), purchases.get(key)) for key in {*visits, *purchases}
        }
        assert len(rows) == len({*visits, *purchases})


def test_values_of_a_dimension_without_a_metric(shop: Shop) -> None:
    rows = shop.ask(by=("person__country",))
    assert sorted(rows, key=str) == sorted({(country,) for country in COUNTRIES.values()}, key=str)


def test_order_and_limit(shop: Shop) -> None:
    by = sorted(counts(VISITS, lambda v: v.person).items(), key=lambda item: (-item[1], str(item[0])))
    rows = shop.ask("visits", by=("person",), order_by_names=("-visits", "person"), limit=3)
    assert rows == by[:3]


def test_a_statement_means_the_same_under_other_settings(shop: Shop) -> None:
    """It is shown to people, who run it wherever they like."""
    sql = shop.sql("visits", "purchases", by=("person__country", "person__plan", "metric_time__day"))
    others = {"join_use_nulls": 0, "prefer_column_name_to_alias": 0, "session_timezone": "Asia/Tokyo"}
    rows = shop.clickhouse.client("analyst").query(sql, settings=others).result_rows
    assert rows == shop.clickhouse.client("analyst").query(sql).result_rows
    assert sum(visits or 0 for *_, visits, _ in rows) == len(VISITS)
    assert {(country, plan) for _, country, plan, *_ in rows} >= {(None, None), ("FR", "pro")}


def test_settings_of_a_statement_raise_no_limit_of_the_analyst(shop: Shop) -> None:
    with pytest.raises(DatabaseError, match="max_memory_usage shouldn't be greater"):
        shop.clickhouse.rows(f"{shop.sql('visits')}, max_memory_usage = 100000000000", role="analyst")


# Days without rows


def test_days_without_rows(shop: Shop) -> None:
    by = counts(VISITS, lambda v: v.day)
    without = [day for day in DAYS if day not in by]
    assert without
    assert table(shop.ask("visits_filled", by=("metric_time__day",))) == {day: by.get(day, 0) for day in DAYS}
    assert table(shop.ask("visits_or_nothing", by=("metric_time__day",))) == {day: by.get(day) for day in DAYS}
    assert table(shop.ask("visits_or_zero", by=("metric_time__day",))) == by


def test_a_metric_is_zero_where_only_another_one_has_rows(shop: Shop) -> None:
    visits, purchases = counts(VISITS, lambda v: v.person), counts(PURCHASES, lambda p: p.person)
    rows = shop.ask("visits_or_zero", "purchases", by=("person",))
    assert {key: (a, b) for key, a, b in rows} == {
        key: (visits.get(key, 0), purchases.get(key)) for key in {*visits, *purchases}
    }
    assert {*purchases} - {*visits}


def test_hours_without_rows(shop: Shop) -> None:
    by = counts(VISITS, lambda v: period(v.at, "hour"))
    found = table(shop.ask("visits_of_hours_filled", by=("metric_time__hour",)))
    assert {hour: n for hour, n in found.items() if n} == by
    assert len(found) == 24 * len(DAYS)
    assert {b - a for a, b in zip(sorted(found), sorted(found)[1:], strict=False)} == {timedelta(hours=1)}


# Nothing at all


def test_of_no_rows_there_is_no_number(empty_shop: Shop) -> None:
    for metric in (
        *("visits", "seconds_sum", "seconds_mean", "seconds_least", "seconds_p90", "seconds_p90_discrete"),
        *("seconds_p75_approximate", "seconds_p75_discrete_approximate", "amount", "mean_amount", "rebate_share"),
        *("share_of_ads", "conversion", "amount_so_far"),
    ):
        assert empty_shop.ask(metric) == [(None,)], metric
    assert empty_shop.ask("visitors", "visits_or_zero") == [(0, 0)]
    for metric in ("visits", "amount_so_far", "visits_growth", "conversions"):
        assert empty_shop.ask(metric, by=("metric_time__day",)) == [], metric
    assert table(empty_shop.ask("visits_filled", by=("metric_time__day",))) == dict.fromkeys(DAYS, 0)
