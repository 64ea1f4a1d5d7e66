"""Two samples of what a model sees and says, as figures: the population stability index and Kolmogorov-Smirnov's.

Of the older one a summary is kept: bins with their shares, and some of its values. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml.trainable import Sample

if TYPE_CHECKING:
    import numpy as np

# The usual reading of the index: below 0.1 nothing has changed, above 0.25 it is another population.
STABILITY_LIMIT = 0.25
FEWEST_ROWS = 200  # of fewer the index says how few they are, not how different
# The distance says it where the index cannot: of fewer rows, and where many move a little to one side. A bell curve
# that is moved by so much that the index is at its limit is at this distance from itself.
DISTANCE_LIMIT = 0.2
FEWEST_NUMBERS = 30
CHANCE = 1.95  # times sqrt(1/n + 1/m): two samples of the same are further apart once in a thousand times
BINS = 10
KEPT_VALUES = 1000
KEPT_WORDS = 50
OTHER_WORDS, UNKNOWN = "\x00others", "\x00unknown"
# What stands for a share of nothing, whose logarithm there is not.
SMALLEST_SHARE = 1e-4

Summary = Mapping[str, Any]


@dataclass(frozen=True)
class Look:
    """One figure of a model on a day, and what it was like when the model was trained. Without an index and a distance
    there were too few rows to say whether it has drifted."""

    kind: str  # feature, prediction or performance
    name: str
    drifted: bool
    psi: float | None = None
    ks: float | None = None
    value: float | None = None
    reference: float | None = None

    @property
    def is_unsaid(self) -> bool:
        return self.kind != "performance" and not self.drifted and self.psi is None and self.ks is None


def summarise(sample: Sample) -> dict[str, Any]:
    """What is kept of a sample, as JSON can say it."""
    return {
        "features": {name: _summary(values) for name, values in sample.features.items()},
        "predictions": _summary(sample.predictions),
    }


def compare(reference: Mapping[str, Any], sample: Sample) -> list[Look]:
    """Features in their order, then the prediction. A feature that is not there any more has drifted."""
    looks = [
        _look("feature", name, summary, sample.features.get(name)) for name, summary in reference["features"].items()
    ]
    return [*looks, _look("prediction", "prediction", reference["predictions"], sample.predictions)]


def _look(kind: str, name: str, reference: Summary, values: Sequence[Any] | None) -> Look:
    if values is None:
        return Look(kind, name, drifted=True)
    now = _summary(values, like=reference)
    psi = ks = None
    drifted = False
    if min(now["rows"], reference["rows"]) >= FEWEST_ROWS:
        psi = stability_index(reference["shares"], now["shares"])
        drifted = psi > STABILITY_LIMIT
    numbers = [_numbers(one) for one in (reference, now)]
    if min(numbers) >= FEWEST_NUMBERS:
        ks = kolmogorov_smirnov(reference["values"], now["values"])
        drifted |= ks > max(DISTANCE_LIMIT, CHANCE * sum(1 / count for count in numbers) ** 0.5)
    return Look(kind, name, drifted, psi, ks, now["mean"], reference["mean"])


def _numbers(summary: Summary) -> int:
    """Rows whose number is known; none of words."""
    return round(summary["rows"] * (1 - summary["shares"].get(UNKNOWN, 0))) if summary["values"] else 0


def stability_index(before: Mapping[str, float], now: Mapping[str, float]) -> float:
    from math import log

    pairs = [(max(before.get(one, 0), SMALLEST_SHARE), max(now.get(one, 0), SMALLEST_SHARE)) for one in {*before, *now}]
    return sum((after - earlier) * log(after / earlier) for earlier, after in pairs)


def kolmogorov_smirnov(before: Sequence[float], now: Sequence[float]) -> float:
    """The largest distance of both distribution functions."""
    import numpy as np

    one, other = np.sort(before), np.sort(now)
    points = np.concatenate([one, other])
    below = [np.searchsorted(values, points, side="right") / len(values) for values in (one, other)]
    return float(np.abs(below[0] - below[1]).max())


def _summary(values: Sequence[Any], like: Summary | None = None) -> dict[str, Any]:
    """In bins of its own, or in those of another summary."""
    known = [value for value in values if value is not None and value == value]
    words = any(isinstance(value, str) for value in known) if like is None else like["edges"] is None
    unknown = len(values) - len(known)
    if words:
        return _of_words([str(value) for value in known], unknown, like)
    return _of_numbers([float(value) for value in known], unknown, like)


def _of_words(known: list[str], unknown: int, like: Summary | None) -> dict[str, Any]:
    counted = Counter(known)
    kept = {word for word, _ in counted.most_common(KEPT_WORDS)} if like is None else set(like["shares"])
    counts: Counter[str] = Counter({UNKNOWN: unknown} if unknown else {})
    for word, count in counted.items():
        counts[word if word in kept else OTHER_WORDS] += count
    return {"rows": len(known) + unknown, "edges": None, "shares": _shares(counts), "values": [], "mean": None}


def _of_numbers(known: list[float], unknown: int, like: Summary | None) -> dict[str, Any]:
    import numpy as np

    numbers = np.sort(np.asarray(known, dtype=float))
    edges = _edges(numbers) if like is None else like["edges"]
    counts: Counter[str] = Counter({UNKNOWN: unknown} if unknown else {})
    # A value that many rows share, 0 most often, is an edge: left of it and at it are two bins.
    for number, count in Counter(np.searchsorted(edges, numbers, side="right").tolist()).items():
        counts[str(number)] += count
    places = np.linspace(0, len(numbers) - 1, min(KEPT_VALUES, len(numbers))).astype(int)
    return {
        "rows": len(known) + unknown,
        "edges": edges,
        "shares": _shares(counts),
        "values": numbers[places].tolist(),
        "mean": float(numbers.mean()) if len(numbers) else None,
    }


def _edges(numbers: np.ndarray) -> list[float]:
    import numpy as np

    if not len(numbers):
        return []
    return sorted({float(edge) for edge in np.quantile(numbers, np.arange(1, BINS) / BINS, method="lower")})


def _shares(counts: Counter[str]) -> dict[str, float]:
    rows = counts.total()
    return {name: count / rows for name, count in sorted(counts.items())} if rows else {}
