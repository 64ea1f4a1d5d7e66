"""How near do forecasts come, and how often do bands hold?

`python -m bench.forecast [FOLDER] [SERIES]`: the hourly series of the M4 competition (m4_hourly_train.csv.gz and
m4_hourly_test.csv: 48 hours of 414 series), forecast by the product's own methods and choice, beside the seasonal naive
and the Naive2 that the competition measures by (OWA; its winner had 0.440). Neither a calendar nor short seasons are
known of them, so that Prophet and ETS do not take part.
"""

from __future__ import annotations

import csv
import gzip
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from bench.harness import report
from ml.forecast.backtest import backtests
from ml.forecast.bands import SHARES
from ml.forecast.forecasting import Learned
from ml.forecast.methods import METHODS, fitting
from ml.forecast.series import Floats, Series, past_of

DAY, WEEK, AHEAD = 24, 168, 48
SURE = 1.645  # standard deviations: seasonal at 90 %
CHOSEN = "chosen by backtests"


def naive2(values: Floats, season: int, steps: int) -> Floats:
    """The last value, seasonally adjusted where the series is seasonal, as the competition's own code has it."""
    factors = np.ones(season)
    if is_seasonal(values, season):
        weights = np.r_[0.5, np.ones(season - 1), 0.5] / season if season % 2 == 0 else np.full(season, 1 / season)
        mean = np.convolve(values, weights, mode="valid")
        first = len(weights) // 2
        ratios = values[first : first + len(mean)] / mean
        phases = np.arange(first, first + len(mean)) % season
        factors = np.bincount(phases, weights=ratios) / np.bincount(phases)
        factors /= factors.mean()
    last = len(values) - 1
    return np.asarray(values[last] / factors[last % season] * factors[(last + 1 + np.arange(steps)) % season])


def is_seasonal(values: Floats, season: int) -> bool:
    if len(values) < 3 * season:
        return False
    rest = values - values.mean()
    alike = np.array([rest[:-lag] @ rest[lag:] for lag in range(1, season + 1)]) / (rest @ rest)
    limit = SURE / np.sqrt(len(values)) * np.sqrt(1 + 2 * (alike[:-1] ** 2).sum())
    return bool(abs(alike[-1]) > limit)


def smape(real: Floats, ahead: Floats) -> float:
    return float((200 * np.abs(real - ahead) / (np.abs(real) + np.abs(ahead))).mean())


def mase(real: Floats, ahead: Floats, values: Floats, season: int) -> float:
    return float(np.abs(real - ahead).mean() / np.abs(values[season:] - values[:-season]).mean())


def owa(errors: tuple[float, float], of_naive2: tuple[float, float]) -> float:
    return (errors[0] / of_naive2[0] + errors[1] / of_naive2[1]) / 2


def main(folder: Path, most: int) -> None:
    train, test = (_read(folder / f"m4_hourly_{part}")[:most] for part in ("train.csv.gz", "test.csv"))
    errors: dict[str, list[tuple[float, float]]] = defaultdict(list)
    seconds: Counter[str] = Counter()
    held: dict[float, list[float]] = defaultdict(list)
    won: Counter[str] = Counter()

    def judge(name: str, values: Floats, real: Floats, ahead: Floats) -> None:
        errors[name].append((smape(real, ahead), mase(real, ahead, values, DAY)))

    for values, real in zip(train, test, strict=True):
        judge("Naive2", values, real, naive2(values, DAY, AHEAD))
        judge("as the day before", values, real, np.resize(values[-DAY:], AHEAD))
        series = Series(values, (DAY, WEEK)).checked()
        past, scale = past_of(series)
        begun, tried, ahead = time.perf_counter(), [], {}
        for name in fitting(past):
            since = time.perf_counter()
            ahead[name] = METHODS[name](past, AHEAD)
            seconds[name] += time.perf_counter() - since
            judge(name, values, real, scale.values(ahead[name]))
            tried += backtests(series, [name], AHEAD)
        learned = Learned.of(sorted(tried, key=lambda one: one.mean_error), DAY)
        seconds[CHOSEN] += time.perf_counter() - begun
        won[learned.method] += 1
        judge(CHOSEN, values, real, scale.values(ahead[learned.method]))
        widths = learned.bands.widths(AHEAD)
        for share in SHARES:
            held[share].append(float((np.abs(scale.scaled(real) - ahead[learned.method]) <= widths[share]).mean()))
    means = {name: tuple(np.mean(found, axis=0).tolist()) for name, found in errors.items()}
    rows: list[tuple[Any, ...]] = [
        (name, *found, owa(found, means["Naive2"]), won.get(name, ""), seconds.get(name, ""))
        for name, found in sorted(means.items(), key=lambda one: -one[1][1])
    ]
    report(
        "forecast", f"{len(train)} hourly series of M4", ("method", "sMAPE", "MASE", "OWA", "chosen", "seconds"), rows
    )
    shares = [(f"{share:.0%}", float(np.mean(found))) for share, found in held.items()]
    report("forecast_bands", "What bands of the chosen method held", ("band", "held"), shares)


def _read(path: Path) -> list[Floats]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        rows = csv.reader(lines)
        next(rows)
        return [np.array([float(cell) for cell in row[1:] if cell not in ("", "NA")]) for row in rows]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1000)
