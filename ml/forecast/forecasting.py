"""Of a series: which method goes on with it and how wide its bands are (learned), and what it says (ahead)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ml.forecast.backtest import Backtest, Scores, backtests
from ml.forecast.bands import Bands
from ml.forecast.methods import METHODS, fitting
from ml.forecast.series import Floats, Series, past_of


@dataclass(frozen=True)
class Learned:
    method: str
    bands: Bands
    tried: dict[str, Scores]  # of each method, the best first

    @classmethod
    def of(cls, tried: Sequence[Backtest], season: int) -> Learned:
        best = tried[0]
        return cls(best.method, Bands.of(best.missed, season), {one.method: one.scores for one in tried})

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Learned:
        bands = told["bands"]
        half = {float(share): tuple(widths) for share, widths in bands["half"].items()}
        tried = {
            name: Scores(**{**scores, "coverage": {float(share): held for share, held in scores["coverage"].items()}})
            for name, scores in told["tried"].items()
        }
        return cls(told["method"], Bands(tuple(bands["ahead"]), bands["furthest"], half), tried)


@dataclass(frozen=True)
class Ahead:
    """What is expected, and the bands, at each step ahead."""

    method: str
    expected: Floats
    lower: dict[float, Floats]
    upper: dict[float, Floats]


def learn(series: Series, names: Sequence[str], steps: int) -> Learned:
    """Unusable, where there is too little to learn from."""
    series = series.checked()
    past, _ = past_of(series)
    able = [name for name in fitting(past) if name in names] or ["seasonal_naive"]
    with threadpool_limits(1):  # of matrices so small threads only wait for each other
        return Learned.of(backtests(series, able, steps), past.seasons[0])


def look_ahead(series: Series, learned: Learned, steps: int) -> Ahead:
    """No further than the series goes back: of what comes later nothing was ever tried."""
    series = series.checked()
    past, scale = past_of(series)
    steps = min(steps, len(past))
    method = learned.method if learned.method in fitting(past) else "seasonal_naive"
    with threadpool_limits(1):
        middle = METHODS[method](past, steps)

    def bounded(scaled: Floats) -> Floats:
        return np.clip(scale.values(scaled), *series.bounds)

    widths = learned.bands.widths(steps)
    lower = {share: bounded(middle - half) for share, half in widths.items()}
    upper = {share: bounded(middle + half) for share, half in widths.items()}
    return Ahead(method, bounded(middle), lower, upper)
