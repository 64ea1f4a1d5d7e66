"""A series as detectors take it: points in the order of time, one for each time."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from monitoring.detectors.calendars import public_holidays

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Times = npt.NDArray[np.datetime64]

DAY = 86_400
SUNDAY = 3  # of days since 1970, which began on a Thursday


@dataclass(frozen=True)
class Series:
    times: Times  # seconds UTC, ascending, each once
    values: Floats  # NaN: nobody knows
    timezone: str = "UTC"  # in which people live by day and week
    holidays: str = ""  # of which country or region, as DE-BY; none: every day is an ordinary one
    cadence: int = 0  # seconds between two points, where it is known; else as all of its points say

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of(cls, times: Times, values: Floats, timezone: str = "UTC", holidays: str = "") -> Series:
        """From points in any order; of several at one time the last counts, as in a table that is corrected."""
        seconds = times.astype("datetime64[s]")
        order = np.argsort(seconds, kind="stable")
        seconds, ordered = seconds[order], values.astype(np.float64)[order]
        ordered[~np.isfinite(ordered)] = np.nan
        last = np.append(seconds[1:] != seconds[:-1], True) if len(seconds) else np.zeros(0, bool)
        return cls(seconds[last], ordered[last], timezone, holidays)

    @property
    def step(self) -> int:
        """Seconds between two points, as a rule."""
        if self.cadence:
            return self.cadence
        return int(np.median(np.diff(self.times).astype(np.int64))) if len(self) > 1 else DAY

    @property
    def per_day(self) -> int:
        return points_of_a_day(self.step)

    def wall_clock(self) -> npt.NDArray[np.int64]:
        """Seconds since 1970 as clocks on the wall show them: what happens at nine happens at nine in summer too."""
        seconds = self.times.astype(np.int64)
        if self.timezone == "UTC" or not len(self):
            return seconds
        import pandas as pd

        local = pd.to_datetime(seconds, unit="s", utc=True).tz_convert(ZoneInfo(self.timezone)).tz_localize(None)
        return np.asarray(local.values.astype("datetime64[s]").astype(np.int64))

    def is_holiday(self) -> Flags:
        if not self.holidays or self.step > DAY:  # a week with a holiday in it is none
            return np.zeros(len(self), bool)
        days = (self.wall_clock() // DAY).astype("datetime64[D]")
        years = np.unique(days.astype("datetime64[Y]")).astype(np.int64) + 1970
        free = sorted(set().union(*(public_holidays(self.holidays, year) for year in years.tolist())))
        return np.isin(days, np.array(free, dtype="datetime64[D]"))

    def ordinary(self) -> Floats:
        """The values without those of holidays, of which nothing is to be learned about other days."""
        return np.where(self.is_holiday(), np.nan, self.values)

    def day_of_week(self) -> npt.NDArray[np.int64]:
        """Of days since 1970. People do on a holiday what they do on a Sunday."""
        return np.where(self.is_holiday(), SUNDAY, self.wall_clock() // DAY % 7)


def points_of_a_day(step: int) -> int:
    return max(1, round(DAY / step))
