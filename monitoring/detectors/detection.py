"""All detectors over one series: a score and a band for each point, and what kind of surprise it is.

Each detector has one statistic. What it makes of it is told in decades of improbability against the statistic's own
past, so that all speak of the same thing; the most surprised one has the word.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitoring.detectors import past
from monitoring.detectors.forecasts import forecasts, nearest
from monitoring.detectors.series import Floats, Series
from monitoring.detectors.surprise import Surprise, decades_of_t, z_at

# Decades at which a detector's word counts as much as any other's. A jump between neighbours is the most common of
# surprises, a state that lasts the rarest (bench/detection.py prints what that brings).
USUAL = {"spike": 3.2, "shift": 2.8, "unrest": 3.2, "jump": 3.6}
DEFAULT_SENSITIVITY = 0.5
MOST_Z = 12.0  # one point alone does not make a state
LEAST_HISTORY, LEAST_DAYS = 14, 2  # points and days before anything is said

Kinds = np.ndarray[tuple[int], np.dtype[np.str_]]


@dataclass(frozen=True)
class Detection:
    scores: Floats  # 0 to 1
    is_anomaly: np.ndarray[tuple[int], np.dtype[np.bool_]]
    kinds: Kinds
    expected: Floats  # NaN: nothing was to be expected yet
    lower: Floats
    upper: Floats


def detect(series: Series, sensitivity: float = DEFAULT_SENSITIVITY) -> Detection:
    """`sensitivity`: 0.1, only what is extreme, to 1.0, whatever is odd."""
    values, n = series.values, len(series)
    candidates = forecasts(series)
    chosen = nearest(series, candidates)
    each = np.arange(n)

    def of_chosen(arrays: list[Floats]) -> Floats:
        return np.array(arrays)[chosen, each] if n else np.zeros(0)

    threshold = 1 - 0.8 * sensitivity
    surprises: dict[str, list[Floats]] = {}
    reach: list[Floats] = []
    for one in candidates:
        z = (values - one.expected) / one.scale
        for name, (statistic, parametric) in _statistics(z, series.per_day).items():
            tail = Surprise(statistic)
            surprises.setdefault(name, []).append(tail.decades(parametric))
            if name == "spike":
                limit = _decades_of(threshold, USUAL["spike"])
                reach.append(one.scale * tail.reached_at(limit, z_at(limit)))
    decades = {name: of_chosen(arrays) for name, arrays in surprises.items()}
    by_kind: dict[str, Floats] = {}
    for name, own in decades.items():
        kind = name.partition(" ")[0]
        by_kind[kind] = np.maximum(by_kind.get(kind, np.zeros(n)), own / USUAL[kind])
    stacked = np.array(list(by_kind.values()))
    told = stacked.max(axis=0) if n else np.zeros(0)
    history = max(LEAST_HISTORY, LEAST_DAYS * series.per_day)
    told = np.where((past.count(values) >= history) & np.isfinite(values), told, 0.0)
    scores = 1 - 2.0 ** (-told * UNIT)
    is_anomaly = scores >= threshold
    names = np.array(list(by_kind))
    expected, half_width = of_chosen([one.expected for one in candidates]), of_chosen(reach)
    return Detection(
        scores=scores,
        is_anomaly=is_anomaly,
        kinds=np.where(is_anomaly, names[stacked.argmax(axis=0)] if n else "", ""),
        expected=expected,
        lower=expected - half_width,
        upper=expected + half_width,
    )


# So that the usual decades of a detector reach the threshold of the usual sensitivity.
UNIT = -np.log2(0.8 * DEFAULT_SENSITIVITY)


def _decades_of(threshold: float, usual: float) -> float:
    """At which a detector alone reaches this score."""
    return float(-np.log2(1 - threshold) / UNIT * usual)


def _statistics(z: Floats, per_day: int) -> dict[str, tuple[Floats, Floats]]:
    """How far off a point is; for how long all have been off to one side; for how long all have been far off. With
    what is known of each where its own past is short."""
    found = {
        "spike": (np.abs(z), decades_of_t(z)),
        "jump": (np.abs(np.diff(z, prepend=np.nan)), np.zeros(len(z))),
    }
    bounded = np.clip(z, -MOST_Z, MOST_Z)
    for points in (max(per_day // 24, 4), max(per_day // 6, 8), max(per_day // 2, 12)):
        off = np.abs(past.up_to_now(bounded, points))
        # The points of a state know of each other: it counts as if a quarter as many were independent.
        found[f"shift {points}"] = (off, decades_of_t(off * np.sqrt(points / 4)))
        found[f"unrest {points}"] = (past.up_to_now(np.abs(bounded), points), np.zeros(len(z)))
    return found
