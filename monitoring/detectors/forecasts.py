"""What was to be expected at each point: several simple forecasts, and of them the one that was nearest lately."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitoring.detectors import past
from monitoring.detectors.series import DAY, Floats, Series

DAYS_OF_A_PROFILE, WEEKS_OF_A_PROFILE = 7, 4
LEAST_OF_A_PHASE = 3
FINEST_PHASE = 300  # seconds: points of one phase must come again, also where their times jitter
MEMORY_DAYS = 14  # of errors
LEAST_MEMORY = 60  # points, for series of days


@dataclass(frozen=True)
class Forecast:
    name: str
    expected: Floats  # NaN: too little is known
    scale: Floats  # how far off it was lately, as a standard deviation would be


def memory(series: Series) -> int:
    return max(series.per_day * MEMORY_DAYS, LEAST_MEMORY)


def forecasts(series: Series) -> list[Forecast]:
    values, per_day = series.values, series.per_day
    found = {"the last days": past.median(values, max(per_day * 7, 28), 8)}
    clock = series.wall_clock()
    resolution = max(series.step, FINEST_PHASE)
    for name, season, points in (
        ("the time of day", DAY, DAYS_OF_A_PROFILE),
        ("the day of week", 7 * DAY, WEEKS_OF_A_PROFILE),
    ):
        if season >= 4 * series.step:
            profile = past.median_of_phase(values, (clock % season) // resolution, points, LEAST_OF_A_PHASE)
            found[name] = profile
            # A profile that is too high all day is right about the shape of the day.
            lately = past.median(values - profile, max(per_day // 8, 6), 3)
            found[f"{name}, and the level lately"] = profile + np.nan_to_num(lately)
    return [Forecast(name, expected, _scale(series, expected)) for name, expected in found.items()]


def nearest(series: Series, candidates: list[Forecast]) -> npt.NDArray[np.intp]:
    """For each point, which of them was nearest to the points before it."""
    points = max(series.per_day * 7, 28)
    errors = [past.median(np.abs(series.values - one.expected), points, 8) for one in candidates]
    return np.asarray(np.argmin(np.nan_to_num(np.array(errors), nan=np.inf), axis=0))


def _scale(series: Series, expected: Floats) -> Floats:
    """The wider of what half and of what nine tenths of the errors say: tails may be long."""
    errors = np.abs(series.values - expected)
    points = memory(series)
    half = past.median(errors, points, 8) * 1.4826
    most = past.quantile(errors, points, 8, 0.9) / 1.6449
    smallest = 1e-6 * np.fmax(past.quantile(np.abs(series.values), points, 1, 1.0), 1e-9)
    return np.fmax(np.fmax(half, most), smallest)
