"""Logistic regression on the same matrix: numbers on one scale, a column per category, what is unknown is average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.churn.encoding import Encoding

Floats = NDArray[np.float64]
TAILS = (1.0, 99.0)  # percentiles; what lies beyond counts as they do


@dataclass(frozen=True)
class Linear:
    of_category: Floats  # (category features, 256): what each code adds; the last that is used stands for unknown
    sizes: NDArray[np.int64]  # how many codes each has
    low: Floats
    high: Floats
    middle: Floats  # of numbers: their mean, and what stands for unknown
    slopes: Floats
    mean_of_category: Floats
    intercept: Floats  # (1,)

    @staticmethod
    def fit(matrix: Floats, happened: Any, sizes: Sequence[int], strength: float) -> Linear:
        from sklearn.linear_model import LogisticRegression

        categories = len(sizes)
        numbers = matrix[:, categories:]
        known = np.where(np.isnan(numbers).all(axis=0), 0.0, numbers)
        low, high = np.nanpercentile(known, TAILS, axis=0) if numbers.shape[1] else (np.zeros(0), np.zeros(0))
        clipped = np.clip(known, low, high)
        middle = np.nanmean(clipped, axis=0) if numbers.shape[1] else np.zeros(0)
        filled = np.where(np.isnan(clipped), middle, clipped)
        spread = filled.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        one_hot = [_codes(matrix[:, place], size)[:, None] == np.arange(size + 1) for place, size in enumerate(sizes)]
        design = np.concatenate([(filled - middle) / scale, *one_hot], axis=1)
        model = LogisticRegression(C=strength, max_iter=2000)
        model.fit(design, happened)
        weights = model.coef_[0]
        of_category = np.zeros((categories, 256))
        mean_of_category = np.zeros(categories)
        begin = numbers.shape[1]
        for place, (size, chosen) in enumerate(zip(sizes, one_hot, strict=True)):
            added = weights[begin : begin + size + 1]
            of_category[place, : size + 1] = added
            mean_of_category[place] = float((chosen @ added).mean())
            begin += size + 1
        return Linear(
            of_category=of_category,
            sizes=np.array(sizes, dtype=np.int64),
            low=low,
            high=high,
            middle=middle,
            slopes=weights[: numbers.shape[1]] / scale,
            mean_of_category=mean_of_category,
            intercept=np.array([float(model.intercept_[0])]),
        )

    def must_fit(self, encoding: Encoding) -> None:
        categories, numbers = len(encoding.categories), len(encoding.numbers)
        sizes = [len(known) for known in encoding.categories.values()]
        fits = (
            self.of_category.shape == (categories, 256)
            and self.sizes.tolist() == sizes
            and len(self.mean_of_category) == categories
            and all(len(array) == numbers for array in (self.low, self.high, self.middle, self.slopes))
            and self.intercept.shape == (1,)
        )
        if not fits:
            raise ValueError("the arrays of the regression do not fit each other")

    def log_odds(self, matrix: Floats) -> Floats:
        return np.asarray(self.contributions(matrix).sum(axis=1) + self.expected())

    def expected(self) -> float:
        return float(self.intercept[0] + self.mean_of_category.sum())

    def contributions(self, matrix: Floats) -> Floats:
        """What each feature adds to the log odds, less what it adds on average."""
        categories = len(self.sizes)
        numbers = matrix[:, categories:]
        clipped = np.clip(numbers, self.low, self.high)
        of_numbers = np.where(np.isnan(clipped), 0.0, clipped - self.middle) * self.slopes
        of_categories = [
            self.of_category[place, _codes(matrix[:, place], int(size))] - self.mean_of_category[place]
            for place, size in enumerate(self.sizes)
        ]
        return np.concatenate([np.array(of_categories).reshape(categories, len(matrix)).T, of_numbers], axis=1)


def _codes(column: Floats, size: int) -> NDArray[np.int64]:
    """Unknown is a code of its own."""
    return np.where(np.isnan(column), size, column).astype(np.int64)
