"""Periods without a row are among those that are ranked, told and drawn; counted by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from semantic_layer.ask.empty_periods import every_period, has_empty_periods, with_empty_periods
from semantic_layer.metrics.models import Comparator, Compare, Grain, Grouping, MetricQuery, Ordering, Threshold
from tests.unit.ask.world import CATALOGUE

FACTS = replace(CATALOGUE.projects["demo"], first_day=date(2026, 1, 2), last_day=date(2026, 6, 30))
DAYS = {"first_day": date(2026, 6, 22), "last_day": date(2026, 6, 28)}
ROWS = tuple((date(2026, 6, day), orders) for day, orders in ((22, 4), (23, 2), (25, 7), (26, 1), (28, 3)))


def series(metric: str = "orders", grain: Grain = Grain.DAY, **more: object) -> MetricQuery:
    query = MetricQuery(project="demo", metrics=(metric,), by=(Grouping(name="metric_time", grain=grain),))
    return query.model_copy(update={**DAYS, **more})


def test_days_on_which_nothing_happened_are_zero() -> None:
    found = with_empty_periods(series(), ROWS, FACTS)
    assert found == tuple((date(2026, 6, day), n) for day, n in zip(range(22, 29), (4, 2, 0, 7, 1, 0, 3), strict=True))


def test_the_lowest_are_those_without_a_row() -> None:
    query = series(order=(Ordering(name="orders"),), limit=3)
    assert every_period(query).limit is None and every_period(query).order == ()
    assert with_empty_periods(query, ROWS, FACTS) == (
        (date(2026, 6, 24), 0),
        (date(2026, 6, 27), 0),
        (date(2026, 6, 26), 1),
    )
    highest = series(order=(Ordering(name="orders", descending=True),), limit=1)
    assert with_empty_periods(highest, ROWS, FACTS) == ((date(2026, 6, 25), 7),)
    latest = series(order=(Ordering(name="metric_time", descending=True),), limit=2)
    assert with_empty_periods(latest, ROWS, FACTS) == ((date(2026, 6, 28), 3), (date(2026, 6, 27), 0))


def test_thresholds_hold_for_them_as_well() -> None:
    few = series(having=(Threshold(metric="orders", operator=Comparator.LESS, value=2),))
    assert [row[0].day for row in with_empty_periods(few, ROWS, FACTS)] == [24, 26, 27]


def test_they_end_with_the_data_and_begin_with_the_first_row() -> None:
    later = series(last_day=date(2026, 7, 20), first_day=date(2026, 6, 28))
    assert [row[0] for row in with_empty_periods(later, ((date(2026, 6, 28), 3),), FACTS)] == [
        date(2026, 6, 28),
        date(2026, 6, 29),
        date(2026, 6, 30),
    ]
    earlier = series(first_day=date(2025, 12, 30), last_day=date(2026, 1, 4))
    assert [row[0] for row in with_empty_periods(earlier, ((date(2026, 1, 3), 3),), FACTS)] == [
        date(2026, 1, 2),  # before it nobody knows
        date(2026, 1, 3),
        date(2026, 1, 4),
    ]
    months = series(grain=Grain.MONTH, first_day=None, last_day=None)
    found = with_empty_periods(months, ((date(2025, 11, 1), 3), (date(2026, 6, 1), 5)), FACTS)
    assert [row[0].month for row in found] == [11, 12, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("query", "has"),
    [
        (series(), True),
        (series("bounce_rate"), False),  # of no sessions nobody knows a rate
        (series(grain=Grain.HOUR), False),
        (series(compare=Compare.PREVIOUS), False),
        (series(by=()), False),
    ],
)
def test_only_of_what_is_counted_it_is_known(query: MetricQuery, has: bool) -> None:
    assert has_empty_periods(query, CATALOGUE) is has
