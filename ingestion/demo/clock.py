"""Days, weeks and hours of a project's timezone for arrays of instants (milliseconds since 1970, UTC)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ingestion.demo.world import DAYS, HOUR_WEIGHTS

Ints = NDArray[np.int64]

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MINUTE_MS = 60_000


class Clock:
    """The local calendar of the world's days in one timezone.

    `midnights[d]` is the instant day `d` begins; a day of the change to summer time is 23 hours long, and
    everything that is asked for a day uses these instants, never 24 hours.
    """

    def __init__(self, timezone: str, start: date, days: int = DAYS) -> None:
        self.zone = ZoneInfo(timezone)
        self.start = start
        self.days = days
        self.midnights: Ints = np.array([self._midnight(start + timedelta(days=d)) for d in range(days + 1)])
        self.begin = int(self.midnights[0])
        self.end = int(self.midnights[-1])
        self.weekday: Ints = np.array([(start + timedelta(days=d)).weekday() for d in range(days)])
        self.dates = [(start + timedelta(days=d)).isoformat() for d in range(days)]

    def _midnight(self, day: date) -> int:
        return int(datetime.combine(day, time(), self.zone).timestamp() * 1000)

    def day(self, instants: Ints) -> Ints:
        """The number of the local day; below 0 before the world, `days` or more after it."""
        return np.searchsorted(self.midnights, instants, side="right") - 1

    @cached_property
    def week_of_day(self) -> Ints:
        """The number of the week (Monday first) of each day; week 0 is the one of the first day."""
        return (np.arange(self.days) + self.start.weekday()) // 7

    @cached_property
    def weeks(self) -> list[str]:
        """The Monday of each week; the first may lie before the world, the last week may end after it."""
        monday = self.start - timedelta(days=self.start.weekday())
        return [(monday + timedelta(weeks=w)).isoformat() for w in range(int(self.week_of_day[-1]) + 1)]

    @cached_property
    def month_ends(self) -> dict[str, int]:
        """The instant after each whole month's last day, by month; months that end after the world are left out."""
        ends = {}
        for d in range(self.days):
            following = self.start + timedelta(days=d + 1)
            if following.day == 1:
                ends[(following - timedelta(days=1)).strftime("%Y-%m")] = int(self.midnights[d + 1])
        return ends

    def at(self, day: Ints, fraction: NDArray[np.float64]) -> Ints:
        """The instant at this fraction of the day (of its real length)."""
        length = self.midnights[day + 1] - self.midnights[day]
        return self.midnights[day] + (fraction * length).astype(np.int64)


def time_of_day(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Fractions of a day by the hourly profile."""
    weights = np.array(HOUR_WEIGHTS)
    hour = np.searchsorted(np.cumsum(weights) / weights.sum(), rng.random(n), side="right")
    return (np.minimum(hour, 23) + rng.random(n)) / 24
