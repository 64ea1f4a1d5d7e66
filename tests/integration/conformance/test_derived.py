"""Ratios and derived metrics: what divides, by nothing as well, and what was a while ago."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.integration.conformance.conftest import Shop
from tests.integration.conformance.counting import DAYS, counts, expected, grouped, month_before, period, table
from tests.integration.conformance.shop import PURCHASES, VISITS, plan_of

BY_DAY = ("metric_time__day",)


def test_a_ratio(shop: Shop) -> None:
    by = grouped(PURCHASES, lambda p: p.product)
    counted = {product: float(sum(p.amount for p in rows)) / len(rows) for product, rows in by.items()}
    assert table(shop.ask("mean_amount", by=("purchase__product",))) == expected(counted)


def test_a_ratio_of_two_facts(shop: Shop) -> None:
    visits, purchases = counts(VISITS, lambda v: v.day), counts(PURCHASES, lambda p: p.day)
    counted = {
        day: purchases[day] / visits[day] if day in purchases and day in visits else None
        for day in {*visits, *purchases}
    }
    assert table(shop.ask("purchases_per_visit", by=BY_DAY)) == expected(counted)


@pytest.mark.parametrize(("metric", "channel"), [("share_of_ads", "ads"), ("share_of_mail", "mail")])
def test_a_share(shop: Shop, metric: str, channel: str) -> None:
    every, some = counts(VISITS, lambda v: v.day), counts([v for v in VISITS if v.channel == channel], lambda v: v.day)
    counted = {day: some[day] / n if day in some else None for day, n in every.items()}
    assert table(shop.ask(metric, by=BY_DAY)) == expected(counted)


def test_one_metric_filtered_in_two_ways(shop: Shop) -> None:
    by = grouped(VISITS, lambda v: v.site)
    counted = {
        site: sum(v.channel == "ads" for v in rows) - sum(v.channel == "mail" for v in rows)
        for site, rows in by.items()
    }
    assert table(shop.ask("ads_less_mail", by=("visit__site",))) == counted


@pytest.mark.parametrize(("metric", "times"), [("rebate_share", 1), ("rebate_percent", 100)])
def test_decimals_divide_with_all_their_places_and_by_nothing(shop: Shop, metric: str, times: int) -> None:
    counted = {}
    for day, rows in grouped(PURCHASES, lambda p: p.day).items():
        amount, rebate = sum(p.amount for p in rows), sum(p.rebate for p in rows)
        counted[day] = float(rebate) / float(amount) * times if amount else None
    assert None in counted.values()
    assert table(shop.ask(metric, by=BY_DAY)) == expected(counted)


def test_quotients_of_quotients(shop: Shop) -> None:
    ((value,),) = shop.ask("per_visit")
    assert value == pytest.approx(float(sum(p.amount for p in PURCHASES)) / len(VISITS) / 2)


def test_a_week_ago(shop: Shop) -> None:
    by = counts(VISITS, lambda v: v.day)
    found = table(shop.ask("visits_growth", by=BY_DAY))
    counted = {}
    for day in DAYS:
        before = by.get(day - timedelta(days=7))
        counted[day] = by[day] / before - 1 if day in by and before else None
    assert {day: found.get(day) for day in DAYS} == expected(counted)


def test_a_week_ago_by_versions_of_the_instant_then(shop: Shop) -> None:
    by = counts(VISITS, lambda v: (v.day, plan_of(v)))
    found = table(shop.ask("visits_a_week_ago", by=(*BY_DAY, "person__plan")))
    days = {day + timedelta(days=7) for day, _ in by} & set(DAYS)
    assert {key: value for key, value in found.items() if value} == {
        (day, plan): by[day - timedelta(days=7), plan]
        for day in days
        for plan in {plan for there, plan in by if there == day - timedelta(days=7)}
    }
    changed = {plan for day, plan in by if day == date(2024, 2, 10)}
    assert len(changed) > 1


def test_a_month_ago_over_the_ends_of_months(shop: Shop) -> None:
    """The 29th, 30th and 31st of March are a month after the 29th of February: each tells that day."""
    by = counts(VISITS, lambda v: v.day)
    found = table(shop.ask("visits_month_ago", by=BY_DAY))
    assert {day: found.get(day) for day in DAYS} == {day: by.get(month_before(day)) for day in DAYS}
    assert {found[date(2024, 3, day)] for day in (29, 30, 31)} == {by[date(2024, 2, 29)]}


def test_a_month_ago_by_month(shop: Shop) -> None:
    by = counts(VISITS, lambda v: period(v.at, "month"))
    found = table(shop.ask("visits_month_ago", by=("metric_time__month",)))
    assert found == {month: by[month_before(month)] for month in by if month_before(month) in by}


def test_an_hour_ago(shop: Shop) -> None:
    by = counts(VISITS, lambda v: period(v.at, "hour"))
    found = table(shop.ask("visits_hour_before", by=("metric_time__hour",)))
    assert {hour for hour, n in found.items() if n} == {hour + timedelta(hours=1) for hour in by}
    assert {hour - timedelta(hours=1): n for hour, n in found.items() if n} == by


def test_against_the_first_of_the_month_and_of_the_year(shop: Shop) -> None:
    amounts = {day: sum(p.amount for p in rows) for day, rows in grouped(PURCHASES, lambda p: p.day).items()}
    found = table(shop.ask("amount_since_start_of_month", by=BY_DAY))
    counted = {}
    for day in DAYS:
        first = amounts.get(day.replace(day=1))
        counted[day] = amounts[day] - first if day in amounts and first is not None else None
    assert any(value is not None for value in counted.values())
    assert {day: found.get(day) for day in DAYS} == expected(counted)
    months = counts(VISITS, lambda v: period(v.at, "month"))
    assert table(shop.ask("visits_since_start_of_year", by=("metric_time__month",))) == {
        month: n - months[date(2024, 1, 1)] for month, n in months.items()
    }
