"""Features as a matrix: categories first, as codes, then numbers; what is unknown is NaN."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warehouse.errors import MillraceError

Floats = NDArray[np.float64]
Columns = Mapping[str, Sequence[Any]]
MOST_CATEGORIES = 60  # of one feature; the rarest beyond are unknown to the model


@dataclass(frozen=True)
class Encoding:
    """Learned of the rows of a training; a category that is not among them is unknown, as a missing one is."""

    categories: Mapping[str, tuple[str, ...]]  # by feature, in the order of the columns
    numbers: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.categories, *self.numbers)

    @staticmethod
    def learn(columns: Columns, categories: Sequence[str], numbers: Sequence[str]) -> Encoding:
        learned = {}
        for name in categories:
            values = [str(value) for value in _column(columns, name) if value is not None]
            found, counts = np.unique(np.array(values, dtype=str), return_counts=True)
            most = sorted(np.argsort(-counts, kind="stable")[:MOST_CATEGORIES])
            learned[name] = tuple(str(found[place]) for place in most)
        return Encoding(learned, tuple(numbers))

    def matrix(self, columns: Columns) -> Floats:
        encoded = []
        for name, known in self.categories.items():
            code = {value: float(place) for place, value in enumerate(known)}
            encoded.append([code.get(str(value), math.nan) for value in _column(columns, name)])
        encoded += [
            [math.nan if value is None else float(value) for value in _column(columns, n)] for n in self.numbers
        ]
        matrix = np.array(encoded, dtype=np.float64).T
        matrix[~np.isfinite(matrix)] = math.nan
        return matrix


def _column(columns: Columns, name: str) -> Sequence[Any]:
    if name not in columns:
        raise MillraceError(
            f"The feature {name} is missing.", "The model was trained with it: build the features, or train anew."
        )
    return columns[name]
