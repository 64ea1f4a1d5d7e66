"""Nothing where there is always something: how improbable a 0 is in a series of counts.

Counts come in clumps (a visit is many events), so that a 0 is far likelier than one thinks: of as many clumps as are
usual at that time, none came. How large a clump is, is told by how often there was nothing lately where less is usual.
"""

from __future__ import annotations

import numpy as np

from monitoring.detectors import past
from monitoring.detectors.forecasts import Unit
from monitoring.detectors.series import DAY, Floats, Series

DAYS, LEAST_DAYS = 56, 14
WEEKS, LEAST_WEEKS = 8, 2  # the same days: as many points of a weekday are those of DAYS
RARELY = 1.5 / 28  # share of the same times of day: once a month is rare, twice is a habit
SIZES = np.geomspace(1, 1000, 61)  # of a clump
LN10 = np.log(10.0)


def missing(series: Series) -> Floats:
    """Decades of improbability of each 0; of all else 0."""
    values, per_day, clock = series.ordinary(), series.per_day, series.wall_clock()
    empty = (series.values == 0) & Unit.of(series.values).is_count
    if not empty.any():
        return np.zeros(len(series))
    span, least = DAYS * per_day, LEAST_DAYS * per_day
    phase = (clock % DAY) // series.step
    level = past.mean(values, span, least)
    of_weekday = past.mean_of_phase(values, series.day_of_week(), WEEKS * per_day, LEAST_WEEKS * per_day)
    usual = past.mean_of_phase(values, phase, DAYS, LEAST_DAYS) * of_weekday / np.fmax(level, 1e-9)
    often = past.mean_of_phase(np.where(series.is_holiday(), np.nan, series.values == 0), phase, DAYS, LEAST_DAYS)
    width = past.mean((values - usual) ** 2, span, least) / np.fmax(level, 1e-9)
    size = np.fmax((width + 1) / 2, _size(values, usual, span, least))
    return np.where(empty & (often < RARELY), np.nan_to_num(usual / size / LN10), 0.0)


def _size(values: Floats, usual: Floats, span: int, least: int) -> Floats:
    """The clump with which there would have been nothing as often as there was."""
    known = np.isfinite(usual) & np.isfinite(values)
    seen = past.mean(np.where(known, values == 0, np.nan), span, least)
    found = np.full(len(values), SIZES[-1])
    for size in SIZES[::-1]:
        expected = past.mean(np.where(known, np.exp(-usual / size), np.nan), span, least)
        found = np.where(expected >= seen, size, found)
    return found
