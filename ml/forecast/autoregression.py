"""What comes next as a weighted sum of what was: ridge regression on the steps before and the same time of seasons."""

from __future__ import annotations

import numpy as np

from ml.forecast.series import Floats, Past

RIDGE = 1e-4  # per row, of values whose deviation is one
MOST_OF_HISTORY = 0.4  # lags reach back at most so far: what is left are the rows to learn from


def autoregression(past: Past, steps: int) -> Floats:
    mean, deviation = past.scaled.mean(), past.scaled.std()
    if deviation == 0:
        return np.full(steps, mean)
    values = (past.scaled - mean) / deviation
    lags = lags_of(past.seasons, int(len(past) * MOST_OF_HISTORY))
    rows = np.arange(lags.max(), len(values))
    before = values[rows[:, None] - lags]
    centre, aim = before.mean(axis=0), values[rows]
    inner = (before - centre).T @ (before - centre)
    inner[np.diag_indices(len(lags))] += RIDGE * len(rows)
    weights = np.linalg.solve(inner, (before - centre).T @ (aim - aim.mean()))
    rest = aim.mean() - weights @ centre
    going_on = np.r_[values, np.zeros(steps)]
    low, high = values.min(), values.max()
    for place in range(len(values), len(going_on)):
        # Weights whose sum is above one would grow without end.
        going_on[place] = np.clip(weights @ going_on[place - lags] + rest, 2 * low - high, 2 * high - low)
    return np.asarray(going_on[len(values) :] * deviation + mean)


def lags_of(seasons: tuple[int, ...], furthest: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The last season step by step and two more, then each season before with its neighbours."""
    short, long = seasons[0], max(seasons[-1], 4 * seasons[0])
    around = {whole + near for whole in range(2 * short, long + 1, short) for near in (-1, 0, 1)}
    found = sorted(lag for lag in {*range(1, short + 3), *around} if lag <= max(furthest, short))
    return np.array(found, dtype=np.int64)
