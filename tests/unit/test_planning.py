"""`millrace plan`: sums that were done by hand."""

from __future__ import annotations

import pytest

from warehouse.errors import MillraceError
from warehouse.planning import Measured, Wish, days_of, number_of, plan

GIB = 1024**3
MEASURED = Measured(
    events=1000,
    bytes_per_event={"raw": 70.0, "marts": 140.0},
    load_events_per_second=100_000.0,
    build_cpu_seconds_per_event=0.0001,
)


def test_a_hundred_million_events_a_day_for_a_year() -> None:
    made = plan(MEASURED, Wish(100_000_000, 365, cores=4, disk_bytes=10**12))
    assert made.disk_bytes == 10_950_000_000_000  # 100 M x 365 x 210 B, and 30 % of it all is free
    assert made.shards_for_disk == 11
    assert made.load_hours_per_day == pytest.approx(1000 / 3600)
    assert made.build_hours_per_day == pytest.approx(2500 / 3600)  # 10,000 core seconds on 4 cores
    assert (made.shards_for_time, made.shards) == (1, 11)
    assert made.memory_bytes == 16 * GIB


def test_time_asks_for_shards_where_disk_does_not() -> None:
    # 20,000 s to load and 100,000 s to build on one core; half a day is 43,200 s.
    made = plan(MEASURED, Wish(2_000_000_000, 1, cores=2, disk_bytes=10**15))
    assert (made.shards_for_disk, made.shards_for_time, made.shards) == (1, 3, 3)


def test_what_is_not_measured_is_not_made_up() -> None:
    unknown = Measured(1000, {"raw": 70.0}, None, 0.1)
    with pytest.raises(MillraceError, match="how long a load takes"):
        plan(unknown, Wish(10, 1, 1, GIB))


@pytest.mark.parametrize(
    ("text", "number"), [("250000", 250_000), ("500k", 500_000), ("1.5M", 1_500_000), ("2G", 2 * 10**9)]
)
def test_numbers_of_events(text: str, number: int) -> None:
    assert number_of(text) == number


@pytest.mark.parametrize("text", ["", "0", "100 M", "many", "-5", "1T"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(MillraceError, match="no number of events"):
        number_of(text)


def test_retention() -> None:
    assert (days_of("90d"), days_of("2y")) == (90, 730)
    with pytest.raises(MillraceError, match="no retention"):
        days_of("2 months")
