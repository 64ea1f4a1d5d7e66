"""Gradient boosted trees that learn how far a later step is from the mean of the same phase, by how things are now."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml.forecast.series import Floats, Past

MOST_ROWS = 3000
BACK = 4  # seasons that a row looks back
TREES, LEAVES, RATE, FEWEST = 40, 4, 0.04, 60  # gentle: pairs of one origin are nearly one row


def boosted_trees(past: Past, steps: int) -> Floats:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    seen = min(BACK * past.season, len(past) // 2)
    back = seen // past.season * past.season
    origins, ahead = _rows(len(past), back, steps)
    features, base = _features(past, origins, ahead, back)
    aim = past.scaled[origins + ahead] - base
    model = HistGradientBoostingRegressor(
        max_iter=TREES, max_leaf_nodes=LEAVES, learning_rate=RATE, min_samples_leaf=FEWEST, random_state=0
    )
    now = np.full(steps, len(past) - 1)
    ahead_features, ahead_base = _features(past, now, np.arange(1, steps + 1), back)
    with threadpool_limits(1):  # of so few rows threads only wait for each other
        model.fit(features, aim)
        return np.asarray(ahead_base + model.predict(ahead_features))


def _rows(length: int, back: int, steps: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pairs of an origin and how far it looks ahead, spread evenly over all that the past has."""
    origins, ahead = np.meshgrid(np.arange(back - 1, length - 1), np.arange(1, steps + 1), indexing="ij")
    known = origins + ahead < length
    origins, ahead = origins[known], ahead[known]
    chosen = np.unique(np.linspace(0, len(origins) - 1, min(MOST_ROWS, len(origins))).astype(np.int64))
    return origins[chosen], ahead[chosen]


def _features(
    past: Past, origins: npt.NDArray[np.int64], ahead: npt.NDArray[np.int64], back: int
) -> tuple[Floats, Floats]:
    """How things are at the origin, and the mean of the same phase in the seasons until then."""
    season, values = past.season, past.scaled
    same = origins - (season - ahead % season) % season  # the last one of the same phase that is known
    phases = values[same[:, None] - season * np.arange(back // season)]
    base = phases.mean(axis=1)
    sums = np.r_[0, np.cumsum(values)]
    whole = (sums[origins + 1] - sums[origins + 1 - back]) / back
    late = (sums[origins + 1] - sums[origins + 1 - season]) / season
    told = (ahead, past.phase(origins + ahead), base, values[origins] - late, late - whole, phases[:, 0] - base)
    return np.column_stack(told), base
