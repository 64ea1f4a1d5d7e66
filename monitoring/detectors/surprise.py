"""How surprising a number is against its own past: decades of improbability, the same scale for every detector."""

from __future__ import annotations

import math
from collections import deque

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
# How many times farther out than what was out before one point counts as. An exponential goes beyond five once in 150
# times: more is another matter, of which nothing is to be learned, or one glitch would hide what comes for months.
FARTHER = 5.0
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
        self._per_step = np.fmax(_mean_excess(statistic - self._from, spread), spread)

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


def _mean_excess(excess: Floats, spread: Floats) -> Floats:
    """Before each point, of those of the past that were beyond the rim."""
    bounded: Floats = np.full(len(excess), np.nan)
    known: deque[tuple[int, float]] = deque()
    total = 0.0
    for place in np.flatnonzero(excess > 0).tolist():
        while known and known[0][0] < place - MEMORY:
            total -= known.popleft()[1]
        usual = max(total / len(known) if known else 0.0, float(spread[place]))
        bounded[place] = min(float(excess[place]), FARTHER * usual)
        known.append((place, bounded[place]))
        total += bounded[place]
    return past.mean(bounded, MEMORY, FEWEST)


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
