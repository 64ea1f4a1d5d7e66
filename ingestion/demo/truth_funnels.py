"""Funnels: the rules of the design, in plain steps.

Every event that matches the first step is an attempt. An attempt goes from step to step by the first event that
matches the next one, as long as it is within the window, counted from the attempt's first event. A person has come as
far as their best attempt; of several equally good ones the earliest counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

ORDERED, STRICT, UNORDERED = "ordered", "strict", "unordered"
_NO_TIME = -1


@dataclass(frozen=True)
class Stream:
    """Events sorted by person and time (`at` in milliseconds)."""

    person: Ints
    at: Ints

    def __post_init__(self) -> None:
        backwards = (np.diff(self.person) < 0) | ((np.diff(self.person) == 0) & (np.diff(self.at) < 0))
        assert not backwards.any(), "the events of a stream are sorted by person and time"

    def key(self, rows: Ints) -> Ints:
        return self.person[rows] * 2**43 + self.at[rows]


@dataclass(frozen=True)
class Exclusion:
    """An event that must not happen after step `after` (from 1) and before step `before`."""

    matches: Bools
    after: int
    before: int


@dataclass(frozen=True)
class Attempts:
    """One row per attempt: where it began, how many steps it came, when it took each (below 0: never)."""

    first_event: Ints
    reached: Ints
    times: Ints  # (attempts, steps)


def attempts(
    stream: Stream, steps: list[Bools], window: int, order: str = ORDERED, exclusions: tuple[Exclusion, ...] = ()
) -> Attempts:
    """The attempts that no exclusion removes. `steps`: for each step, which events match it."""
    if order == UNORDERED:
        return _unordered(stream, steps, window)
    taken = _strict(stream, steps) if order == STRICT else _ordered(stream, steps)
    began = stream.at[taken[:, 0]]
    times = np.where(taken >= 0, stream.at[np.maximum(taken, 0)], _NO_TIME)
    too_late = (times - began[:, None] > window) | (times < 0)
    failed = np.maximum.accumulate(too_late, axis=1)
    times = np.where(failed, _NO_TIME, times)
    clean = np.ones(len(taken), dtype=np.bool_)
    for exclusion in exclusions:
        clean &= ~_spoiled(stream, exclusion, taken[:, 0], times, began, window)
    return Attempts(taken[clean, 0], (~failed).sum(axis=1)[clean], times[clean])


def _ordered(stream: Stream, steps: list[Bools]) -> Ints:
    """(attempts, steps): the event that takes each step, whatever happens in between; -1 where there is none.

    Events at the same instant convert in step order, and no event takes two steps.
    """
    first = np.flatnonzero(steps[0])
    taken = np.full((len(first), len(steps)), -1, dtype=np.int64)
    taken[:, 0] = first
    for number, matches in enumerate(steps[1:], start=1):
        candidates = np.flatnonzero(matches)
        keys = stream.key(candidates)
        previous = taken[:, number - 1]
        going = np.flatnonzero(previous >= 0)
        place = np.searchsorted(keys, stream.key(previous[going]), side="left")
        while True:
            inside = place < len(candidates)
            event = (
                np.where(inside, candidates[np.minimum(place, len(candidates) - 1)], -1)
                if len(candidates)
                else (np.full(len(going), -1))
            )
            used = (taken[going, :number] == event[:, None]).any(axis=1) & (event >= 0)
            if not used.any():
                break
            place = place + used
        same_person = (event >= 0) & (stream.person[event] == stream.person[previous[going]])
        taken[going[same_person], number] = event[same_person]
    return taken


def _strict(stream: Stream, steps: list[Bools]) -> Ints:
    """The same, with no other event of the person in between."""
    first = np.flatnonzero(steps[0])
    taken = np.full((len(first), len(steps)), -1, dtype=np.int64)
    taken[:, 0] = first
    for number, matches in enumerate(steps[1:], start=1):
        event = first + number
        inside = np.minimum(event, len(matches) - 1)
        follows = (event < len(matches)) & matches[inside] & (stream.person[inside] == stream.person[first])
        follows &= taken[:, number - 1] >= 0
        taken[follows, number] = event[follows]
    return taken


def _unordered(stream: Stream, steps: list[Bools], window: int) -> Attempts:
    """Any step may begin; an attempt has come as many steps as happen within the window from its first event."""
    first = np.flatnonzero(np.logical_or.reduce(steps))
    begins = stream.key(first)
    happened = np.zeros((len(first), len(steps)), dtype=np.bool_)
    for number, matches in enumerate(steps):
        keys = stream.key(np.flatnonzero(matches))
        place = np.searchsorted(keys, begins, side="left")
        later = keys[np.minimum(place, len(keys) - 1)] if len(keys) else begins
        happened[:, number] = (place < len(keys)) & (later - begins <= window)
    return Attempts(first, happened.sum(axis=1), np.full(happened.shape, _NO_TIME))


def _spoiled(stream: Stream, exclusion: Exclusion, first: Ints, times: Ints, began: Ints, window: int) -> Bools:
    """Attempts with an excluded event after step `after`, before step `before` is taken, within the window."""
    from_time = times[:, exclusion.after - 1]
    to_time = times[:, exclusion.before - 1]
    last = np.where(to_time >= 0, to_time - 1, began + window)
    person = stream.person[first] * 2**43
    excluded = stream.key(np.flatnonzero(exclusion.matches))
    in_between = np.searchsorted(excluded, person + last, side="right") > np.searchsorted(
        excluded, person + from_time, side="right"
    )
    return (from_time >= 0) & in_between


@dataclass(frozen=True)
class Best:
    """One row per person who entered: the event that began their best attempt, how far, and when."""

    person: Ints
    first_event: Ints
    reached: Ints
    times: Ints


def best(stream: Stream, tries: Attempts) -> Best:
    """The best attempt of each person; the earliest of equally good ones."""
    person = stream.person[tries.first_event]
    order = np.lexsort((tries.first_event, -tries.reached, person))
    _, first = np.unique(person[order], return_index=True)
    chosen = order[first]
    return Best(person[chosen], tries.first_event[chosen], tries.reached[chosen], tries.times[chosen])


def users_per_step(reached: Ints, steps: int) -> Ints:
    """How many people came at least to each step."""
    return np.array([(reached >= step).sum() for step in range(1, steps + 1)], dtype=np.int64)


def histogram(seconds: Floats) -> list[tuple[int, int, int]]:
    """The time-to-convert histogram of the design: (from, to, people) for each bin."""
    if not len(seconds):
        return []
    low, high = int(np.floor(seconds.min())), int(np.ceil(seconds.max()))
    bins = min(max(int(np.ceil(np.cbrt(len(seconds)))), 1), 60)
    width = -(-(high - low) // bins) or 60
    counts = np.bincount(((seconds - low) // width).astype(np.int64), minlength=bins + 1)
    return [(low + i * width, low + (i + 1) * width, int(counts[i])) for i in range(bins + 1)]
