"""Statistics of the points before each point. Nothing here may see the point itself: what is surprising must not
have made itself expected."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from monitoring.detectors.series import Floats

Flags = npt.NDArray[np.bool_]
Phases = np.ndarray[tuple[int], np.dtype[np.int64]]


def median(values: Floats, points: int, least: int) -> Floats:
    return quantile(values, points, least, 0.5)


def quantile(values: Floats, points: int, least: int, share: float) -> Floats:
    past = pd.Series(values).shift(1).rolling(points, min_periods=least)
    return _floats(past.median() if share == 0.5 else past.quantile(share))


def mean(values: Floats, points: int, least: int) -> Floats:
    return _floats(pd.Series(values).shift(1).rolling(points, min_periods=least).mean())


def count(values: Floats) -> Floats:
    """How many numbers came before."""
    return _floats(pd.Series(np.isfinite(values)).cumsum().shift(1, fill_value=0))


def count_of_last(values: Floats, points: int) -> Floats:
    """How many of so many points before are numbers."""
    there = pd.Series(np.isfinite(values).astype(np.float64))
    return _floats(there.shift(1, fill_value=0.0).rolling(points, min_periods=1).sum())


def count_of_changes(values: Floats) -> Floats:
    """How often, before each point, a number was another than the number before it."""
    known = pd.Series(values).ffill()
    return _floats((known.diff().fillna(0) != 0).cumsum().shift(1, fill_value=0))


def median_of_phase(values: Floats, phases: Phases, points: int, least: int) -> Floats:
    """Of the points before at the same time of the day, or of the week."""
    by_phase = pd.Series(values).groupby(phases)
    return _floats(by_phase.transform(lambda own: own.shift(1).rolling(points, min_periods=least).median()))


def mean_of_phase(values: Floats, phases: Phases, points: int, least: int) -> Floats:
    by_phase = pd.Series(values).groupby(phases)
    return _floats(by_phase.transform(lambda own: own.shift(1).rolling(points, min_periods=least).mean()))


def up_to_now(values: Floats | Flags, points: int) -> Floats:
    """The mean of the last points, this one among them: a state that lasts, not a prediction."""
    return _floats(pd.Series(values.astype(np.float64)).rolling(points, min_periods=max(1, points // 2)).mean())


def _floats(column: pd.Series) -> Floats:
    return np.asarray(column, dtype=np.float64)
