"""What was to be expected at each point: several simple forecasts, and of them the one that was nearest lately."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitoring.detectors import past
from monitoring.detectors.series import DAY, Floats, Series

DAYS_OF_A_PROFILE, WEEKS_OF_A_PROFILE = 7, 6
LEAST_DAYS_OF_A_PHASE, LEAST_WEEKS_OF_A_PHASE = 3, 2
FINEST_PHASE = 300  # seconds: points of one phase must come again, also where their times jitter
DAYS_OF_A_LEVEL = 7
MEMORY_DAYS = 14  # of errors
LEAST_MEMORY = 60  # points, for series of days
MOST_ROOT = 1e150  # its square is still a number


@dataclass(frozen=True)
class Forecast:
    name: str
    expected: Floats  # NaN: too little is known
    ordinary: Floats  # what would be expected if no day were a holiday
    z: Floats  # how far off the value is, in standard deviations as they were lately
    scale: Floats  # of them, in the unit of `Unit`


@dataclass(frozen=True)
class Unit:
    """In what errors are measured. A count's noise grows with its root, so that errors of counts are told of roots."""

    is_count: npt.NDArray[np.bool_]  # of each point: it and all before it are whole and not negative

    @classmethod
    def of(cls, values: Floats) -> Unit:
        counts = ~np.isfinite(values) | ((values >= 0) & (values == np.floor(values)))
        return cls(np.logical_and.accumulate(counts) if len(values) else np.zeros(0, bool))

    def errors(self, values: Floats, expected: Floats) -> tuple[Floats, Floats]:
        """Plain ones, and those of roots, which for a Poisson count are a standard deviation."""
        return values - expected, 2 * (_root(values) - _root(expected))

    def reach(self, expected: Floats, deviation: Floats, scale: Floats) -> tuple[Floats, Floats]:
        """The values so many standard deviations below and above what is expected."""
        root, half = _root(expected), np.minimum(deviation * scale / 2, MOST_ROOT)
        lower = np.where(self.is_count, np.maximum(root - half, 0) ** 2 - 0.375, expected - deviation * scale)
        upper = np.where(self.is_count, (root + half) ** 2 - 0.375, expected + deviation * scale)
        return np.where(self.is_count, np.clip(lower, 0, np.fmax(expected, 0)), lower), upper


def _root(values: Floats) -> Floats:
    return np.sqrt(np.maximum(values, 0) + 0.375)


def memory(series: Series) -> int:
    return max(series.per_day * MEMORY_DAYS, LEAST_MEMORY)


def forecasts(series: Series) -> list[Forecast]:
    values, per_day = series.ordinary(), series.per_day
    found = {"the last days": past.median(values, max(per_day * 7, 28), 8)}
    clock = series.wall_clock()
    resolution = max(series.step, FINEST_PHASE)
    for name, season, points, least in (
        ("the time of day", DAY, DAYS_OF_A_PROFILE, LEAST_DAYS_OF_A_PHASE),
        ("the day of week", 7 * DAY, WEEKS_OF_A_PROFILE, LEAST_WEEKS_OF_A_PHASE),
    ):
        if season < 4 * series.step:
            continue
        phases = (clock % season) // resolution
        found[name] = profile = past.median_of_phase(values, phases, points, least)
        if per_day == 1:
            # What a Monday is beside the week before it: of Mondays before and after a new level a median is neither.
            level = past.median(values, DAYS_OF_A_LEVEL, 3)
            shape = past.median_of_phase(values - level, phases, points, least)
            found[f"{name}, and the level lately"] = level + np.nan_to_num(shape)
        else:
            # A profile that is too high all day is right about the shape of the day.
            lately = past.median(values - profile, max(per_day // 8, 6), 3)
            found[f"{name}, and the level lately"] = profile + np.nan_to_num(lately)
    unit = Unit.of(series.values)
    if unit.is_count.any():
        found = {name: np.where(unit.is_count & (own < 0), 0.0, own) for name, own in found.items()}
    of_holidays = np.full(len(series), np.nan)
    if series.is_holiday().any():
        phases = (series.day_of_week() * DAY + clock % DAY) // resolution
        sundays = past.median_of_phase(values, phases, WEEKS_OF_A_PROFILE, LEAST_WEEKS_OF_A_PHASE)
        of_holidays = np.where(series.is_holiday(), sundays, np.nan)
    return [_forecast(series, unit, name, ordinary, of_holidays) for name, ordinary in found.items()]


def nearest(series: Series, candidates: list[Forecast]) -> npt.NDArray[np.intp]:
    """For each point, which of them was nearest to the points before it. Of days, which errs least at its worst, too:
    one that was off for two weeks of a new level knows no more what is far off, as long as it remembers them."""
    if series.per_day == 1:
        return np.asarray(np.argmin(np.nan_to_num(np.array([one.scale for one in candidates]), nan=np.inf), axis=0))
    points = max(series.per_day * 7, 28)
    errors = [past.median(np.abs(series.ordinary() - one.expected), points, 8) for one in candidates]
    return np.asarray(np.argmin(np.nan_to_num(np.array(errors), nan=np.inf), axis=0))


def _forecast(series: Series, unit: Unit, name: str, ordinary: Floats, of_holidays: Floats) -> Forecast:
    plain, of_roots = unit.errors(series.ordinary(), ordinary)
    smallest = 1e-6 * np.fmax(past.quantile(np.abs(series.values), memory(series), 1, 1.0), 1e-9)
    own = np.maximum(_scale(series, plain), smallest)
    own_of_roots = _scale(series, of_roots)
    # A count is never less noisy than chance makes it, unless it never changes.
    changed = past.count_of_changes(series.values) > 0
    own_of_roots = np.where(changed | (ordinary == 0), np.maximum(own_of_roots, 1.0), np.maximum(own_of_roots, 1e-6))
    scale = np.where(unit.is_count, own_of_roots, own)
    # A holiday may be as a Sunday or as an ordinary day: what is between the two is not off at all.
    least, most = np.fmin(ordinary, of_holidays), np.fmax(ordinary, of_holidays)
    plain, of_roots = unit.errors(series.values, np.clip(series.values, least, most))
    z = np.where(unit.is_count, of_roots, plain) / scale
    return Forecast(name, np.where(np.isnan(of_holidays), ordinary, of_holidays), ordinary, z, scale)


def _scale(series: Series, errors: Floats) -> Floats:
    """The wider of what half and of what nine tenths of the errors say: tails may be long."""
    points = memory(series)
    half = past.median(np.abs(errors), points, 8) * 1.4826
    most = past.quantile(np.abs(errors), points, 8, 0.9) / 1.6449
    return np.fmax(half, most)
