"""Points that are surprising, as anomalies: neighbours are one, with a type that people have a word for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitoring.detectors.detection import Detection
from monitoring.detectors.series import Floats, Series

QUIET_DAYS, LEAST_QUIET = 1 / 12, 3  # without a surprise, after which the next one is another anomaly
WORDS = {"shift": "level shift", "unrest": "seasonal break", "missing": "missing data"}
LEAST_OF_A_LEVEL = 3  # points: before that nobody knows whether it lasts
DAYS_OF_A_LEVEL = 4
LEAST_OF_A_TREND, TWICE = 6, 2.0  # points, and how much farther off its last third is than its first


@dataclass(frozen=True)
class Anomaly:
    first: int  # points of the series
    last: int
    peak: int  # the most surprising one
    type: str  # spike, drop, level shift, trend change, seasonal break, missing data
    score: float
    value: float
    expected: float


def anomalies(series: Series, detection: Detection) -> list[Anomaly]:
    found: list[list[int]] = []
    for point in np.flatnonzero(detection.is_anomaly).tolist():
        quiet = max(LEAST_QUIET, round(detection.points_of_a_day(point) * QUIET_DAYS))
        if found and point - found[-1][-1] <= quiet:
            found[-1].append(point)
        else:
            found.append([point])
    return [_anomaly(series, detection, points) for points in found]


def _anomaly(series: Series, detection: Detection, points: list[int]) -> Anomaly:
    peak = max(points, key=lambda point: detection.scores[point])
    value, expected = float(series.values[peak]), float(detection.expected[peak])
    kind = str(detection.kinds[peak])
    if kind in ("spike", "jump") and _lasts(series, detection, points):
        kind = "shift"  # each of its points is as surprising alone
    word = WORDS.get(kind) or ("drop" if value < expected else "spike")
    if kind == "shift" and points[-1] - points[0] + 1 < LEAST_OF_A_LEVEL:
        word = "drop" if value < expected else "spike"
    elif kind == "shift" and _grows(series.values - detection.expected, points[0], points[-1]):
        word = "trend change"
    return Anomaly(
        first=points[0],
        last=points[-1],
        peak=peak,
        type=word,
        score=float(detection.scores[peak]),
        value=value,
        expected=expected,
    )


def _lasts(series: Series, detection: Detection, points: list[int]) -> bool:
    """For days, and to one side."""
    off = series.values[points] - detection.expected[points]
    is_long = points[-1] - points[0] + 1 >= DAYS_OF_A_LEVEL * detection.points_of_a_day(points[0])
    return is_long and bool(np.all(off > 0) or np.all(off < 0))


def _grows(off: Floats, first: int, last: int) -> bool:
    third = (last - first + 1) // 3
    if last - first + 1 < LEAST_OF_A_TREND:
        return False
    begin, end = off[first : first + third], off[last - third + 1 : last + 1]
    return bool(abs(np.nanmedian(end)) > TWICE * abs(np.nanmedian(begin)))
