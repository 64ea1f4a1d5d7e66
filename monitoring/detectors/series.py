"""A series as detectors take it: points in the order of time, one for each time."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]

DAY = 86_400
LONGEST_GAP_SHARE = 0.5  # of the median step, by which a step may differ from it and still be one step


@dataclass(frozen=True)
class Series:
    times: Times  # seconds UTC, ascending, each once
    values: Floats  # NaN: nobody knows
    timezone: str = "UTC"  # in which people live by day and week

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of(cls, times: Times, values: Floats, timezone: str = "UTC") -> Series:
        """From points in any order; of several at one time the last counts, as in a table that is corrected."""
        seconds = times.astype("datetime64[s]")
        order = np.argsort(seconds, kind="stable")
        seconds, ordered = seconds[order], values.astype(np.float64)[order]
        ordered[~np.isfinite(ordered)] = np.nan
        last = np.append(seconds[1:] != seconds[:-1], True) if len(seconds) else np.zeros(0, bool)
        return cls(seconds[last], ordered[last], timezone)

    @property
    def step(self) -> int:
        """Seconds between two points, as a rule."""
        return int(np.median(np.diff(self.times).astype(np.int64))) if len(self) > 1 else DAY

    @property
    def per_day(self) -> int:
        return max(1, round(DAY / self.step))

    def wall_clock(self) -> npt.NDArray[np.int64]:
        """Seconds since 1970 as clocks on the wall show them: what happens at nine happens at nine in summer too."""
        seconds = self.times.astype(np.int64)
        if self.timezone == "UTC" or not len(self):
            return seconds
        import pandas as pd

        local = pd.to_datetime(seconds, unit="s", utc=True).tz_convert(ZoneInfo(self.timezone)).tz_localize(None)
        return np.asarray(local.values.astype("datetime64[s]").astype(np.int64))
