"""Running totals: of all time, windows and periods so far; of sums and of people; by day and at coarser grains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from statistics import median
from typing import Any

import pytest

from tests.integration.conformance.conftest import Shop
from tests.integration.conformance.counting import (
    DAYS,
    counts,
    expected,
    grouped,
    month_before,
    period,
    period_of_day,
    plain,
    table,
    within,
)
from tests.integration.conformance.shop import BERLIN, COUNTRIES, PURCHASES, VISITS, Purchase, Visit, plan_of

Counts = Callable[[date, date], bool]  # whether a row of the one day counts on the other
WINDOWS: dict[str, Counts] = {
    "amount_so_far": lambda own, day: own <= day,
    "amount_of_28_days": lambda own, day: day - timedelta(days=28) < own <= day,
    "amount_of_1_month": lambda own, day: month_before(day) < own <= day,
    "amount_of_week": lambda own, day: period_of_day(day, "week") <= own <= day,
    "amount_of_month": lambda own, day: period_of_day(day, "month") <= own <= day,
    "amount_of_year": lambda own, day: period_of_day(day, "year") <= own <= day,
}
OF_VISITORS: dict[str, Counts] = {
    "visitors_so_far": WINDOWS["amount_so_far"],
    "visitors_of_7_days": lambda own, day: day - timedelta(days=7) < own <= day,
    "visitors_of_month": WINDOWS["amount_of_month"],
}
BY_DAY = ("metric_time__day",)


def amounts(counted: Counts) -> dict[date, Any]:
    """Of each day on which any row counts."""
    found = {day: [p.amount for p in PURCHASES if counted(p.day, day)] for day in DAYS}
    return {day: sum(rows) for day, rows in found.items() if rows}


def visits(counted: Counts) -> dict[date, list[Visit]]:
    found = {day: [v for v in VISITS if counted(v.day, day)] for day in DAYS}
    return {day: rows for day, rows in found.items() if rows}


@pytest.mark.parametrize("metric", WINDOWS)
def test_by_day(shop: Shop, metric: str) -> None:
    assert table(shop.ask(metric, by=BY_DAY)) == expected(amounts(WINDOWS[metric]))


@pytest.mark.parametrize("metric", ["amount_so_far", "amount_of_28_days", "amount_of_month"])
def test_of_a_range_of_days_with_what_was_before_it(shop: Shop, metric: str) -> None:
    first, last = date(2024, 3, 5), date(2024, 3, 20)
    counted = {day: value for day, value in amounts(WINDOWS[metric]).items() if first <= day <= last}
    assert table(shop.ask(metric, by=BY_DAY, **within(first, last))) == expected(counted)


def test_without_a_time_it_is_that_at_the_end_of_the_range(shop: Shop) -> None:
    first, last = date(2024, 2, 20), date(2024, 3, 10)
    so_far = sum(p.amount for p in PURCHASES if p.day <= last)
    assert so_far != sum(p.amount for p in PURCHASES if first <= p.day <= last)
    ((total, counted),) = shop.ask("amount_so_far", "visits", **within(first, last))
    assert (total, counted) == (so_far, sum(first <= v.day <= last for v in VISITS))


@pytest.mark.parametrize(
    ("metric", "which"),
    [
        ("amount_of_28_days", lambda values: values[0]),
        ("amount_of_28_days_last", lambda values: values[-1]),
        ("amount_of_28_days_mean", lambda values: sum(values) / len(values)),
    ],
)
@pytest.mark.parametrize("grain", ["week", "month", "quarter"])
def test_at_a_coarser_grain(shop: Shop, metric: str, which: Callable[[list[Any]], Any], grain: str) -> None:
    by_day = sorted(amounts(WINDOWS["amount_of_28_days"]).items())
    counted = {
        begin: which([value for _, value in days])
        for begin, days in grouped(by_day, lambda item: period_of_day(item[0], grain)).items()
    }
    assert table(shop.ask(metric, by=(f"metric_time__{grain}",))) == expected(counted)


def test_the_largest_so_far(shop: Shop) -> None:
    found = {day: [p.amount for p in PURCHASES if p.day <= day] for day in DAYS}
    assert table(shop.ask("largest_so_far", by=BY_DAY)) == expected(
        {day: max(rows) for day, rows in found.items() if rows}
    )


@pytest.mark.parametrize("metric", OF_VISITORS)
def test_people_count_once(shop: Shop, metric: str) -> None:
    counted = {day: len({v.person for v in rows} - {None}) for day, rows in visits(OF_VISITORS[metric]).items()}
    assert table(shop.ask(metric, by=BY_DAY)) == counted
    assert "uniqExactState" in shop.sql(metric, by=BY_DAY)


def test_people_at_the_end_of_each_month(shop: Shop) -> None:
    counted = {
        month: len({v.person for v in rows} - {None})
        for month, rows in grouped(VISITS, lambda v: period(v.at, "month")).items()
    }
    assert table(shop.ask("visitors_of_month", by=("metric_time__month",))) == counted


@pytest.mark.parametrize("metric", ["visitors_so_far", "visitors_of_7_days"])
@pytest.mark.parametrize(
    ("name", "of"),
    [("visit__channel", lambda v: v.channel), ("person__country", lambda v: COUNTRIES.get(v.person))],
)
def test_people_by_a_dimension(shop: Shop, metric: str, name: str, of: Callable[[Visit], str | None]) -> None:
    counted = {
        (day, key): len({v.person for v in rows} - {None})
        for day, members in visits(OF_VISITORS[metric]).items()
        for key, rows in grouped(members, of).items()
    }
    assert table(shop.ask(metric, by=(*BY_DAY, name))) == counted


@pytest.mark.parametrize(
    ("name", "of"),
    [("purchase__product", lambda p: p.product), ("person__country", lambda p: COUNTRIES.get(p.person))],
)
def test_amounts_by_a_dimension(shop: Shop, name: str, of: Callable[[Purchase], str | None]) -> None:
    counted = {
        (day, key): sum(p.amount for p in rows)
        for day in DAYS
        for key, rows in grouped([p for p in PURCHASES if p.day <= day], of).items()
    }
    assert table(shop.ask("amount_so_far", by=(*BY_DAY, name))) == expected(counted)


# Of visits that have an instant, by a plan that people change: it is that of the visit, whatever day the total is of.
SEEN = {
    "seen_so_far": OF_VISITORS["visitors_so_far"],
    "seen_in_7_days": OF_VISITORS["visitors_of_7_days"],
    "seen_in_month": OF_VISITORS["visitors_of_month"],
}


@pytest.mark.parametrize("metric", SEEN)
def test_versions_are_those_of_the_instant_of_what_is_counted(shop: Shop, metric: str) -> None:
    counted = {
        (day, plan): len({v.person for v in rows} - {None})
        for day, members in visits(SEEN[metric]).items()
        for plan, rows in grouped(members, plan_of).items()
    }
    assert table(shop.ask(metric, by=(*BY_DAY, "person__plan"))) == counted
    first, last = date(2024, 2, 9), date(2024, 3, 2)
    within_them = {key: value for key, value in counted.items() if first <= key[0] <= last}
    assert table(shop.ask(metric, by=(*BY_DAY, "person__plan"), **within(first, last))) == within_them
    of_pro = {day: value for (day, plan), value in counted.items() if plan == "pro"}
    where = ["{{ Dimension('person__plan') }} = 'pro'"]
    assert table(shop.ask(metric, by=BY_DAY, where_constraints=where)) == of_pro


@pytest.mark.parametrize("metric", OF_VISITORS)
def test_versions_of_what_has_a_day_are_those_at_its_begin(shop: Shop, metric: str) -> None:
    def plan_that_morning(visit: Visit) -> str | None:
        return plan_of(replace(visit, at=datetime.combine(visit.day, time(), BERLIN)))

    counted = {
        (day, plan): len({v.person for v in rows} - {None})
        for day, members in visits(OF_VISITORS[metric]).items()
        for plan, rows in grouped(members, plan_that_morning).items()
    }
    assert table(shop.ask(metric, by=(*BY_DAY, "person__plan"))) == counted


@pytest.mark.parametrize("grain", ["week", "month"])
def test_versions_at_a_coarser_grain(shop: Shop, grain: str) -> None:
    last_days = {begin: max(days) for begin, days in grouped(DAYS, lambda day: period_of_day(day, grain)).items()}
    counted = {
        (begin, plan): len({v.person for v in rows} - {None})
        for begin, last in last_days.items()
        for plan, rows in grouped([v for v in VISITS if v.day <= last], plan_of).items()
    }
    assert table(shop.ask("seen_so_far", by=(f"metric_time__{grain}", "person__plan"))) == counted


def test_versions_without_a_time(shop: Shop) -> None:
    counted = {plan: len({v.person for v in rows} - {None}) for plan, rows in grouped(VISITS, plan_of).items()}
    assert table(shop.ask("seen_so_far", by=("person__plan",))) == counted


def test_with_a_filter(shop: Shop) -> None:
    counted = {
        day: len({v.person for v in rows if v.channel == "ads"} - {None})
        for day, rows in visits(OF_VISITORS["visitors_of_7_days"]).items()
        if any(v.channel == "ads" for v in rows)
    }
    assert table(shop.ask("visitors_of_ads_of_7_days", by=BY_DAY)) == counted
    where = ["{{ Dimension('visit__channel') }} = 'ads'"]
    assert table(shop.ask("visitors_of_7_days", by=BY_DAY, where_constraints=where)) == counted


@pytest.mark.parametrize(
    ("metric", "how"),
    [("seconds_mean_of_7_days", lambda values: sum(values) / len(values)), ("seconds_median_of_7_days", median)],
)
def test_means_and_medians_of_windows(shop: Shop, metric: str, how: Callable[[list[int]], float]) -> None:
    found = {
        day: [v.seconds for v in rows if v.seconds is not None]
        for day, rows in visits(OF_VISITORS["visitors_of_7_days"]).items()
    }
    counted = {day: how(values) if values else None for day, values in found.items()}
    assert table(shop.ask(metric, by=BY_DAY)) == expected(counted)
    # Of a month its first day, also where that has none.
    assert counted[DAYS[0]] is None
    first = {month: counted[min(days)] for month, days in grouped(counted, lambda day: day.replace(day=1)).items()}
    assert table(shop.ask(metric, by=("metric_time__month",))) == expected(first)


def test_hours_of_a_window_are_24_also_when_clocks_change(shop: Shop) -> None:
    by_hour = counts(VISITS, lambda v: period(v.at, "hour"))
    found = table(shop.ask("visits_of_24_hours", by=("metric_time__hour",)))
    counted = {
        hour: n
        for hour in found
        if (n := sum(count for own, count in by_hour.items() if hour - timedelta(hours=24) < own <= hour))
    }
    assert found == counted
    assert len(found) > 24 * 50


def test_beside_other_metrics(shop: Shop) -> None:
    so_far, by = amounts(WINDOWS["amount_so_far"]), counts(VISITS, lambda v: v.day)
    rows = shop.ask("amount_so_far", "visits", "visitors_of_7_days", by=BY_DAY)
    people = {
        day: len({v.person for v in rows} - {None}) for day, rows in visits(OF_VISITORS["visitors_of_7_days"]).items()
    }
    assert {day: values for day, *values in rows} == {
        day: [so_far.get(day), by.get(day), people.get(day)] for day in DAYS
    }


TOGETHER = ("amount_so_far", "visitors_so_far", "visitors_of_7_days", "seconds_mean_of_7_days", "largest_so_far")
ASKED: list[dict[str, Any]] = [
    {"by": (*BY_DAY, "person__country"), **within(date(2024, 2, 20), date(2024, 3, 5))},
    {"by": BY_DAY, "where_constraints": ["{{ Dimension('person__country') }} = 'DE'"]},
    {
        "by": ("metric_time__month", "person__plan"),
        "where_constraints": [
            "{{ TimeDimension('metric_time', 'day') }} >= '2024-03-03' OR {{ Dimension('person__country') }} IS NULL"
        ],
    },
]


@pytest.mark.parametrize("metric", TOGETHER)
def test_facts_are_grouped_before_they_are_joined_to_days(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, metric: str
) -> None:
    """Which changes nothing: as planned by MetricFlow, whatever is asked, the answer is the same."""
    ours = [shop.ask(metric, **asked) for asked in ASKED]
    assert all("AS part_0" in shop.sql(metric, **asked) for asked in ASKED)
    monkeypatch.setattr("semantic_layer.clickhouse.plans.grouped_before_the_join", lambda *_: None)
    assert not any("AS part_0" in shop.sql(metric, **asked) for asked in ASKED)
    for rows, asked in zip(ours, ASKED, strict=True):
        planned = shop.ask(metric, **asked)
        assert planned
        assert sorted(map(plainly, rows), key=str) == sorted(map(plainly, planned), key=str)


def plainly(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(map(plain, row))
