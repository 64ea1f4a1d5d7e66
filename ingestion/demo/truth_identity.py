"""Who is who: the rule of the design, in plain steps.

An anonymous id that is ever seen together with a user id (on one event, or in an alias) belongs to that user, back in
time as well. Where several users were seen with it, it belongs to the first one; an event that carries a user id
always belongs to that user.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

NOBODY = -1


def owners(user: Ints, anonymous: Ints, at: Ints, anonymous_ids: int) -> Ints:
    """The user to whom each anonymous id belongs, NOBODY where it was never seen with one.

    One element per event: the numbers of its user and its anonymous id (below 0 where it has none). The first
    user is the one of the earliest event; of two at the same instant, the one with the lower number.
    """
    both = np.flatnonzero((user >= 0) & (anonymous >= 0))
    earliest_last = both[np.lexsort((user[both], at[both]))][::-1]
    owner = np.full(anonymous_ids, NOBODY, dtype=np.int64)
    owner[anonymous[earliest_last]] = user[earliest_last]  # the earliest is written last, and stays
    return owner


def people(user: Ints, anonymous: Ints, owner: Ints, users: int) -> Ints:
    """The person of each event: a number below `users` for a user, `users` + anonymous id for a stranger."""
    of_device = np.where(anonymous >= 0, owner[np.maximum(anonymous, 0)], NOBODY)
    stranger = users + np.maximum(anonymous, 0)
    return np.where(user >= 0, user, np.where(of_device >= 0, of_device, stranger))
