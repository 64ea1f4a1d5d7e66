"""What a metric says is what Python counts from the same rows: every kind of metric, every grain, every way to join."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

import pytest
from metricflow_semantic_interfaces.type_enums.date_part import DatePart
from metricflow_semantics.specs.query_param_implementations import TimeDimensionParameter

from tests.integration.conformance.conftest import Shop
from tests.integration.conformance.shop import BERLIN, COUNTRIES, FIRST, LAST, PLANS, PURCHASES, VISITS, Purchase, Visit

DAYS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]


def grouped(rows: Iterable[Any], key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    found = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found


def local(moment: datetime) -> datetime:
    return moment.astimezone(BERLIN).replace(tzinfo=None)


def period(moment: datetime, grain: str) -> datetime:
    here = local(moment)
    midnight = here.replace(hour=0, minute=0, second=0)
    match grain:
        case "second":
            return here
        case "minute":
            return here.replace(second=0)
        case "hour":
            return here.replace(minute=0, second=0)
        case "day":
            return midnight
        case "week":
            return midnight - timedelta(days=midnight.weekday())
        case "month":
            return midnight.replace(day=1)
        case "quarter":
            return midnight.replace(day=1, month=(midnight.month - 1) // 3 * 3 + 1)
    return midnight.replace(day=1, month=1)


def shown(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Instants as the clock in Berlin shows them; numbers as floats, rounded where they were divided."""

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return value.astimezone(BERLIN).replace(tzinfo=None) if value.tzinfo else value
        if isinstance(value, date):
            return datetime.combine(value, datetime.min.time())
        if isinstance(value, Decimal | float):
            return round(float(value), 9)
        return value

    return sorted((tuple(plain(value) for value in row) for row in rows), key=str)


def expected(found: dict[Any, Any]) -> list[tuple[Any, ...]]:
    return shown([(*(key if isinstance(key, tuple) else (key,)), value) for key, value in found.items()])


# Grains and clocks


@pytest.mark.parametrize("grain", ["second", "minute", "hour", "day", "week", "month", "quarter", "year"])
def test_periods_are_those_of_the_clock_in_berlin(shop: Shop, grain: str) -> None:
    by = grouped(VISITS, lambda v: period(v.at, grain))
    assert shown(shop.ask("visits", by=(f"metric_time__{grain}",))) == expected({k: len(v) for k, v in by.items()})


def test_days_of_another_timezone(shop: Shop) -> None:
    by = grouped(VISITS, lambda v: v.at.astimezone(UTC).date())
    rows = shop.ask("visits", by=("metric_time__day",), timezone="UTC")
    assert [(_day(moment), count) for moment, count in rows] == sorted((day, len(v)) for day, v in by.items())


def test_only_rows_of_the_project_count(shop: Shop) -> None:
    assert shop.ask("visits") == [(len(VISITS),)]


@pytest.mark.parametrize(
    ("part", "of"),
    [
        ("year", lambda t: t.year),
        ("quarter", lambda t: (t.month + 2) // 3),
        ("month", lambda t: t.month),
        ("day", lambda t: t.day),
        ("dow", lambda t: t.isoweekday()),
        ("doy", lambda t: t.timetuple().tm_yday),
    ],
)
def test_parts_of_dates(shop: Shop, part: str, of: Callable[[datetime], int]) -> None:
    by = grouped(VISITS, lambda v: of(local(v.at)))
    rows = shop.ask("visits", group_by=[TimeDimensionParameter("metric_time", date_part=DatePart(part))])
    assert shown(rows) == expected({k: len(v) for k, v in by.items()})


def test_a_range_of_days_has_all_of_its_last_day(shop: Shop) -> None:
    """The 29th of February ends in Berlin an hour before it ends in UTC, and a visit is in its last second."""
    begin, end = date(2024, 2, 10), date(2024, 2, 29)
    counted = sum(begin <= v.day <= end for v in VISITS)
    assert any(local(v.at) == datetime(2024, 2, 29, 23, 59, 59) for v in VISITS)
    rows = shop.ask(
        "visits",
        time_constraint_start=datetime(2024, 2, 10),
        time_constraint_end=datetime(2024, 2, 29),
    )
    assert rows == [(counted,)]


# Simple metrics


def of_seconds(how: Callable[[list[int]], Any]) -> dict[Any, Any]:
    by = grouped(VISITS, lambda v: v.channel)
    return {key: how([v.seconds for v in rows if v.seconds is not None]) for key, rows in by.items()}


def inclusive(values: list[int], share: float) -> float:
    ordered, place = sorted(values), share * (len(values) - 1)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    return below + (above - below) * (place - math.floor(place))


def discrete(values: list[int], hundredths: int) -> int:
    return sorted(values)[max(-(-hundredths * len(values) // 100), 1) - 1]


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
    assert shown(shop.ask(metric, by=("visit__channel",))) == expected(of_seconds(how))


def test_distinct_people_do_not_count_nobody(shop: Shop) -> None:
    by = grouped(VISITS, lambda v: v.day)
    counted = {day: len({v.person for v in rows} - {None}) for day, rows in by.items()}
    rows = shop.ask("visitors", by=("metric_time__day",))
    assert [(_day(moment), count) for moment, count in rows] == sorted(counted.items())


def test_a_decimal_is_divided_row_by_row_without_losing_places(shop: Shop) -> None:
    by = grouped(PURCHASES, lambda p: p.product)
    counted = {key: sum(float(p.amount) / p.pieces for p in rows) for key, rows in by.items()}
    rows = shop.ask("amount_each", by=("purchase__product",))
    assert {key: round(value, 6) for key, value in rows} == {key: round(value, 6) for key, value in counted.items()}


def test_a_metric_with_its_own_filter(shop: Shop) -> None:
    assert shop.ask("visits_of_ads") == [(sum(v.channel == "ads" for v in VISITS),)]


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ("{{ Dimension('visit__channel') }} = 'mail'", lambda v: v.channel == "mail"),
        ("{{ Dimension('visit__channel') }} IS NULL", lambda v: v.channel is None),
        ("{{ Dimension('visit__channel') }} IN ('ads', 'mail')", lambda v: v.channel in ("ads", "mail")),
        ("{{ Dimension('person__country') }} = 'DE'", lambda v: COUNTRIES.get(v.person) == "DE"),
        ("{{ Dimension('person__country') }} IS NULL", lambda v: COUNTRIES.get(v.person) is None),
        ("{{ TimeDimension('metric_time', 'day') }} >= '2024-03-30'", lambda v: v.day >= date(2024, 3, 30)),
        (
            "{{ TimeDimension('metric_time', 'month') }} = '2024-02-01'",
            lambda v: (v.day.year, v.day.month) == (2024, 2),
        ),
    ],
)
def test_filters(shop: Shop, where: str, holds: Callable[[Visit], bool]) -> None:
    assert shop.ask("visits", where_constraints=[where]) == [(sum(holds(v) for v in VISITS),)]


def test_a_filter_by_another_metric(shop: Shop) -> None:
    times = {person: len(rows) for person, rows in grouped(PURCHASES, lambda p: p.person).items()}
    assert shop.ask("visits_of_buyers") == [(sum(times.get(v.person, 0) > 1 for v in VISITS),)]


def test_order_and_limit(shop: Shop) -> None:
    by = sorted((len(rows), day) for day, rows in grouped(VISITS, lambda v: v.day).items())
    request = shop.clickhouse.rows(
        shop.sql("visits", by=("metric_time__day",)).replace("ORDER BY 1", "ORDER BY 2 DESC LIMIT 1")
    )
    assert request[0][1] == by[-1][0]


# Joins


def test_what_has_no_match_is_null(shop: Shop) -> None:
    by = grouped(VISITS, lambda v: COUNTRIES.get(v.person))
    rows = shop.ask("visits", by=("person__country",))
    assert shown(rows) == expected({k: len(v) for k, v in by.items()})
    assert None in by


def plan_at(person: str | None, moment: datetime) -> str | None:
    for plan in PLANS:
        if plan.person == person and plan.begins <= moment and (plan.ends is None or moment < plan.ends):
            return plan.plan
    return None


def test_versions_are_joined_as_of_the_moment(shop: Shop) -> None:
    by = grouped(VISITS, lambda v: plan_at(v.person, v.at))
    assert {"free", "pro", "team", None} == set(by)
    assert shown(shop.ask("visits", by=("person__plan",))) == expected({k: len(v) for k, v in by.items()})


def test_two_facts_side_by_side(shop: Shop) -> None:
    visits, purchases = grouped(VISITS, lambda v: v.day), grouped(PURCHASES, lambda p: p.day)
    rows = shop.ask("visits", "purchases", by=("metric_time__day",))
    assert {(_day(moment), a, b) for moment, a, b in rows} == {
        (day, len(visits[day]) or None, len(purchases[day]) or None) for day in {*visits, *purchases}
    }


# Ratios and derived metrics


def test_a_ratio(shop: Shop) -> None:
    by = grouped(PURCHASES, lambda p: p.product)
    counted = {key: float(sum(p.amount for p in rows)) / len(rows) for key, rows in by.items()}
    assert shown(shop.ask("mean_amount", by=("purchase__product",))) == expected(counted)


@pytest.mark.parametrize(("metric", "times"), [("rebate_share", 1), ("rebate_percent", 100)])
def test_decimals_divide_with_all_their_places(shop: Shop, metric: str, times: int) -> None:
    by = grouped(PURCHASES, lambda p: p.day)
    for moment, share in shop.ask(metric, by=("metric_time__day",)):
        rows = by[_day(moment)]
        amount, rebate = sum(p.amount for p in rows), sum(p.rebate for p in rows)
        assert share == (pytest.approx(float(rebate) / float(amount) * times, rel=1e-12) if amount else None)
    assert any(
        not sum(p.amount for p in rows) for rows in by.values()
    )  # a day on which something is divided by nothing


def test_quotients_of_quotients(shop: Shop) -> None:
    ((value,),) = shop.ask("per_visit")
    assert value == pytest.approx(float(sum(p.amount for p in PURCHASES)) / len(VISITS) / 2)


# Running totals


def totals(counts: Callable[[Purchase, date], bool]) -> dict[date, float | None]:
    found: dict[date, float | None] = {}
    for day in DAYS:
        rows = [p for p in PURCHASES if counts(p, day)]
        found[day] = float(sum(p.amount for p in rows)) if rows else None
    return found


WINDOWS: dict[str, Callable[[Purchase, date], bool]] = {
    "amount_so_far": lambda p, day: p.day <= day,
    "amount_of_28_days": lambda p, day: day - timedelta(days=28) < p.day <= day,
    "amount_of_month": lambda p, day: (p.day.year, p.day.month) == (day.year, day.month) and p.day <= day,
}


@pytest.mark.parametrize("metric", WINDOWS)
def test_running_totals(shop: Shop, metric: str) -> None:
    counted = {day: value for day, value in totals(WINDOWS[metric]).items() if value is not None}
    rows = shop.ask(metric, by=("metric_time__day",))
    assert {_day(moment): round(float(value), 6) for moment, value in rows} == {
        day: round(value, 6) for day, value in counted.items()
    }


@pytest.mark.parametrize(
    ("metric", "which"),
    [
        ("amount_of_28_days", lambda values: values[0]),
        ("amount_of_28_days_last", lambda values: values[-1]),
        ("amount_of_28_days_mean", lambda values: sum(values) / len(values)),
    ],
)
def test_running_totals_of_months(shop: Shop, metric: str, which: Callable[[list[float]], float]) -> None:
    by_month = defaultdict(list)
    for day, value in totals(WINDOWS["amount_of_28_days"]).items():
        if value is not None:
            by_month[day.replace(day=1)].append(value)
    rows = shop.ask(metric, by=("metric_time__month",))
    assert {_day(moment): round(float(value), 6) for moment, value in rows} == {
        month: round(which(values), 6) for month, values in by_month.items()
    }


def test_a_total_so_far_without_a_time_is_that_at_the_end_of_the_range(shop: Shop) -> None:
    begin, end = date(2024, 2, 20), date(2024, 3, 10)
    midnight = datetime.min.time()
    within = {
        "time_constraint_start": datetime.combine(begin, midnight),
        "time_constraint_end": datetime.combine(end, midnight),
    }
    so_far = sum(p.amount for p in PURCHASES if p.day <= end)
    assert so_far != sum(p.amount for p in PURCHASES if begin <= p.day <= end)
    ((total, visits),) = shop.ask("amount_so_far", "visits", **within)
    assert (float(total), visits) == (float(so_far), sum(begin <= v.day <= end for v in VISITS))


def test_the_largest_so_far(shop: Shop) -> None:
    rows = shop.ask("largest_so_far", by=("metric_time__day",))
    assert {_day(moment): value for moment, value in rows} == {
        day: max(p.amount for p in PURCHASES if p.day <= day) for day in DAYS if any(p.day <= day for p in PURCHASES)
    }


@pytest.mark.parametrize(("metric", "days"), [("visitors_of_7_days", 7), ("visitors_so_far", 10_000)])
def test_people_of_a_window_count_once(shop: Shop, metric: str, days: int) -> None:
    counted = {}
    for day in DAYS:
        people = {v.person for v in VISITS if day - timedelta(days=days) < v.day <= day}
        if people:
            counted[day] = len(people - {None})
    rows = shop.ask(metric, by=("metric_time__day",))
    assert {_day(moment): value for moment, value in rows} == counted
    assert "uniqExactState" in shop.sql(metric, by=("metric_time__day",))


def test_running_totals_by_a_dimension_of_their_own_and_of_people(shop: Shop) -> None:
    for name, of in (
        ("purchase__product", lambda p: p.product),
        ("person__country", lambda p: COUNTRIES.get(p.person)),
    ):
        counted = {}
        for day in DAYS:
            for key, rows in grouped([p for p in PURCHASES if p.day <= day], of).items():
                counted[day, key] = round(float(sum(p.amount for p in rows)), 6)
        rows = shop.ask("amount_so_far", by=("metric_time__day", name))
        assert {(_day(moment), key): round(float(value), 6) for moment, key, value in rows} == counted


# Offsets


def test_a_week_ago(shop: Shop) -> None:
    by = {day: len(rows) for day, rows in grouped(VISITS, lambda v: v.day).items()}
    rows = {_day(moment): value for moment, value in shop.ask("visits_growth", by=("metric_time__day",))}
    for day in DAYS:
        before = by.get(day - timedelta(days=7))
        if day in by and before:
            assert rows[day] == pytest.approx(by[day] / before - 1)
        else:
            assert rows.get(day) is None


def test_a_month_ago_over_the_ends_of_months(shop: Shop) -> None:
    """The 29th, 30th and 31st of March are a month after the 29th of February: each tells that day."""
    by = {day: len(rows) for day, rows in grouped(VISITS, lambda v: v.day).items()}
    rows = {_day(moment): value for moment, value in shop.ask("visits_month_ago", by=("metric_time__day",))}
    assert rows[date(2024, 3, 15)] == by[date(2024, 2, 15)]
    for day in (29, 30, 31):
        assert rows[date(2024, 3, day)] == by[date(2024, 2, 29)]


def test_against_the_first_of_the_month(shop: Shop) -> None:
    by = {day: sum(p.amount for p in rows) for day, rows in grouped(PURCHASES, lambda p: p.day).items()}
    for moment, value in shop.ask("amount_since_start_of_month", by=("metric_time__day",)):
        day = _day(moment)
        first = by.get(day.replace(day=1))
        assert value == (by[day] - first if day in by and first is not None else None)


# Days without rows


def test_days_without_rows_are_told_as_zero_where_that_is_meant(shop: Shop) -> None:
    by = {day: len(rows) for day, rows in grouped(VISITS, lambda v: v.day).items()}
    rows = shop.ask("visits_filled", by=("metric_time__day",))
    assert {_day(moment): value for moment, value in rows} == {day: by.get(day, 0) for day in DAYS}
    assert 0 in {by.get(day, 0) for day in DAYS}


# Conversions


def converted(within: timedelta | None) -> int:
    """Purchases that have a visit of the same person before them: each counts once."""
    return sum(
        any(
            v.person == p.person and v.at <= p.at and (within is None or v.at > p.at - within)
            for v in VISITS
            if v.person is not None
        )
        for p in PURCHASES
    )


def test_conversions(shop: Shop) -> None:
    assert shop.ask("conversions") == [(converted(None),)]
    ((rate,),) = shop.ask("conversion")
    assert rate == pytest.approx(converted(timedelta(days=1)) / len(VISITS))
    assert converted(timedelta(days=1)) < converted(None)


# Nothing at all


def test_of_no_rows_there_is_no_number(empty_shop: Shop) -> None:
    for metric in ("visits", "seconds_sum", "seconds_mean", "seconds_least", "seconds_p90", "amount", "mean_amount"):
        assert empty_shop.ask(metric) == [(None,)], metric
    assert empty_shop.ask("visitors") == [(0,)]
    assert empty_shop.ask("rebate_share") == [(None,)]
    assert empty_shop.ask("visits", by=("metric_time__day",)) == []
    assert empty_shop.ask("amount_so_far", by=("metric_time__day",)) == []


def _day(moment: datetime | date) -> date:
    return (
        moment.astimezone(BERLIN).date()
        if isinstance(moment, datetime) and moment.tzinfo
        else (_day(moment) if isinstance(moment, datetime) else moment)
    )
