"""What the models need to know of customers: how often they came again, when last, since when, for how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.lifetime.maximum_likelihood import Floats

DAYS_OF_A_WEEK = 7.0


@dataclass(frozen=True)
class Purchases:
    """One row per customer and day with a purchase, sorted: several orders of a day are one decision to come."""

    customers: NDArray[np.str_]
    days: NDArray[np.int64]  # ordinals
    amounts: Floats  # NaN: not known in the project's currency


@dataclass(frozen=True)
class Histories:
    """One row per customer, in weeks until a day; as the literature has them: x, t_x, T and the mean amount."""

    customers: NDArray[np.str_]
    repeats: Floats  # days with a purchase after the first one
    recency: Floats  # from the first purchase to the last one
    age: Floats  # from the first purchase to the day
    told: Floats  # of the repeats, those whose amount is known
    amount: Floats  # mean of these; NaN where there is none
    paid: Floats  # everything so far

    def __len__(self) -> int:
        return len(self.customers)


def purchases_of(rows: Sequence[Sequence[Any]]) -> Purchases:
    """Of rows of customer, day and amount, which need not be sorted."""
    by_day: dict[tuple[str, int], list[float]] = {}
    for customer, day, amount in rows:
        by_day.setdefault((customer, day.toordinal()), []).append(np.nan if amount is None else float(amount))
    ordered = sorted(by_day)
    return Purchases(
        np.array([customer for customer, _ in ordered], dtype=np.str_),
        np.array([day for _, day in ordered], dtype=np.int64),
        np.array([np.nansum(by_day[one]) if not np.isnan(by_day[one]).all() else np.nan for one in ordered]),
    )


def histories_at(purchases: Purchases, day: date) -> Histories:
    """As they were known at the end of the day."""
    end = day.toordinal()
    known = purchases.days <= end
    customers, days, amounts = purchases.customers[known], purchases.days[known], purchases.amounts[known]
    names, first, counts = np.unique(customers, return_index=True, return_counts=True)
    begin, last = days[first], days[first + counts - 1]
    is_repeat = np.ones(len(days), bool)
    is_repeat[first] = False
    owner = np.repeat(np.arange(len(names)), counts)
    told = is_repeat & np.isfinite(amounts) & (amounts > 0)
    sums = np.bincount(owner[told], amounts[told], len(names))
    times = np.bincount(owner[told], minlength=len(names))
    return Histories(
        names,
        (counts - 1).astype(float),
        (last - begin) / DAYS_OF_A_WEEK,
        (end - begin) / DAYS_OF_A_WEEK,
        times.astype(float),
        np.divide(sums, times, out=np.full(len(names), np.nan), where=times > 0),
        np.bincount(owner, np.nan_to_num(amounts), len(names)).astype(float),
    )


def purchases_between(
    purchases: Purchases, customers: NDArray[np.str_], after: date, until: date
) -> tuple[Floats, Floats]:
    """How many days with a purchase each of these customers had after the one day until the other, and for how much."""
    within = (purchases.days > after.toordinal()) & (purchases.days <= until.toordinal())
    place = np.searchsorted(customers, purchases.customers[within])
    place = np.minimum(place, len(customers) - 1)
    ours = customers[place] == purchases.customers[within]
    counts = np.bincount(place[ours], minlength=len(customers)).astype(float)
    paid = np.bincount(place[ours], np.nan_to_num(purchases.amounts[within][ours]), len(customers))
    return counts, paid.astype(float)
