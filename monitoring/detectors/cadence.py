"""How far apart the points of a series are, told at each point from it and those before it: a series that is denser or
sparser later must not change what was said of it before."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

LATELY = 28  # points whose distances say what is usual now
FACTOR = 1.5  # by which what is usual must differ to be another cadence: more than times that jitter do


@dataclass
class _Cadence:
    apart: list[int] = field(default_factory=list)  # its first ones

    def is_it(self, usual: float) -> bool:
        return not self.apart or 1 / FACTOR <= usual / max(self.step, 1) <= FACTOR

    @property
    def step(self) -> int:
        return int(median(self.apart))


def cadences(seconds: Ints, first: int) -> tuple[Ints, Ints]:
    """Of each point, which cadence it has, and the seconds between two of its points as known by then. `first`: those
    of a point that is alone."""
    apart = np.diff(seconds)
    if not len(apart):
        return np.zeros(len(seconds), np.int64), np.full(len(seconds), first)
    if (apart == apart[0]).all():
        return np.zeros(len(seconds), np.int64), np.full(len(seconds), apart[0])
    known, now = [_Cadence()], 0
    which, steps = [], []
    distances = apart.tolist()
    for place, distance in enumerate(distances):
        lately = distances[max(place + 1 - LATELY, 0) : place + 1]
        usual = median(lately)
        if not known[now].is_it(usual):
            again = [number for number, one in enumerate(known) if one.is_it(usual)]
            now = again[0] if again else len(known)
            if not again:
                known.append(_Cadence([one for one in lately if _Cadence([one]).is_it(usual)]))
        if len(known[now].apart) < LATELY:
            known[now].apart.append(distance)
        which.append(now)
        steps.append(known[now].step)
    # Of the first point alone nothing is expected, whatever its cadence.
    return np.array([which[0], *which]), np.array([steps[0], *steps])
