"""Who was active when: active users, retention, lifecycle and stickiness from one table of person by period."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

RECURRING, FIRST_TIME, FIRST_EVER = "recurring", "first_time", "first_ever"
ON, ON_OR_AFTER = "on", "on_or_after"


def activity(person: Ints, period: Ints, people: int, periods: int) -> Bools:
    """(people, periods): whether the person has an event in the period."""
    table = np.zeros((people, periods), dtype=np.bool_)
    table[person, period] = True
    return table


def active_users(table: Bools, days: int) -> Ints:
    """For each day, how many people were active on it or on one of the days - 1 days before."""
    running = np.cumsum(np.pad(table, ((0, 0), (1, 0))).astype(np.int32), axis=1)
    end = np.arange(1, table.shape[1] + 1)
    begin = np.maximum(end - days, 0)
    active: Ints = ((running[:, end] - running[:, begin]) > 0).sum(axis=0)
    return active


def lifecycle(table: Bools) -> dict[str, Ints]:
    """People per period: new (active for the first time), returning (active in the period before as well),
    resurrecting (active before, not in the period before), dormant (active in the period before, not in this)."""
    before = np.pad(table, ((0, 0), (1, 0)))[:, :-1]
    ever_before = np.cumsum(before, axis=1) > 0
    return {
        "new": (table & ~ever_before).sum(axis=0),
        "returning": (table & before).sum(axis=0),
        "resurrecting": (table & ever_before & ~before).sum(axis=0),
        "dormant": (before & ~table).sum(axis=0),
    }


def stickiness(table: Bools) -> Ints:
    """How many people were active on 1, 2, ... of the days (element 0: people active on one day)."""
    return np.bincount(table.sum(axis=1), minlength=table.shape[1] + 1)[1:]


def retention(
    starts: Bools, returns: Bools, kind: str, mode: str, first: int = 0, last: int | None = None
) -> list[list[int]]:
    """Cohorts of the periods first..last (last not included): for each, how many returned after 0, 1, 2, … periods.

    `starts` and `returns` are tables of person by period, over all of history. Element 0 of a cohort is its size.
    A person is in the cohort of a period with a start event: of each such period (recurring), of the first one in the
    range (first_time), or of the first one in all of history if that is in the range (first_ever). Returned after k
    periods means active in that period (on), or in it or a later one of the range (on or after).
    """
    last = starts.shape[1] if last is None else last
    in_range = starts[:, first:last]
    if kind == FIRST_TIME:
        in_range = in_range & (np.cumsum(in_range, axis=1) == 1)
    elif kind == FIRST_EVER:
        in_range = (starts & (np.cumsum(starts, axis=1) == 1))[:, first:last]
    active = returns[:, first:last]
    if mode == ON_OR_AFTER:
        active = np.logical_or.accumulate(active[:, ::-1], axis=1)[:, ::-1]
    cohorts = []
    for cohort in range(last - first):
        members = in_range[:, cohort]
        later = [int((members & active[:, period]).sum()) for period in range(cohort + 1, last - first)]
        cohorts.append([int(members.sum()), *later])
    return cohorts
