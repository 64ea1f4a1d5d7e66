"""Random numbers by name: each part of a block draws from a stream of its own.

Because no part shares a stream with another, planting an anomaly (or changing how noise is drawn) leaves every
other draw as it was. That is what makes the untouched twin of a world possible.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray


def stream(seed: int, *names: str | int) -> np.random.Generator:
    key = [seed] + [zlib.crc32(name.encode()) if isinstance(name, str) else name for name in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


def pick(rng: np.random.Generator, weights: NDArray[np.float64] | tuple[float, ...], n: int) -> NDArray[np.int64]:
    """`n` indices drawn with these weights."""
    bounds = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.minimum(np.searchsorted(bounds / bounds[-1], rng.random(n), side="right"), len(bounds) - 1).astype(
        np.int64
    )
