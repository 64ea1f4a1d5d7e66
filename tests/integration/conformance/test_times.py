"""Periods are those of the project's clock: every grain, every part of a date, and days on which clocks change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from metricflow_semantic_interfaces.type_enums.date_part import DatePart
from metricflow_semantics.specs.query_param_implementations import TimeDimensionParameter

from tests.integration.conformance.conftest import Shop
from tests.integration.conformance.counting import counts, expected, period, period_of_day, table, within
from tests.integration.conformance.shop import BERLIN, PURCHASES, VISITS

# By their clocks 31 March 2024 begins at one, and 23 March 2024 has its last hour twice.
BEIRUT, ASUNCION = ZoneInfo("Asia/Beirut"), ZoneInfo("America/Asuncion")
CHANGING = [BERLIN, BEIRUT, ASUNCION]
CLOCKS = [*CHANGING, ZoneInfo("UTC"), ZoneInfo("Asia/Kolkata")]


@pytest.mark.parametrize("grain", ["second", "minute", "hour", "day", "week", "month", "quarter", "year"])
def test_periods(shop: Shop, grain: str) -> None:
    rows = shop.ask("visits", by=(f"metric_time__{grain}",))
    assert table(rows) == expected(counts(VISITS, lambda v: period(v.at, grain)))


@pytest.mark.parametrize("grain", ["week", "month", "quarter", "year"])
def test_periods_of_a_date(shop: Shop, grain: str) -> None:
    rows = shop.ask("visits", by=(f"visit__visited_on__{grain}",))
    assert table(rows) == counts(VISITS, lambda v: period_of_day(v.day, grain))


@pytest.mark.parametrize("clock", CLOCKS[1:], ids=str)
def test_periods_of_other_clocks(shop: Shop, clock: ZoneInfo) -> None:
    for grain in ("hour", "day"):
        rows = shop.ask("visits", by=(f"metric_time__{grain}",), timezone=str(clock))
        assert table(rows) == counts(VISITS, lambda v, grain=grain: period(v.at, grain, clock))


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
    by = [TimeDimensionParameter("metric_time", date_part=DatePart(part))]
    rows = shop.ask("visits", group_by=by, group_by_names=None, order_by_names=None)
    assert table(rows) == counts(VISITS, lambda v: of(v.at.astimezone(BERLIN)))


@pytest.mark.parametrize("clock", CHANGING, ids=str)
@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2024, 2, 10), date(2024, 2, 29)),
        (date(2024, 3, 23), date(2024, 3, 23)),
        (date(2024, 3, 30), date(2024, 3, 30)),
        (date(2024, 3, 31), date(2024, 4, 1)),
    ],
    ids=str,
)
def test_a_range_of_days_begins_and_ends_with_them(shop: Shop, first: date, last: date, clock: ZoneInfo) -> None:
    by = counts(VISITS, lambda v: v.at.astimezone(clock).date())
    counted = {day: n for day, n in by.items() if first <= day <= last}
    for grouping, told in ((), [(sum(counted.values()),)]), (("metric_time__day",), sorted(counted.items())):
        assert shop.ask("visits", by=grouping, timezone=str(clock), **within(first, last)) == told


def test_a_range_of_dates(shop: Shop) -> None:
    first, last = date(2024, 2, 10), date(2024, 2, 29)
    counted = counts([v for v in VISITS if first <= v.day <= last], lambda v: v.day)
    rows = shop.ask("visits_filled", by=("metric_time__day",), **within(first, last))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    assert table(rows) == {day: counted.get(day, 0) for day in days}


def test_a_range_that_ends_at_a_time_of_day(shop: Shop) -> None:
    begin, end = datetime(2024, 2, 10, 6, 30), datetime(2024, 2, 12, 18)
    rows = shop.ask("visits", by=("metric_time__hour",), time_constraint_start=begin, time_constraint_end=end)
    hours = counts(VISITS, lambda v: period(v.at, "hour"))
    # MetricFlow widens a range to whole periods of the grain.
    first, last = begin.replace(minute=0, tzinfo=BERLIN), end.replace(tzinfo=BERLIN)
    assert table(rows) == {hour: n for hour, n in hours.items() if first <= hour <= last}


@pytest.mark.parametrize("clock", CHANGING, ids=str)
def test_the_day_before_where_clocks_change_at_midnight(shop: Shop, clock: ZoneInfo) -> None:
    by = counts(VISITS, lambda v: v.at.astimezone(clock).date())
    found = table(shop.ask("visits_day_before", by=("metric_time__day",), timezone=str(clock)))
    days = [date(2024, 3, 20) + timedelta(days=n) for n in range(13)]
    assert {day: found.get(day) for day in days} == {day: by.get(day - timedelta(days=1)) for day in days}


def test_only_rows_of_the_project_count_and_are_joined(shop: Shop) -> None:
    assert shop.ask("visits", "purchases") == [(len(VISITS), len(PURCHASES))]
    countries = {key for key, _ in shop.ask("visits", by=("person__country",))}
    plans = {key for key, _ in shop.ask("visits", by=("person__plan",))}
    assert "XX" not in countries
    assert "foreign" not in plans


def test_the_same_instant_is_another_day_elsewhere() -> None:
    """That the cases above differ from each other."""
    days: dict[str, Any] = {str(c): counts(VISITS, lambda v, c=c: v.at.astimezone(c).date()) for c in CLOCKS}
    assert len({tuple(sorted(by.items())) for by in days.values()}) == len(CLOCKS)
    assert datetime(2024, 3, 30, 22, tzinfo=UTC).astimezone(BEIRUT).hour == 1
    twice = [v for v in VISITS if v.at.astimezone(ASUNCION).strftime("%m-%d %H") == "03-23 23"]
    assert len({period(v.at, "hour", ASUNCION) for v in twice}) == 2
