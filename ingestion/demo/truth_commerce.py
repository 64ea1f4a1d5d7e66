"""Money: orders and revenue per day, subscriptions, recurring revenue and its movements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PlanPeriods:
    """Who paid how much per month from when until before when (`until` beyond the world: still does)."""

    person: Ints
    since: Ints
    until: Ints
    amount: Ints  # cents per month


def recurring_revenue(periods: PlanPeriods, people: int, instant: int) -> Ints:
    """What each person pays per month at this instant."""
    current = (periods.since < instant) & (periods.until >= instant)
    paid = np.zeros(people, dtype=np.int64)
    np.add.at(paid, periods.person[current], periods.amount[current])
    return paid


def movements(periods: PlanPeriods, people: int, previous: int, instant: int) -> dict[str, int]:
    """How recurring revenue came from its value at `previous` to the one at `instant`, person by person.

    Who pays now and did not then is new, or a reactivation if they paid at any time before; who pays more is an
    expansion, less a contraction; who pays nothing any more is churned. Changes in between that cancel out are none.
    """
    before = recurring_revenue(periods, people, previous)
    now = recurring_revenue(periods, people, instant)
    ever = np.zeros(people, dtype=np.bool_)
    ever[periods.person[periods.since < previous]] = True
    change = now - before
    starts = (before == 0) & (now > 0)
    return {
        "new": int(change[starts & ~ever].sum()),
        "reactivation": int(change[starts & ever].sum()),
        "expansion": int(change[(before > 0) & (change > 0)].sum()),
        "contraction": int(-change[(now > 0) & (change < 0)].sum()),
        "churned": int(before[(now == 0) & (before > 0)].sum()),
    }
