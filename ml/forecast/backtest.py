"""Which method would have been nearest, had it been asked at several days of the past (rolling origins).

At each of them gaps, outliers, scale and bounds are those of what was known by then: whoever fills a gap from the week
after it has seen that week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.forecast.bands import SHARES, Bands, Missed
from ml.forecast.methods import METHODS
from ml.forecast.series import FEWEST_SEASONS, Series, Unusable, past_of

ORIGINS = 5


@dataclass(frozen=True)
class Scores:
    """Of one method. What cannot be divided is NULL."""

    mase: float | None  # 1: as wrong as the season before within the past
    smape: float | None  # 0 to 2
    mape: float | None
    coverage: dict[float, float]  # of each band, made of the other origins


@dataclass(frozen=True)
class Backtest:
    method: str
    missed: tuple[Missed, ...]  # one for each origin
    scores: Scores
    mean_error: float  # absolute: what decides


def backtests(series: Series, names: Sequence[str], steps: int) -> list[Backtest]:
    """Of each method, the best first; judged by what really came, gaps and outliers among it."""
    found = [_backtest(series, name, steps) for name in names]
    return sorted(found, key=lambda one: one.mean_error)


def origins(length: int, seasons: tuple[int, ...], steps: int) -> list[int]:
    """How many steps each knows, evenly spread: the first over two horizons ago, the last over a sixth of one."""
    fewest = min(max((FEWEST_SEASONS - 1) * seasons[-1], length // 3), length - 2)
    last = max(length - max(steps // 6, 1), fewest)
    first = max(fewest, length - 2 * steps)
    return sorted({int(one) for one in np.linspace(first, last, ORIGINS)})


def _backtest(series: Series, name: str, steps: int) -> Backtest:
    past, scale = past_of(series)  # of today: what bands are made of is told on its scale
    values, season, missed, far, sizes, told, usual = series.values, past.seasons[0], [], [], [], [], []
    for origin in origins(len(past), past.seasons, steps):
        until = min(steps, len(past) - origin)
        then = series.until(origin)
        known, scale_then = past_of(then, past.seasons)
        ahead = np.clip(scale_then.values(METHODS[name](known, until)), *then.bounds)
        real = values[origin : origin + until]
        came = np.isfinite(real)
        if not came.any():
            continue
        error = scale.scaled(real[came]) - scale.scaled(ahead[came])
        missed.append(Missed(np.arange(1, until + 1)[came], error))
        far.append(np.abs(real - ahead)[came])
        sizes.append(np.abs(real[came]))
        told.append(np.abs(ahead[came]))
        usual.append(np.full(came.sum(), np.nanmean(np.abs(then.values[season:] - then.values[:-season]))))
    if not missed:
        raise Unusable("no number of late that methods could be judged by")
    error, size, said = np.concatenate(far), np.concatenate(sizes), np.concatenate(told)
    both, some = size + said, size > 0
    scores = Scores(
        mase=_ratio(float(error.mean()), float(np.nanmean(np.concatenate(usual)))),
        smape=float((2 * error[both > 0] / both[both > 0]).sum() / len(error)),
        mape=float((error[some] / size[some]).mean()) if some.any() else None,
        coverage=_coverage(missed, season),
    )
    return Backtest(name, tuple(missed), scores, float(error.mean()))


def _ratio(error: float, usual: float) -> float | None:
    return error / usual if usual else 0.0 if error == 0 else None


def _coverage(missed: Sequence[Missed], season: int) -> dict[float, float]:
    """Of each origin by bands that are made of the others."""
    held = dict.fromkeys(SHARES, 0)
    for place, one in enumerate(missed):
        others = [*missed[:place], *missed[place + 1 :]] or [one]
        bands = Bands.of(others, season).widths(int(one.ahead.max(initial=1)))
        for share in SHARES:
            held[share] += int((np.abs(one.errors) <= bands[share][one.ahead - 1]).sum())
    count = sum(len(one.errors) for one in missed)
    return {share: number / count for share, number in held.items()}
