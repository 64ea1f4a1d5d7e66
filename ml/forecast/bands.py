"""How wide a band must be that it would have held its share of what backtests missed (conformal, by steps ahead)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.forecast.series import Floats

SHARES = (0.5, 0.8, 0.95)
FEWEST = 8  # errors that a width is made of

Steps = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Missed:
    """Of one backtest: how far each step ahead was off, on the scale of the series."""

    ahead: Steps  # 1, 2, …
    errors: Floats


@dataclass(frozen=True)
class Bands:
    """Half of the width of each band at some steps ahead; in straight lines between them, and beyond what was tried as
    wide as a random walk gets."""

    ahead: tuple[float, ...]
    furthest: int
    half: dict[float, tuple[float, ...]]  # by share

    @classmethod
    def of(cls, missed: Sequence[Missed], season: int) -> Bands:
        """From the errors of the first season, of the first four, and of what comes later; never narrower later."""
        ahead = np.concatenate([one.ahead for one in missed])
        errors = np.abs(np.concatenate([one.errors for one in missed]))
        furthest = int(ahead.max())
        edges = [0, *(edge for edge in (season, 4 * season) if edge < furthest), furthest]
        pieces = [(ahead > low) & (ahead <= high) for low, high in itertools.pairwise(edges)]
        pieces = [piece for piece in pieces if piece.sum() >= FEWEST] or [ahead > 0]
        half = {
            share: tuple(np.maximum.accumulate([_quantile(errors[piece], share) for piece in pieces]).tolist())
            for share in SHARES
        }
        return cls(tuple(float(ahead[piece].mean()) for piece in pieces), furthest, half)

    def widths(self, steps: int) -> dict[float, Floats]:
        wanted = np.arange(1, steps + 1)
        growth = np.sqrt(np.maximum(wanted / self.furthest, 1))
        return {share: np.asarray(np.interp(wanted, self.ahead, half) * growth) for share, half in self.half.items()}


def _quantile(errors: Floats, share: float) -> float:
    """As conformal prediction has it: with one error more than there are, so that few errors give wide bands."""
    place = math.ceil((len(errors) + 1) * share)
    return float(np.sort(errors)[min(place, len(errors)) - 1])
