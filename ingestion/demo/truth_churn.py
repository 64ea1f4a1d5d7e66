"""How well churn can be predicted at best: by the very probability with which it was decided."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def auc(score: Floats, happened: NDArray[np.bool_]) -> float | None:
    """The probability that somebody to whom it happened has a higher score than somebody to whom it did not;
    equal scores count half. None where there is only one kind."""
    positives, negatives = np.sort(score[happened]), np.sort(score[~happened])
    if not len(positives) or not len(negatives):
        return None
    below = np.searchsorted(negatives, positives, side="left")
    not_above = np.searchsorted(negatives, positives, side="right")
    return float((below + not_above).sum() / 2 / (len(positives) * len(negatives)))


def expected_auc(probability: Floats) -> float | None:
    """The same, averaged over every way in which the coins could have fallen (pair by pair)."""
    p = np.sort(probability)
    quiet = 1 - p
    begin = np.unique(p, return_index=True)[1]
    end = np.r_[begin[1:], len(p)]
    total = np.r_[0.0, np.cumsum(quiet)]
    group = np.searchsorted(begin, np.arange(len(p)), side="right") - 1
    lower, same = total[begin[group]], total[end[group]] - total[begin[group]]
    # Nobody is compared with themselves.
    wins = (p * (lower + (same - quiet) / 2)).sum()
    pairs = (p * (total[-1] - quiet)).sum()
    return float(wins / pairs) if pairs else None
