"""Nothing where there is always something: how improbable a 0 is in a series of counts.

Counts come in clumps (a visit is many events), so that a 0 is far likelier than one thinks: of as many clumps as the
spread of the counts says, none came.
"""

from __future__ import annotations

import numpy as np

from monitoring.detectors import past
from monitoring.detectors.forecasts import Unit
from monitoring.detectors.series import DAY, Floats, Series

DAYS, LEAST_DAYS = 28, 14
LN10 = np.log(10.0)


def missing(series: Series) -> Floats:
    """Decades of improbability of each 0; of all else 0."""
    values = series.values
    empty = (values == 0) & Unit.of(values).is_count
    if not empty.any():
        return np.zeros(len(series))
    phase = (series.wall_clock() % DAY) // series.step
    usual = past.mean_of_phase(values, phase, DAYS, LEAST_DAYS)
    never = past.mean_of_phase((values == 0).astype(float), phase, DAYS, LEAST_DAYS) == 0
    span, least = max(series.per_day * 7, DAYS), max(series.per_day * 3, LEAST_DAYS)
    width = past.mean((values - usual) ** 2, span, least) / np.fmax(past.mean(usual, span, least), 1e-9)
    clumps = 2 * usual / (np.fmax(width, 1) + 1)
    return np.where(empty & never, np.nan_to_num(clumps / LN10), 0.0)
