"""The series of a watch: its points are days of the project, and its holidays are the project's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from monitoring.watch.declared import Watch
from monitoring.watch.judging import judge
from monitoring.watch.reading import read_table
from monitoring.watch.rows import Row

FIRST, LAST, MAY_DAY = date(2026, 2, 2), date(2026, 5, 10), date(2026, 5, 1)
WATCH = Watch(name="visits")


def rows(*by: str) -> list[Row]:
    """900 visits and a few on workdays, 300 and a few on weekends and on May Day."""
    found: list[Row] = []
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=number)
        usual = 300 if day.weekday() > 4 or day == MAY_DAY else 900
        found.append((day, *("DE" for _ in by), usual + number * 7919 % 23))
    return found


@pytest.mark.parametrize(("holidays", "told"), [("DE", []), ("", [datetime(2026, 4, 30, 22, tzinfo=UTC)])])
def test_a_holiday_of_the_project_is_no_news(holidays: str, told: list[datetime]) -> None:
    now = datetime(2026, 5, 12, tzinfo=UTC)
    table = read_table(WATCH, rows, "Europe/Berlin", LAST, now, holidays=holidays)
    assert table is not None
    assert [one.started_at for one in judge(WATCH, "demo", table).findings] == told
    by_country = WATCH.model_copy(update={"by": ("session__country",)})
    cut = read_table(by_country, rows, "Europe/Berlin", LAST, now, holidays=holidays)
    assert cut is not None
    assert [one.series.holidays for one in cut.segments] == [holidays]
