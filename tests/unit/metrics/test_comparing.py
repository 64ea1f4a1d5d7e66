"""What a range of days is compared with: by hand, on the calendar."""

from __future__ import annotations

from datetime import date

import pytest

from semantic_layer.metrics.comparing import Compared, Shift, compared, period_first, period_last
from semantic_layer.metrics.models import Compare, Grain
from warehouse.errors import WrongUsage


def days(text: str) -> tuple[date, date]:
    first, last = text.split("/")
    return date.fromisoformat(first), date.fromisoformat(last)


PREVIOUS = [
    # Without a grain: as many days, or months where the range is whole months.
    (None, "2026-03-10/2026-03-16", Shift(days=7), "2026-03-03/2026-03-09"),
    (None, "2026-03-01/2026-03-31", Shift(months=1), "2026-02-01/2026-02-28"),
    (None, "2024-03-01/2024-03-31", Shift(months=1), "2024-02-01/2024-02-29"),
    (None, "2026-02-01/2026-02-28", Shift(months=1), "2026-01-01/2026-01-31"),
    (None, "2026-04-01/2026-06-30", Shift(months=3), "2026-01-01/2026-03-31"),
    (None, "2026-01-01/2026-12-31", Shift(months=12), "2025-01-01/2025-12-31"),
    (None, "2024-02-01/2024-02-28", Shift(days=28), "2024-01-04/2024-01-31"),
    (None, "2026-03-01/2026-03-01", Shift(days=1), "2026-02-28/2026-02-28"),
    # By day and by hour each day has one that is compared with: as many days.
    (Grain.DAY, "2026-03-01/2026-03-31", Shift(days=31), "2026-01-29/2026-02-28"),
    (Grain.HOUR, "2026-03-29/2026-03-29", Shift(days=1), "2026-03-28/2026-03-28"),
    # By week: whole weeks, so that Mondays meet Mondays.
    (Grain.WEEK, "2026-03-02/2026-03-15", Shift(days=14), "2026-02-16/2026-03-01"),
    (Grain.WEEK, "2026-03-04/2026-03-13", Shift(days=14), "2026-02-18/2026-02-27"),
    # By months: the fewest that lie before; ends of months are ends of months.
    (Grain.MONTH, "2026-03-01/2026-03-31", Shift(months=1), "2026-02-01/2026-02-28"),
    (Grain.MONTH, "2026-03-01/2026-03-20", Shift(months=1), "2026-02-01/2026-02-20"),
    (Grain.MONTH, "2026-01-15/2026-03-20", Shift(months=3), "2025-10-15/2025-12-20"),
    (Grain.MONTH, "2026-02-01/2026-02-28", Shift(months=1), "2026-01-01/2026-01-31"),
    (Grain.MONTH, "2026-03-31/2026-03-31", Shift(months=1), "2026-02-28/2026-02-28"),
    (Grain.QUARTER, "2026-04-01/2026-05-31", Shift(months=3), "2026-01-01/2026-02-28"),
    (Grain.YEAR, "2026-01-01/2026-05-31", Shift(months=12), "2025-01-01/2025-05-31"),
]
YEAR = [
    (None, "2026-03-10/2026-03-16", Shift(months=12), "2025-03-10/2025-03-16"),
    (None, "2025-02-01/2025-02-28", Shift(months=12), "2024-02-01/2024-02-29"),
    (None, "2024-02-01/2024-02-29", Shift(months=12), "2023-02-01/2023-02-28"),
    (Grain.DAY, "2025-02-01/2025-02-28", Shift(months=12), "2024-02-01/2024-02-28"),
    (Grain.DAY, "2024-02-28/2024-03-01", Shift(months=12), "2023-02-28/2023-03-01"),
    (Grain.DAY, "2024-02-29/2024-03-05", Shift(months=12), "2023-03-01/2023-03-05"),
    (Grain.DAY, "2024-02-20/2024-02-29", Shift(months=12), "2023-02-20/2023-02-28"),
    (Grain.MONTH, "2025-01-01/2025-02-28", Shift(months=12), "2024-01-01/2024-02-29"),
    # 52 weeks before: Mondays meet Mondays.
    (Grain.WEEK, "2026-03-02/2026-03-08", Shift(days=364), "2025-03-03/2025-03-09"),
]

SAME_DAYS = [
    (Compare.WEEK, None, "2026-06-15/2026-06-17", Shift(days=7), "2026-06-08/2026-06-10"),
    (Compare.WEEK, Grain.DAY, "2026-06-15/2026-06-17", Shift(days=7), "2026-06-08/2026-06-10"),
    (Compare.WEEK, Grain.WEEK, "2026-06-15/2026-06-17", Shift(days=7), "2026-06-08/2026-06-10"),
    (Compare.MONTH, None, "2026-06-01/2026-06-17", Shift(months=1), "2026-05-01/2026-05-17"),
    (Compare.MONTH, None, "2026-06-01/2026-06-30", Shift(months=1), "2026-05-01/2026-05-31"),
    (Compare.MONTH, None, "2026-03-01/2026-03-30", Shift(months=1), "2026-02-01/2026-02-28"),
    (Compare.MONTH, Grain.DAY, "2026-03-30/2026-04-02", Shift(months=1), "2026-03-01/2026-03-02"),
    (Compare.MONTH, Grain.MONTH, "2026-05-01/2026-06-17", Shift(months=1), "2026-04-01/2026-05-17"),
    (Compare.QUARTER, None, "2026-04-01/2026-05-17", Shift(months=3), "2026-01-01/2026-02-17"),
    (Compare.QUARTER, Grain.MONTH, "2026-04-01/2026-05-17", Shift(months=3), "2026-01-01/2026-02-17"),
    (Compare.QUARTER, Grain.QUARTER, "2026-04-01/2026-05-17", Shift(months=3), "2026-01-01/2026-02-17"),
]


@pytest.mark.parametrize(("compare", "grain", "asked", "shift", "before"), SAME_DAYS)
def test_the_same_days_a_period_before(
    compare: Compare, grain: Grain | None, asked: str, shift: Shift, before: str
) -> None:
    assert compared(*days(asked), grain, compare) == Compared(shift, days(before))


@pytest.mark.parametrize(
    ("compare", "grain"),
    [(Compare.WEEK, Grain.MONTH), (Compare.MONTH, Grain.WEEK), (Compare.QUARTER, Grain.YEAR)],
)
def test_periods_that_have_none_so_far_before_are_not_compared(compare: Compare, grain: Grain) -> None:
    with pytest.raises(WrongUsage, match=f"By {grain} there is nothing"):
        compared(*days("2026-04-01/2026-06-17"), grain, compare)


@pytest.mark.parametrize(("grain", "asked", "shift", "before"), PREVIOUS)
def test_the_time_just_before(grain: Grain | None, asked: str, shift: Shift, before: str) -> None:
    assert compared(*days(asked), grain, Compare.PREVIOUS) == Compared(shift, days(before))


@pytest.mark.parametrize(("grain", "asked", "shift", "before"), YEAR)
def test_a_year_before(grain: Grain | None, asked: str, shift: Shift, before: str) -> None:
    assert compared(*days(asked), grain, Compare.YEAR) == Compared(shift, days(before))


def test_a_leap_day_alone_was_not_there_a_year_before() -> None:
    leap_day = date(2024, 2, 29)
    for grain in (None, Grain.DAY, Grain.HOUR):
        assert compared(leap_day, leap_day, grain, Compare.YEAR).days is None


@pytest.mark.parametrize("grain", [None, *Grain])
def test_the_time_before_ends_before_the_range_begins(grain: Grain | None) -> None:
    for length in (1, 2, 6, 7, 8, 28, 30, 31, 59, 90, 365, 366, 800):
        for start in (date(2024, 1, 31), date(2024, 2, 29), date(2026, 1, 1), date(2026, 12, 31)):
            last = date.fromordinal(start.toordinal() + length - 1)
            before = compared(start, last, grain, Compare.PREVIOUS).days
            assert before is not None
            assert before[0] <= before[1] < start


def test_periods_of_the_calendar() -> None:
    day = date(2026, 5, 17)  # a Sunday
    firsts = {grain: str(period_first(day, grain)) for grain in Grain}
    lasts = {grain: str(period_last(day, grain)) for grain in Grain}
    assert firsts == {
        **{"hour": "2026-05-17", "day": "2026-05-17", "week": "2026-05-11", "month": "2026-05-01"},
        **{"quarter": "2026-04-01", "year": "2026-01-01"},
    }
    assert lasts == {
        **{"hour": "2026-05-17", "day": "2026-05-17", "week": "2026-05-17", "month": "2026-05-31"},
        **{"quarter": "2026-06-30", "year": "2026-12-31"},
    }
