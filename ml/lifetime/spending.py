"""For how much customers buy: Gamma-Gamma (Fader and Hardie 2013).

An amount is gamma distributed around the customer's own mean (p), and means are so among customers (q, v)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.lifetime.histories import Histories
from ml.lifetime.maximum_likelihood import Floats, maximise

LEAST_Q = 1.001  # at 1 the mean of all customers would be endless


@dataclass(frozen=True)
class Spending:
    p: float
    q: float
    v: float
    log_likelihood: float

    @property
    def mean(self) -> float:
        return self.p * self.v / (self.q - 1)

    def expected(self, of: Histories) -> Floats:
        """Of the next purchase: between the mean of all, and the customer's own as far as that is known."""
        found: Floats = self.p * (self.v + of.told * np.nan_to_num(of.amount)) / (self.p * of.told + self.q - 1)
        return found


def fit_spending(histories: Histories) -> Spending:
    known = histories.told > 0
    times, amount = histories.told[known], histories.amount[known]

    def log_likelihood(p: float, q: float, v: float) -> Floats:
        from scipy.special import betaln

        shape = p * times
        found: Floats = (
            -betaln(shape, q) + q * np.log(v) + (shape - 1) * np.log(amount) + shape * np.log(times)
            - (shape + q) * np.log(v + times * amount)
        )  # fmt: skip
        return found

    (p, q, v), value = maximise(log_likelihood, 3, np.ones(len(times)), (0, LEAST_Q, 0), "Gamma-Gamma")
    return Spending(p, q, v, value)
