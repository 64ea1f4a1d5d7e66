"""Item-item collaborative filtering of implicit feedback: products are near that the same people touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = NDArray[np.float64]
Way = Literal["together", "popularity"]
WAYS: tuple[Way, ...] = ("together", "popularity")
TOP = 10
DRAWN = 5.0  # people: so many shared ones must there be before a similarity counts half
MOST_NEAR = 200  # of each product, the nearest: of how many products there are, a model must not be the square


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
    neighbours: tuple[tuple[tuple[int, ...], tuple[float, ...]], ...]  # of each their places, and how near they are
    popular: tuple[float, ...]  # people who touched it
    way: Way

    @cached_property
    def place(self) -> dict[str, int]:
        return {product: n for n, product in enumerate(self.products)}

    @cached_property
    def near(self) -> csr_matrix:
        from scipy.sparse import csr_matrix

        begins = np.cumsum([0, *(len(places) for places, _ in self.neighbours)])
        places = [place for places, _ in self.neighbours for place in places]
        values = [value for _, values in self.neighbours for value in values]
        return csr_matrix((np.array(values, dtype=float), places, begins), shape=(len(self.products),) * 2)

    def ranked(self, touched: dict[str, float], way: Way | None = None) -> list[tuple[str, float]]:
        """Products that are not touched yet, the best first. Who touched nothing gets what is popular."""
        known = {self.place[product]: weight for product, weight in touched.items() if product in self.place}
        popular = np.array(self.popular)
        scores = popular / max(popular.sum(), 1)
        if known and (way or self.way) == "together":
            weights = np.log1p(list(known.values()))
            scores = scores * 1e-3 + self.near[list(known)].T @ weights  # what is popular decides between equals
        order = np.argsort(-scores, kind="stable")
        return [(self.products[n], float(scores[n])) for n in order if n not in known]


def learn(touches: Sequence[Touch], way: Way) -> Items:
    """Sparse all the way: people touch few of all products, and most products share nobody."""
    from scipy.sparse import csr_matrix

    products, columns = np.unique([one.product for one in touches], return_inverse=True)
    people, rows = np.unique([one.person for one in touches], return_inverse=True)
    told = ([one.weight for one in touches], (rows, columns))
    matrix = csr_matrix(told, shape=(len(people), len(products)))  # adds up what is told twice
    weights, touched = matrix.log1p(), matrix.sign()
    length = np.sqrt(np.asarray(weights.power(2).sum(axis=0)).ravel())
    near, shared = (weights.T @ weights).tocoo(), (touched.T @ touched).tocsr()
    of_both = np.asarray(shared[near.row, near.col]).ravel()
    values = near.data / (length[near.row] * length[near.col]) * of_both / (of_both + DRAWN)
    kept = csr_matrix((values.round(9), (near.row, near.col)), shape=near.shape)
    kept.setdiag(0)
    kept.eliminate_zeros()
    kept.sort_indices()
    popular = np.asarray(touched.sum(axis=0)).ravel()
    neighbours = tuple(_nearest(kept.indices[begin:end], kept.data[begin:end]) for begin, end in pairwise(kept.indptr))
    return Items(tuple(products.tolist()), neighbours, tuple(popular.tolist()), way)


def _nearest(places: NDArray[np.int32], values: Floats) -> tuple[tuple[int, ...], tuple[float, ...]]:
    chosen = np.sort(np.argsort(-values, kind="stable")[:MOST_NEAR])
    return tuple(places[chosen].tolist()), tuple(values[chosen].tolist())


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
        if at < since or not before or last not in items.place:
            continue
        shown = [product for product, _ in items.ranked(before, way)[:TOP]]
        hits.append(last in shown)
        gains.append(1 / np.log2(shown.index(last) + 2) if last in shown else 0.0)
    return {
        "ndcg_10": float(np.mean(gains or [0.0])),
        "hit_rate_10": float(np.mean(hits or [False])),
        "people": float(len(hits)),
    }
