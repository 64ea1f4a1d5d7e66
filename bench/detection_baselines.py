"""What detectors must beat: a rolling z-score, and S-H-ESD as Twitter has it, both without looking ahead."""

from __future__ import annotations

import numpy as np
import pandas as pd

from monitoring.detectors.series import Floats, Series


def rolling_z(series: Series, points: int = 288) -> Floats:
    """How many standard deviations of the last points from their mean."""
    values = pd.Series(series.values)
    before = values.shift(1).rolling(points, min_periods=20)
    smallest = 1e-9 * (values.abs().max() + 1e-3)
    return np.nan_to_num(np.asarray((values - before.mean()).abs() / (before.std() + smallest), dtype=np.float64))


def seasonal_hybrid_esd(series: Series, days: int = 14) -> Floats:
    """What is left without the median of the time of day, in MADs from its median, over the last two weeks."""
    values = pd.Series(series.values)
    points = max(series.per_day, 2)
    by_phase = values.groupby(np.arange(len(values)) % points)
    season = by_phase.transform(lambda own: own.shift(1).rolling(days, min_periods=1).median())
    window = points * days
    left = values - season.fillna(values.shift(1).rolling(window, min_periods=points).median())
    before = left.shift(1)
    middle = before.rolling(window, min_periods=points).median()
    spread = (before - middle).abs().rolling(window, min_periods=points).median() * 1.4826
    smallest = 1e-9 * (values.abs().max() + 1e-3)
    return np.nan_to_num(np.asarray((left - middle).abs() / (spread + smallest), dtype=np.float64), posinf=1e6)
