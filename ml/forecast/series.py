"""A series as methods take it: without gaps, without what happened once, on a scale on which changes add up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FEWEST_SEASONS = 4  # of history: of days, four weeks
MOST_GAPS = 0.4  # of the points
FAR = 8.0  # robust deviations, from which on a point is not to be learned from
MOST_OUTLIERS = 0.02  # of the points: more of them are how the series is
MAD_TO_DEVIATION = 1.4826
LEAST, MOST = 1e-3, 100.0


class Unusable(Exception):
    """Why nothing is to be said of a series: what follows a colon after its name."""


@dataclass(frozen=True)
class Scale:
    """Logarithms where all is above zero; else what is like them far from zero and like the numbers themselves near it
    (asinh). What piles up, as rows do, grows by numbers and not by shares: it stays as it is."""

    kind: Literal["log", "asinh", "linear"]
    size: float = 1.0

    @classmethod
    def of(cls, values: Floats, piles_up: bool) -> Scale:
        sizes = np.abs(values[values != 0])
        size = float(np.median(sizes)) if len(sizes) else 1.0
        return cls("linear" if piles_up else "log" if values.min() > 0 else "asinh", size)

    def scaled(self, values: Floats) -> Floats:
        match self.kind:
            case "log":
                # What came later may be zero, where nothing ever was: as far off as a thousandth.
                return np.log(np.maximum(values / self.size, LEAST))
            case "asinh":
                return np.arcsinh(values / self.size)
        return values / self.size

    def values(self, scaled: Floats) -> Floats:
        bounded = np.clip(scaled, -MOST, MOST)  # beyond any number of the past, and still a number
        match self.kind:
            case "log":
                return np.exp(bounded) * self.size
            case "asinh":
                return np.sinh(bounded) * self.size
        return scaled * self.size


@dataclass(frozen=True)
class Past:
    """What a method knows: scaled, at even steps, without gaps."""

    scaled: Floats
    seasons: tuple[int, ...]  # steps, the shortest first: (7,) of days, (24, 168) of hours
    start: date | None = None  # of the first step, where steps are days

    def __len__(self) -> int:
        return len(self.scaled)

    @property
    def season(self) -> int:
        return self.seasons[-1]

    def phase(self, steps: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return steps % self.season


@dataclass(frozen=True)
class Series:
    """What there is: numbers with gaps (NaN) at even steps."""

    values: Floats
    seasons: tuple[int, ...] = (7,)
    start: date | None = None
    piles_up: bool = False  # as rows of a table do
    is_share: bool = False

    def until(self, step: int) -> Series:
        return replace(self, values=self.values[:step])

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """What never was below nothing, or a share that never was above all, will not be: by what is known so far."""
        known = self.values[np.isfinite(self.values)]
        at_least = 0.0 if len(known) and known.min() >= 0 else None
        return at_least, 1.0 if self.is_share and len(known) and known.max() <= 1 else None

    def checked(self) -> Series:
        """From the first number on; or a sentence, where there is too little to say anything."""
        values = np.where(np.isfinite(self.values), self.values, np.nan)
        known = np.flatnonzero(np.isfinite(values))
        needed = FEWEST_SEASONS * self.seasons[0]
        if len(known) < needed:
            raise Unusable(f"{len(known)} of the {needed} points of history that a forecast needs")
        first = int(known[0])
        if len(known) < (1 - MOST_GAPS) * (len(values) - first):
            raise Unusable(f"too many gaps, {len(known)} of {len(values) - first} points are known")
        start = self.start and date.fromordinal(self.start.toordinal() + first)
        return replace(self, values=values[first:], start=start)


def past_of(series: Series, seasons: tuple[int, ...] = ()) -> tuple[Past, Scale]:
    """`seasons`: these, however short the series is; else those that come often enough in it."""
    filled = _without_gaps(series.values, series.seasons[0])
    scale = Scale.of(filled, series.piles_up)
    enough = tuple(one for one in series.seasons if len(filled) >= FEWEST_SEASONS * one)
    seasons = seasons or enough or series.seasons[:1]
    return Past(_without_outliers(scale.scaled(filled), seasons[-1]), seasons, series.start), scale


def _without_gaps(values: Floats, season: int) -> Floats:
    """As in the seasons around, else as the neighbours."""
    around = _neighbours(values, season, 2)
    known = np.isfinite(around).any(axis=1)
    medians = np.full(len(values), np.nan)
    medians[known] = np.nanmedian(around[known], axis=1)
    filled = np.where(np.isfinite(values), values, medians)
    places = np.arange(len(filled))
    there = np.isfinite(filled)
    return np.asarray(np.interp(places, places[there], filled[there]))


def _without_outliers(scaled: Floats, season: int) -> Floats:
    """What is far from the same time of the seasons around, unless that is how the series is."""
    expected = np.nanmedian(_neighbours(scaled, season, 3), axis=1)
    rest = scaled - expected
    deviation = MAD_TO_DEVIATION * np.median(np.abs(rest - np.median(rest)))
    far = np.abs(rest) > FAR * deviation
    return scaled if far.mean() > MOST_OUTLIERS else np.where(far, expected, scaled)


def _neighbours(values: Floats, season: int, reach: int) -> Floats:
    """Of each point the points whole seasons before and after; NaN beyond the ends."""
    places = np.arange(len(values))[:, None] + season * np.array([k for k in range(-reach, reach + 1) if k])
    inside = (places >= 0) & (places < len(values))
    return np.where(inside, values[np.clip(places, 0, len(values) - 1)], np.nan)
