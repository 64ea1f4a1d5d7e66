"""The script of a block: rows of (visit, position, kind, three numbers), put in order and given a time.

Every part of the behaviour adds its rows with a position inside the visit, as a fraction of a play: the entry
is at 0, looking around between 6 and 95, a sign-up around 50. Sorting by visit and position gives the order.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ingestion.demo import world
from ingestion.demo.clock import MINUTE_MS, Clock
from ingestion.demo.event_types import IDENTITY_KINDS, Kind
from ingestion.demo.streams import stream
from ingestion.demo.visits import BOT, Visits

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass
class Events:
    """Arrays with one element per event, ordered by visit and time."""

    visit: Ints
    kind: Ints
    position: Floats
    at: Ints  # when it really happened, milliseconds UTC: the corrected timestamp
    a: Ints  # what a, b and c mean depends on the kind, see properties.py
    b: Ints
    c: Ints

    def __len__(self) -> int:
        return len(self.visit)

    def take(self, which: NDArray[np.generic]) -> Events:
        return Events(**{field.name: getattr(self, field.name)[which] for field in fields(self)})


class Script:
    """Collects the rows."""

    def __init__(self) -> None:
        self._rows: list[tuple[Ints, Floats, Ints, Ints, Ints, Ints]] = []

    def add(
        self,
        kind: int | Ints,
        visit: Ints,
        position: float | Floats,
        a: int | Ints | Bools = 0,
        b: int | Ints | Bools = 0,
        c: int | Ints | Bools = 0,
    ) -> None:
        n = len(visit)
        place = np.broadcast_to(np.asarray(position, dtype=np.float64), n)
        self._rows.append((visit, place, _wide(kind, n), _wide(a, n), _wide(b, n), _wide(c, n)))

    def play(self, seed: int, project: str, block: int, visits: Visits, clock: Clock) -> Events:
        """All rows in order, with the time at which each happens."""
        visit, position, kind, a, b, c = (np.concatenate(column) for column in zip(*self._rows, strict=True))
        order = np.lexsort((position, visit))
        visit, position, kind = visit[order], position[order], kind[order]
        rng = stream(seed, project, block, "pace")
        gap = 300 + np.exp(rng.normal(np.log(14_000), 0.9, len(visit))).astype(np.int64)
        gap = np.minimum(gap, 12 * MINUTE_MS)
        prompt = np.isin(kind, (*IDENTITY_KINDS, Kind.experiment_viewed, Kind.error_occurred))
        gap = np.where(prompt, 20 + gap % 400, gap)
        gap = np.where(visits.role[visit] == BOT, 300 + gap % 1_500, gap)
        first = np.r_[True, visit[1:] != visit[:-1]]
        gap = np.where(first, 0, gap + _pauses(rng, visit, first, len(visits)))
        elapsed = np.cumsum(gap)
        at = visits.start[visit] + elapsed - _at_start(elapsed, first)
        events = Events(visit, kind, position, at, a[order], b[order], c[order])
        events = events.take(events.at < clock.end - 10_000)
        _part_ties(events, visits)
        return events


def _wide(value: int | Ints | Bools, n: int) -> Ints:
    return np.broadcast_to(np.asarray(value, dtype=np.int64), n)


def _pauses(rng: np.random.Generator, visit: Ints, first: Bools, visits: int) -> Ints:
    """A few visits have a long silence before one of their events, longer than a session lasts without an id."""
    pausing = rng.random(visits) < world.PAUSE
    length = rng.integers(31 * MINUTE_MS, 90 * MINUTE_MS, visits)
    place = rng.random(visits)
    size = np.bincount(visit, minlength=visits)
    begin = np.cumsum(size) - size
    chosen = begin + 1 + (place * np.maximum(size - 1, 1)).astype(np.int64)
    which = np.flatnonzero(pausing & (size > 2))
    pauses = np.zeros(len(visit), dtype=np.int64)
    pauses[chosen[which]] = length[which]
    return np.where(first, 0, pauses)


def _at_start(elapsed: Ints, first: Bools) -> Ints:
    """For each row, the running total at the first row of its visit."""
    rows = np.where(first, np.arange(len(elapsed)), 0)
    result: Ints = elapsed[np.maximum.accumulate(rows)]
    return result


def _part_ties(events: Events, visits: Visits) -> None:
    """No person has two events in the same millisecond: the order of a person's events is never a matter of taste."""
    person = visits.person[events.visit]
    while True:
        order = np.lexsort((events.at, person))
        same = (np.diff(events.at[order]) == 0) & (np.diff(person[order]) == 0)
        if not same.any():
            return
        events.at[order[1:][same]] += 1
