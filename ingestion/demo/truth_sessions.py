"""Sessions: the rules of the design, in plain steps.

- Events of one person with the same SDK session id are one session.
- Events of one person without one are a session as long as no gap between them is longer than 30 minutes.
- No session is longer than 24 hours: the first event later than that opens the next one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

INACTIVITY_MS = 30 * 60 * 1000
LONGEST_MS = 24 * 60 * 60 * 1000


def sessions(person: Ints, at: Ints, sdk_session: Ints) -> Ints:
    """The number of the session of each event (numbered from 0). `sdk_session` is below 0 where there is none."""
    n = len(person)
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    named = np.where(sdk_session >= 0, sdk_session, -1)
    order = np.lexsort((at, named, person))
    person, named, time = person[order], named[order], at[order]
    other = (np.diff(person) != 0) | (np.diff(named) != 0)
    idle = (named[1:] < 0) & (np.diff(time) > INACTIVITY_MS)
    opens = np.r_[True, other | idle]
    _cut_long_ones(opens, time)
    result = np.empty(n, dtype=np.int64)
    result[order] = np.cumsum(opens) - 1
    return result


def _cut_long_ones(opens: Bools, time: Ints) -> None:
    """Opens another session at the first event more than 24 hours after its session's begin, again and again."""
    begin = np.flatnonzero(opens)
    end = np.r_[begin[1:], len(time)]
    too_long = time[end - 1] - time[begin] > LONGEST_MS
    for low, high in zip(begin[too_long], end[too_long], strict=True):
        started = time[low]
        for event in range(low + 1, high):
            if time[event] - started > LONGEST_MS:
                opens[event] = True
                started = time[event]
