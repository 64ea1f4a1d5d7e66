"""How often customers come, until they stop: BG/NBD (Fader, Hardie and Lee 2005), MBG/NBD (Batislam and others 2007).

While alive, customers buy at a rate of their own, gamma distributed (r, alpha); after each purchase they are gone with
a probability of their own, beta distributed (a, b). The modified model lets them be gone after the first one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ml.lifetime.histories import Histories
from ml.lifetime.maximum_likelihood import Floats, maximise

Kind = Literal["BG/NBD", "MBG/NBD"]
QUANTILES = 64  # agree with the closed form to a few millionths
LEAST_P = 1e-200


@dataclass(frozen=True)
class Buying:
    kind: Kind
    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float

    def probability_alive(self, of: Histories) -> Floats:
        found: Floats = np.exp(-np.logaddexp(0.0, _log_odds_of_gone(self.kind, self, of.repeats, of.recency, of.age)))
        return found

    def expected(self, of: Histories, weeks: float) -> Floats:
        """Purchases in the weeks to come.

        Of who is alive, what is known of the rate and of the probability p to go are a gamma and a beta distribution;
        the mean over the gamma is closed, that over the beta a sum over quantiles. The papers' hypergeometric function
        is the same number, but SciPy's is none where a and b are large: where all customers go alike."""
        from scipy.special import betaincinv, roots_legendre

        nodes, weights = roots_legendre(QUANTILES)
        shares = (nodes + 1) / 2
        found = np.empty(len(of))
        ahead = weeks / (self.alpha + of.age)
        for repeats in np.unique(of.repeats):
            ours = of.repeats == repeats
            p = np.maximum(betaincinv(self.a, self.b + repeats + (self.kind == "MBG/NBD"), shares), LEAST_P)
            come = -np.expm1(-(self.r + repeats) * np.log1p(np.outer(ahead[ours], p))) / p
            found[ours] = come @ weights / 2
        return found * self.probability_alive(of)


def fit_buying(histories: Histories, kind: Kind) -> Buying:
    # Many customers have the same history.
    rows = np.column_stack([histories.repeats, histories.recency, histories.age])
    (repeats, recency, age), weights = _distinct(rows)

    def log_likelihood(r: float, alpha: float, a: float, b: float) -> Floats:
        from scipy.special import betaln, gammaln

        buying = Buying(kind, r, alpha, a, b, 0)
        stays = b + repeats + (kind == "MBG/NBD")
        alive = (
            gammaln(r + repeats) - gammaln(r) + r * np.log(alpha) - (r + repeats) * np.log(alpha + age)
            + betaln(a, stays) - betaln(a, b)
        )  # fmt: skip
        found: Floats = alive + np.logaddexp(0.0, _log_odds_of_gone(kind, buying, repeats, recency, age))
        return found

    (r, alpha, a, b), value = maximise(log_likelihood, 4, weights, what=kind)
    return Buying(kind, r, alpha, a, b, value)


def likeliest_buying(histories: Histories) -> Buying:
    """Of both, that under which what was seen is likelier; they have as many parameters."""
    return max((fit_buying(histories, kind) for kind in get_args(Kind)), key=lambda one: one.log_likelihood)


def _log_odds_of_gone(kind: Kind, model: Buying, repeats: Floats, recency: Floats, age: Floats) -> Floats:
    """That they are gone since their last purchase, against that they are alive."""
    stayed = model.b + (repeats if kind == "MBG/NBD" else np.maximum(repeats, 1) - 1)
    odds: Floats = (
        np.log(model.a)
        - np.log(stayed)
        + (model.r + repeats) * (np.log(model.alpha + age) - np.log(model.alpha + recency))
    )
    return odds if kind == "MBG/NBD" else np.where(repeats > 0, odds, -np.inf)


def _distinct(rows: Floats) -> tuple[Floats, Floats]:
    found, counts = np.unique(rows, axis=0, return_counts=True)
    return found.T, counts.astype(float)
