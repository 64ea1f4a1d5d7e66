"""All detectors over one series: a score and a band for each point, and what kind of surprise it is.

Each detector has one statistic. What it makes of it is told in decades of improbability against the statistic's own
past, so that all speak of the same thing; the most surprised one has the word. A score says how rarely a quiet series
would have such a point by chance, in days: see `score_of`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from monitoring.detectors import past
from monitoring.detectors.cadence import Ints, cadences
from monitoring.detectors.forecasts import Unit, forecasts, nearest
from monitoring.detectors.missing import missing
from monitoring.detectors.series import DAY, Floats, Series, points_of_a_day
from monitoring.detectors.surprise import Surprise, decades_of_normal, z_at

# Decades that a detector must bring beyond what is asked for: it looks at each point in several ways, and a jump
# between neighbours is the most common of surprises (bench/detection.py prints what that brings).
BEYOND = {"spike": 0.0, "shift": -0.2, "unrest": 0.6, "jump": 0.6, "missing": 0.0}
DEFAULT_SENSITIVITY = 0.5
# By sensitivity: of how many days without news one has a false alarm, as a power of ten.
QUIET_AT_1, QUIET_MORE = 1.3, 3.8
MOST_TOLD_PER_DAY = 24  # points within an hour know of each other, and count as one
DECADES_OF_HALF = 1.5  # of days, at which a score is 0.5
MOST_Z, LEAST_Z = 6.0, 2.0  # one point alone does not make a state
IN_A_STATE, LEAST_OF_A_STATE, LEAST_SHARE = 0.5, 1.0, 0.6  # most points are in it, the last one clearly
FARTHEST = 1e150  # numbers beyond count as this one: their squares are none
LEAST_HISTORY, LEAST_DAYS = 14, 2  # points and days before anything is said
TOLD = ("scores", "is_anomaly", "kinds", "expected", "lower", "upper")

Kinds = np.ndarray[tuple[int], np.dtype[np.str_]]
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True)
class Detection:
    scores: Floats  # 0 to 1
    is_anomaly: Flags
    kinds: Kinds
    expected: Floats  # NaN: nothing was to be expected yet
    lower: Floats
    upper: Floats
    steps: Ints  # seconds between two points, as known at each

    def points_of_a_day(self, point: int) -> int:
        return points_of_a_day(int(self.steps[point]))


def score_of(decades_of_days: Floats) -> Floats:
    """0.5: by chance once in a month; 0.75 in three years."""
    return np.asarray(1 - 2.0 ** (-np.maximum(decades_of_days, 0) / DECADES_OF_HALF))


def quiet_decades(sensitivity: float) -> float:
    return QUIET_AT_1 + QUIET_MORE * (1 - sensitivity)


def detect(series: Series, sensitivity: float = DEFAULT_SENSITIVITY, alike: int = 1) -> Detection:
    """`sensitivity`: 0.1, only what is extreme, to 1.0, whatever is odd. `alike`: how many series are looked at
    together; each must then be that much more surprising, so that all of them bring as many false alarms as one.

    Points of another cadence are another series, which is learned anew."""
    series = replace(series, values=np.clip(series.values, -FARTHEST, FARTHEST))
    which, steps = cadences(series.times.astype(np.int64), DAY)
    found = _nothing(steps)
    for cadence, step in sorted({*zip(which.tolist(), steps.tolist(), strict=True)}):
        (own,) = np.nonzero(which == cadence)
        told = steps[own] == step  # while a cadence is being learned, each step tells of its own points alone
        own = own[: np.flatnonzero(told)[-1] + 1]
        told = told[: len(own)]
        of_step = replace(series, times=series.times[own], values=series.values[own], cadence=step)
        detection = _detect(of_step, sensitivity, alike)
        for name in TOLD:
            getattr(found, name)[own[told]] = getattr(detection, name)[told]
    return found


def _nothing(steps: Ints) -> Detection:
    n = len(steps)
    expected, lower, upper = (np.full(n, np.nan) for _ in range(3))
    kinds = np.full(n, "", dtype="<U16")
    return Detection(np.zeros(n), np.zeros(n, bool), kinds, expected, lower, upper, steps)


def _detect(series: Series, sensitivity: float, alike: int) -> Detection:
    values, n = series.values, len(series)
    candidates = forecasts(series)
    chosen, each = nearest(series, candidates), np.arange(n)
    expected, ordinary, z, scale = (
        np.array([getattr(one, name) for one in candidates])[chosen, each]
        for name in ("expected", "ordinary", "z", "scale")
    )
    per_day = np.log10(min(series.per_day, MOST_TOLD_PER_DAY)) + np.log10(alike)
    asked = quiet_decades(sensitivity)
    told: dict[str, Floats] = {}
    for name, (statistic, parametric, is_news) in _statistics(z, series.per_day).items():
        kind = name.partition(" ")[0]
        tail = Surprise(statistic)
        decades = np.where(is_news, tail.decades(parametric), 0.0) - BEYOND[kind] - per_day
        told[kind] = np.maximum(told.get(kind, np.zeros(n)), decades)
        if name == "spike":
            limit = asked + BEYOND[kind] + per_day
            reach = tail.reached_at(limit, z_at(limit))
    told["missing"] = missing(series) - BEYOND["missing"] - np.log10(alike)  # asked of few points of a day
    stacked = np.array(list(told.values()))
    known = (past.count(values) >= max(LEAST_HISTORY, LEAST_DAYS * series.per_day)) & np.isfinite(values)
    decades = np.where(known, stacked.max(axis=0), 0.0)
    is_anomaly = decades >= asked
    # Nothing at all is a matter of its own, however far off it is besides.
    kinds = np.where(told["missing"] >= asked, "missing", np.array(list(told))[stacked.argmax(axis=0)])
    unit = Unit.of(values)
    lower, upper = unit.reach(expected, reach, scale)
    least, most = unit.reach(ordinary, reach, scale)
    return Detection(
        scores=score_of(decades),
        is_anomaly=is_anomaly,
        kinds=np.where(is_anomaly, kinds, ""),
        expected=expected,
        lower=np.fmin(lower, least),
        upper=np.fmax(upper, most),
        steps=np.full(n, series.step),
    )


def _statistics(z: Floats, per_day: int) -> dict[str, tuple[Floats, Floats, Flags]]:
    """How far off a point is, and from the one before; for how long all have been off to one side; for how long all
    have been far off. With what is known of each where its own past is short, and where it is news: the way back is
    none, nor is a state that is over."""
    far = np.abs(z)
    before = np.concatenate([[np.nan], z[:-1]])[: len(z)]
    jump = np.abs(z - before)
    found = {
        "spike": (far, decades_of_normal(z), np.ones(len(z), bool)),
        "jump": (jump, decades_of_normal(jump / np.sqrt(2)), ~(far < np.abs(before))),
    }
    usual, spread = np.sqrt(2 / np.pi), np.sqrt(1 - 2 / np.pi)  # of |z|
    windows = (2, 3, 8) if per_day == 1 else (max(per_day // 24, 4), max(per_day // 6, 8), max(per_day // 2, 12))
    # The points of a state within a day know of each other: it counts as if a quarter as many were independent.
    alike = 1.5 if per_day == 1 else 4
    for points in windows:
        # Three lost days and five ordinary ones are no week of a new level: of days each counts for its part.
        most = max(LEAST_Z, 2 * MOST_Z / points) if per_day == 1 else MOST_Z
        bounded = np.clip(z, -most, most)
        mean, mean_far = past.up_to_now(bounded, points), past.up_to_now(np.abs(bounded), points)
        independent = np.sqrt(points / alike)
        off = np.abs(mean)
        share = np.where(mean > 0, past.up_to_now(z > IN_A_STATE, points), past.up_to_now(z < -IN_A_STATE, points))
        lasts = (mean * z > 0) & (far > LEAST_OF_A_STATE) & (share > LEAST_SHARE)
        found[f"shift {points}"] = (off, decades_of_normal(off * independent), lasts)
        if per_day == 1:
            continue  # some days that are odd one by one are told one by one
        is_restless = (far > LEAST_OF_A_STATE) & (past.up_to_now(far > LEAST_OF_A_STATE, points) > LEAST_SHARE)
        unrest = np.maximum(mean_far - usual, 0) / spread
        found[f"unrest {points}"] = (mean_far, decades_of_normal(unrest * independent), is_restless)
    return found
