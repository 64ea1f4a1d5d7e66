"""How good predicted probabilities are, for what happened then."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
BINS = 10


def figures(score: Floats, happened: Bools) -> dict[str, float]:
    """`score`: probabilities. Of one outcome only there is nothing to rank: those figures are left out."""
    found = {"brier": float(np.mean((score - happened) ** 2)), "calibration_error": calibration_error(score, happened)}
    if happened.any() and not happened.all():
        found |= ranking(score, happened)
    return found


def ranking(score: Floats, happened: Bools) -> dict[str, float]:
    from sklearn.metrics import average_precision_score, roc_auc_score

    return {
        "auc": float(roc_auc_score(happened, score)),
        "average_precision": float(average_precision_score(happened, score)),
        "lift_at_10_percent": lift(score, happened, 0.1),
    }


def lift(score: Floats, happened: Bools, share: float) -> float:
    """How many times as often it happened to those with the highest scores; of equal scores a part counts."""
    wanted = share * len(score)
    edge = np.sort(score)[::-1][max(int(np.ceil(wanted)) - 1, 0)]
    above, at_edge = score > edge, score == edge
    hits = happened[above].sum() + (wanted - above.sum()) * happened[at_edge].mean()
    return float(hits / wanted / happened.mean())


def calibration_error(score: Floats, happened: Bools) -> float:
    """By how much mean probability and frequency differ, on average over groups of equal size by probability."""
    order = np.argsort(score, kind="stable")
    groups = np.array_split(order, min(BINS, len(order)))
    return float(sum(len(rows) * abs(score[rows].mean() - happened[rows].mean()) for rows in groups) / len(order))
