"""What might join the detectors: would it tell what they do not, or only tell more?

`python -m bench.detection_candidates NAB_FOLDER`: on the half of the labelled series on which things are chosen, each
candidate alone and beside the detectors, as they would be one ensemble: told in decades, and the most surprised one has
the word. Both are fitted anew each day on the two weeks before it, so that no point is judged by what comes later.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.detection import Labelled, judge_labelled, read_labelled
from bench.harness import report
from monitoring.detectors import past
from monitoring.detectors.detection import MOST_TOLD_PER_DAY, detect, quiet_decades, score_of
from monitoring.detectors.series import DAY, Floats, Series
from monitoring.detectors.surprise import Surprise, decades_of_normal

DAYS, LEAST_DAYS = 14, 3
WINDOWS = (3, 12, 48)  # points
SENSITIVITIES = (0.5, 0.7, 0.9, 1.0)


def stl(series: Series) -> Floats:
    """Decades of what is off the season and the level that a decomposition of the days before has."""
    from statsmodels.tsa.seasonal import STL

    known = pd.Series(series.values).ffill().to_numpy()
    expected, season = np.full(len(series), np.nan), max(series.per_day, 7)
    for learned, day in _days(series, season):
        parts = STL(known[learned], period=season, robust=True, seasonal=7, trend=season + 1 - season % 2).fit()
        last = parts.seasonal[-season:]
        expected[day] = parts.trend[-1] + last[np.arange(day.stop - day.start) % season]
    off = series.values - expected
    z = off / np.fmax(past.median(np.abs(off), DAYS * series.per_day, 8) * 1.4826, 1e-9 * np.nanmax(np.abs(known)))
    return Surprise(np.abs(z)).decades(decades_of_normal(np.nan_to_num(z)))


def isolation_forest(series: Series) -> Floats:
    """Decades of how few cuts set a point apart from those of the days before, in what its last points look like."""
    from sklearn.ensemble import IsolationForest

    values = pd.Series(series.values).ffill()
    columns = [values, values.diff()]
    for points in WINDOWS:
        window = values.rolling(points, min_periods=1)
        columns += [window.mean(), window.std(), values - window.median()]
    angle = 2 * np.pi * (series.wall_clock() % DAY) / DAY
    features = np.column_stack([*columns, np.sin(angle), np.cos(angle)])
    features = np.nan_to_num(features)
    oddness = np.full(len(series), np.nan)
    for learned, day in _days(series, max(series.per_day, 7)):
        forest = IsolationForest(n_estimators=50, random_state=0).fit(features[learned])
        oddness[day] = -forest.score_samples(features[day])
    return Surprise(oddness).decades(np.zeros(len(series)))


def _days(series: Series, season: int) -> Iterator[tuple[slice, slice]]:
    for begin in range(LEAST_DAYS * season, len(series), season):
        yield slice(max(0, begin - DAYS * season), begin), slice(begin, min(begin + season, len(series)))


def main() -> None:
    chosen_on = read_labelled(Path(sys.argv[1]))[0::2]
    candidates: dict[str, Callable[[Series], Floats]] = {"STL residuals": stl, "isolation forest": isolation_forest}
    own = [detect(one.series, 1.0).scores for one in chosen_on]
    rows = _rows("detectors", chosen_on, own)
    for name, candidate in candidates.items():
        told = [score_of(candidate(one.series) - _per_day(one.series)) for one in chosen_on]
        rows += _rows(f"{name} alone", chosen_on, told)
        rows += _rows(f"detectors and {name}", chosen_on, [np.fmax(*pair) for pair in zip(own, told, strict=True)])
    columns = ("what", "sensitivity", "windows found", "of", "false per 1,000 points", "median delay (of window)")
    report("detection_candidates", "On the half on which things are chosen", columns, rows)


def _per_day(series: Series) -> float:
    return float(np.log10(min(series.per_day, MOST_TOLD_PER_DAY)))


def _rows(name: str, series: list[Labelled], scores: list[Floats]) -> list[tuple[Any, ...]]:
    limits = [(one, float(score_of(np.array(quiet_decades(one))))) for one in SENSITIVITIES]
    return [(name, one, *judge_labelled(series, [own.copy() for own in scores], limit)) for one, limit in limits]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
