"""How surprising a number is against its own past: decades of improbability, the same scale for every detector."""

from __future__ import annotations

import math

import numpy as np

from monitoring.detectors import past
from monitoring.detectors.series import Floats

RARE = 0.02  # share of a past whose excess is taken as exponential
MEMORY = 6_000  # points
ENOUGH, PLENTY = 100, 1_000  # points of past from which its own distribution is known somewhat, and well
DOUBT = 1.15  # how much wider than they look distributions are, where little is known of them
FARTHEST = 30.0  # beyond it the tail is smaller than any number
LN10 = np.log(10.0)
MOST = 12.0  # decades: beyond that nothing is more surprising
FEWEST = 5  # points beyond the rim, from which on their mean is known


_both_tails = np.frompyfunc(lambda z: math.erfc(z / math.sqrt(2)), 1, 1)


class Surprise:
    """The tail of a statistic at each point, from the points before it."""

    def __init__(self, statistic: Floats) -> None:
        self._statistic = statistic
        self._count = past.count(statistic)
        typical = past.median(statistic, MEMORY, 8)
        self._from = past.quantile(statistic, MEMORY, ENOUGH, 1 - RARE)
        # As many decades from the middle to the rim as a normal distribution would have at least.
        spread = (self._from - typical) / 6
        self._per_step = np.fmax(_mean_excess(statistic - self._from), spread)

    def decades(self, parametric: Floats) -> Floats:
        """`parametric`: what a known distribution says, for points with too little past of their own."""
        known = np.isfinite(self._from) & np.isfinite(self._per_step)
        beyond = np.maximum(self._statistic - self._from, 0) / np.fmax(self._per_step, 1e-12) / LN10
        own = np.where(self._statistic > self._from, -np.log10(RARE) + beyond, 0.0)
        told = np.where(known, np.where(self._count >= PLENTY, own, np.minimum(own, parametric)), parametric)
        return np.asarray(np.minimum(np.nan_to_num(told), MOST))

    def reached_at(self, decades: float, parametric: float) -> Floats:
        """The statistic at which so many decades are reached."""
        own = self._from + max(decades + np.log10(RARE), 0.0) * LN10 * np.fmax(self._per_step, 1e-12)
        own = np.where(self._count >= PLENTY, own, np.maximum(own, parametric))
        return np.where(np.isfinite(own), own, parametric)


def _mean_excess(excess: Floats) -> Floats:
    """Before each point, of those of the past that were beyond the rim, but for the farthest: one glitch alone would
    hide what comes for months. How much an exponential is expected to have in its farthest of n is 1/1 + … + 1/n means.
    """
    beyond = np.where(excess > 0, excess, np.nan)
    count = past.count_of_last(beyond, MEMORY)
    harmonic = np.cumsum(np.r_[0.0, 1 / np.arange(1, MEMORY + 1)])[count.astype(np.int64)]
    rest = past.mean(beyond, MEMORY, FEWEST) * count - past.quantile(beyond, MEMORY, FEWEST, 1.0)
    return rest / np.where(count >= FEWEST, count - harmonic, np.nan)


def decades_of_normal(z: Floats) -> Floats:
    """Of a normal distribution, wider by some doubt, both sides."""
    doubted = np.minimum(np.abs(z) / DOUBT, FARTHEST)
    return np.asarray(-np.log10(np.maximum(_both_tails(doubted).astype(np.float64), 1e-300)))


def z_at(decades: float) -> float:
    """Where decades_of_normal reaches so many."""
    low, high = 0.0, 1e3
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if decades_of_normal(np.array([middle]))[0] < decades else (low, middle)
    return high
