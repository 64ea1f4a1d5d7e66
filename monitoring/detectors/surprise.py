"""How surprising a number is against its own past: decades of improbability, the same scale for every detector."""

from __future__ import annotations

import numpy as np

from monitoring.detectors import past
from monitoring.detectors.series import Floats

RARE = 0.02  # share of a past whose excess is taken as exponential
MEMORY = 6_000  # points
ENOUGH = 100  # points of past from which its own distribution is known
LN10 = np.log(10.0)
MOST = 12.0  # decades: beyond that nothing is more surprising


class Surprise:
    """The tail of a statistic at each point, from the points before it."""

    def __init__(self, statistic: Floats) -> None:
        self._statistic = statistic
        typical = past.median(statistic, MEMORY, 8)
        self._from = past.quantile(statistic, MEMORY, ENOUGH, 1 - RARE)
        excess = np.where(statistic > self._from, statistic - self._from, np.nan)
        # As many decades from the middle to the rim as a normal distribution would have at least.
        spread = (self._from - typical) / 6
        self._per_step = np.fmax(past.mean(excess, MEMORY, 5), spread)

    def decades(self, parametric: Floats) -> Floats:
        """`parametric`: what a known distribution says, for points with too little past of their own."""
        known = np.isfinite(self._from) & np.isfinite(self._per_step)
        beyond = np.maximum(self._statistic - self._from, 0) / np.fmax(self._per_step, 1e-12) / LN10
        own = np.where(self._statistic > self._from, -np.log10(RARE) + beyond, 0.0)
        decades: Floats = np.minimum(np.nan_to_num(np.where(known, own, parametric)), MOST)
        return decades

    def reached_at(self, decades: float, parametric: float) -> Floats:
        """The statistic at which so many decades are reached."""
        own = self._from + max(decades + np.log10(RARE), 0.0) * LN10 * np.fmax(self._per_step, 1e-12)
        return np.where(np.isfinite(own), own, parametric)


def decades_of_t(z: Floats) -> Floats:
    """Of Student's t with 4 degrees of freedom, both sides: as heavy in its tails as counts of people are."""
    t = np.abs(z)
    root = np.sqrt(1 + t * t / 4)
    upper = 0.5 - 0.375 * t / root * (1 - t * t / (12 * root * root))
    # Far out the difference is lost in rounding, and the tail is 3 / t^4.
    decades: Floats = -np.log10(2 * np.where(t > 200, 3 / np.maximum(t, 1) ** 4, np.maximum(upper, 1e-300)))
    return decades


def z_at(decades: float) -> float:
    """Where decades_of_t reaches so many."""
    low, high = 0.0, 1e6
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if decades_of_t(np.array([middle]))[0] < decades else (low, middle)
    return high
