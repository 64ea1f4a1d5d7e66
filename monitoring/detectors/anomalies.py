"""Points that are surprising, as anomalies: neighbours are one, with a type that people have a word for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitoring.detectors.detection import Detection
from monitoring.detectors.series import Series

QUIET_DAYS, LEAST_QUIET = 1 / 12, 3  # without a surprise, after which the next one is another anomaly
WORDS = {"shift": "level shift", "unrest": "unrest"}


@dataclass(frozen=True)
class Anomaly:
    first: int  # points of the series
    last: int
    peak: int  # the most surprising one
    type: str  # spike, drop, level shift, unrest
    score: float
    value: float
    expected: float


def anomalies(series: Series, detection: Detection) -> list[Anomaly]:
    quiet = max(LEAST_QUIET, round(series.per_day * QUIET_DAYS))
    found: list[list[int]] = []
    for point in np.flatnonzero(detection.is_anomaly).tolist():
        if found and point - found[-1][-1] <= quiet:
            found[-1].append(point)
        else:
            found.append([point])
    return [_anomaly(series, detection, points) for points in found]


def _anomaly(series: Series, detection: Detection, points: list[int]) -> Anomaly:
    peak = max(points, key=lambda point: detection.scores[point])
    value, expected = float(series.values[peak]), float(detection.expected[peak])
    kind = str(detection.kinds[peak])
    return Anomaly(
        first=points[0],
        last=points[-1],
        peak=peak,
        type=WORDS.get(kind) or ("drop" if value < expected else "spike"),
        score=float(detection.scores[peak]),
        value=value,
        expected=expected,
    )
