"""Item-item collaborative filtering of implicit feedback: products are near that the same people touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Way = Literal["together", "popularity"]
WAYS: tuple[Way, ...] = ("together", "popularity")
TOP = 10
DRAWN = 5.0  # people: so many shared ones must there be before a similarity counts half


@dataclass(frozen=True)
class Touch:
    """What a person did with a product: seen 1, into the cart 3, ordered 5."""

    person: str
    product: str
    at: float  # seconds
    weight: float


@dataclass(frozen=True)
class Items:
    products: tuple[str, ...]
    near: tuple[tuple[float, ...], ...]
    popular: tuple[float, ...]  # people who touched it
    way: Way

    def ranked(self, touched: dict[str, float], way: Way | None = None) -> list[tuple[str, float]]:
        """Products that are not touched yet, the best first. Who touched nothing gets what is popular."""
        place = {product: n for n, product in enumerate(self.products)}
        known = {place[product]: weight for product, weight in touched.items() if product in place}
        popular = np.array(self.popular)
        scores = popular / max(popular.sum(), 1)
        if known and (way or self.way) == "together":
            weights = np.log1p(list(known.values()))
            scores = (
                scores * 1e-3 + weights @ np.array(self.near)[list(known)]
            )  # what is popular decides between equals
        order = np.argsort(-scores, kind="stable")
        return [(self.products[n], float(scores[n])) for n in order if n not in known]


def learn(touches: Sequence[Touch], way: Way) -> Items:
    products = tuple(sorted({one.product for one in touches}))
    people = {who: n for n, who in enumerate(sorted({one.person for one in touches}))}
    place = {product: n for n, product in enumerate(products)}
    matrix = np.zeros((len(people), len(products)))
    for one in touches:
        matrix[people[one.person], place[one.product]] += one.weight
    weights, touched = np.log1p(matrix), (matrix > 0).astype(float)
    length = np.sqrt((weights**2).sum(axis=0))
    cosine = weights.T @ weights / np.maximum(np.outer(length, length), 1e-12)
    shared = touched.T @ touched
    near = cosine * shared / (shared + DRAWN)
    np.fill_diagonal(near, 0)
    rows = tuple(tuple(row) for row in near.round(9).tolist())
    return Items(products, rows, tuple(touched.sum(axis=0).tolist()), way)


def judge(items: Items, touches: Sequence[Touch], since: float, way: Way) -> dict[str, float]:
    """Leave the last new product out: is it among the first ten, by what its person had touched before it?"""
    by_person: dict[str, list[Touch]] = {}
    for one in sorted(touches, key=lambda one: (one.person, one.at, one.product)):
        by_person.setdefault(one.person, []).append(one)
    hits: list[bool] = []
    gains: list[float] = []
    for own in by_person.values():
        first = {one.product: one.at for one in reversed(own)}
        last, at = max(first.items(), key=lambda pair: (pair[1], pair[0]))
        before: dict[str, float] = {}
        for one in own:
            if one.at < at:
                before[one.product] = before.get(one.product, 0) + one.weight
        if at < since or not before or last not in items.products:
            continue
        shown = [product for product, _ in items.ranked(before, way)[:TOP]]
        hits.append(last in shown)
        gains.append(1 / np.log2(shown.index(last) + 2) if last in shown else 0.0)
    return {
        "ndcg_10": float(np.mean(gains or [0.0])),
        "hit_rate_10": float(np.mean(hits or [False])),
        "people": float(len(hits)),
    }
