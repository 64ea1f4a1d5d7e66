"""The ways to go on from a past: each takes it and a number of steps, and gives what comes next on the same scale.

None has a band of its own: bands are made of what backtests missed (bands.py), for all methods alike."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ml.forecast.autoregression import autoregression
from ml.forecast.boosted_trees import boosted_trees
from ml.forecast.prophet import prophet
from ml.forecast.series import Floats, Past

Method = Callable[[Past, int], Floats]

ALPHAS = np.linspace(0.02, 0.98, 33)
LONGEST_ETS_SEASON = 14  # its fit takes seconds with the states of a longer one


def seasonal_naive(past: Past, steps: int) -> Floats:
    """As in the season before: what every other method must beat."""
    return np.resize(past.scaled[-past.season :], steps)


def theta(past: Past, steps: int) -> Floats:
    """Smoothing with half the slope of the trend (Assimakopoulos and Nikolopoulos), what the seasons add taken out."""
    seasonal = seasonal_parts(past)
    places = np.arange(len(past))
    level = past.scaled - seasonal[past.phase(places)]
    slope, intercept = np.polyfit(places, level, 1)
    bent = 2 * level - (slope * places + intercept)  # the line whose curvature is doubled
    ahead = len(past) - 1 + np.arange(1, steps + 1)
    line = slope * ahead + intercept
    return np.asarray((_smoothed(bent) + line) / 2 + seasonal[past.phase(ahead)])


def ets(past: Past, steps: int) -> Floats:
    """Exponential smoothing with a damped trend and one season."""
    import warnings

    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it does not always converge; a backtest judges what it gives
        model = ExponentialSmoothing(
            past.scaled,
            trend="add",
            damped_trend=True,
            seasonal="add",
            seasonal_periods=past.season,
            initialization_method="heuristic",
        )
        return np.asarray(model.fit(optimized=True, use_brute=False).forecast(steps))


METHODS: dict[str, Method] = {
    "seasonal_naive": seasonal_naive,
    "theta": theta,
    "ets": ets,
    "autoregression": autoregression,
    "boosted_trees": boosted_trees,
    "prophet": prophet,
}


def fitting(past: Past) -> tuple[str, ...]:
    """Those that can do with its seasons and steps."""
    cannot = {"ets"} if past.season > LONGEST_ETS_SEASON else set()
    return tuple(name for name in METHODS if name not in (cannot if past.start else {*cannot, "prophet"}))


def seasonal_parts(past: Past) -> Floats:
    """What each phase of the longest season adds: the mean of what is left without the moving mean of a season."""
    season, values = past.season, past.scaled
    weights = np.full(season, 1 / season) if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5] / season
    trend = np.convolve(values, weights, mode="valid")
    first = len(weights) // 2
    rest = values[first : first + len(trend)] - trend
    phases = past.phase(np.arange(first, first + len(trend)))
    parts = np.bincount(phases, weights=rest, minlength=season) / np.bincount(phases, minlength=season)
    return np.asarray(parts - parts.mean())


def _smoothed(values: Floats) -> float:
    """The last level, by the weight of the newest value that would have foreseen best; all weights at once."""
    levels = np.full(len(ALPHAS), values[0])
    missed = np.zeros(len(ALPHAS))
    for value in values[1:]:
        error = value - levels
        missed += error**2
        levels += ALPHAS * error
    return float(levels[np.argmin(missed)])
