"""Boosted trees as plain arrays: what they predict, and exactly how much of it each feature explains.

Every path from a root to a leaf is a game: the leaf's value, times 1 or 0 for each feature on the path that is known
and leads there or not, times the share of the training's rows that went there for each feature that is not known.
Shapley values of such a product are sums over how many features are known (Lundberg et al. 2018, path-dependent
TreeSHAP); all paths of all trees are padded to the same number of features, and those that pad change nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

WORD, CATEGORY_WORDS = 32, 8  # a set of categories is 8 words of 32 bits
ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class Trees:
    """The splits of all trees one after the other, and of each leaf the path to it."""

    base: Floats  # (1,): what is said before any tree
    feature: Ints  # of each split
    threshold: Floats  # a number up to it goes left
    missing_left: Bools
    is_category: Bools
    left_categories: Bools  # (splits, 256): the codes that go left
    leaf_value: Floats
    path_feature: Ints  # (leaves, most features of a path); -1 pads
    path_cover: Floats  # share of the rows that go on along the path, by feature; 1 pads
    path_split: Ints  # (leaves, features, splits by one feature); -1 pads
    path_left: Bools  # whether the path goes left there

    @staticmethod
    def of(model: Any) -> Trees:
        """Of a fitted HistGradientBoostingClassifier of two classes whose categories are codes and come first."""
        splits: list[tuple[int, float, bool, bool, Bools]] = []
        leaves: list[tuple[float, list[tuple[int, float, bool, int]]]] = []
        for (predictor,) in model._predictors:
            nodes, bitsets = predictor.nodes, predictor.raw_left_cat_bitsets
            begin = len(splits)
            place: dict[int, int] = {}
            for number in np.flatnonzero(nodes["is_leaf"] == 0):
                node = nodes[number]
                place[int(number)] = begin + len(place)
                is_category = bool(node["is_categorical"])
                words = bitsets[node["bitset_idx"]] if is_category else np.zeros(CATEGORY_WORDS, dtype=np.uint32)
                codes = np.array([(int(words[code // WORD]) >> code % WORD) & 1 for code in range(256)], dtype=bool)
                splits.append(
                    (
                        int(node["feature_idx"]),
                        float(node["num_threshold"]),
                        bool(node["missing_go_to_left"]),
                        is_category,
                        codes,
                    )
                )
            leaves += _paths(nodes, place)
        return Trees._packed(float(model._baseline_prediction.ravel()[0]), splits, leaves)

    @staticmethod
    def _packed(
        base: float,
        splits: list[tuple[int, float, bool, bool, Bools]],
        leaves: list[tuple[float, list[tuple[int, float, bool, int]]]],
    ) -> Trees:
        by_feature = []
        for _, path in leaves:
            grouped: dict[int, list[tuple[float, bool, int]]] = {}
            for feature, cover, left, split in path:
                grouped.setdefault(feature, []).append((cover, left, split))
            by_feature.append(grouped)
        wide = max((len(grouped) for grouped in by_feature), default=0) or 1
        deep = max((len(steps) for grouped in by_feature for steps in grouped.values()), default=0) or 1
        path_feature = np.full((len(leaves), wide), -1, dtype=np.int64)
        path_cover = np.ones((len(leaves), wide))
        path_split = np.full((len(leaves), wide, deep), -1, dtype=np.int64)
        path_left = np.zeros((len(leaves), wide, deep), dtype=bool)
        for leaf, grouped in enumerate(by_feature):
            for player, (feature, steps) in enumerate(grouped.items()):
                path_feature[leaf, player] = feature
                path_cover[leaf, player] = math.prod(cover for cover, _, _ in steps)
                for step, (_, left, split) in enumerate(steps):
                    path_split[leaf, player, step], path_left[leaf, player, step] = split, left
        return Trees(
            base=np.array([base]),
            feature=np.array([split[0] for split in splits], dtype=np.int64),
            threshold=np.array([split[1] for split in splits], dtype=np.float64),
            missing_left=np.array([split[2] for split in splits], dtype=bool),
            is_category=np.array([split[3] for split in splits], dtype=bool),
            left_categories=np.array([split[4] for split in splits], dtype=bool).reshape(len(splits), 256),
            leaf_value=np.array([value for value, _ in leaves]),
            path_feature=path_feature,
            path_cover=path_cover,
            path_split=path_split,
            path_left=path_left,
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]], features: int) -> Trees:
        """A ValueError where they do not fit each other: nothing of a file is an index before it was looked at."""
        found = Trees(**{field.name: arrays[field.name] for field in fields(Trees)})
        splits, leaves = len(found.feature), len(found.leaf_value)
        fits = (
            found.left_categories.shape == (splits, 256)
            and all(len(found.arrays()[name]) == splits for name in ("threshold", "missing_left", "is_category"))
            and all(len(array) == leaves for name, array in found.arrays().items() if name.startswith("path_"))
            and found.path_split.shape == found.path_left.shape
            and found.path_feature.shape == found.path_cover.shape == found.path_split.shape[:2]
            and bool(np.all((found.feature >= 0) & (found.feature < features)))
            and bool(np.all((found.path_feature >= -1) & (found.path_feature < features)))
            and bool(np.all((found.path_split >= -1) & (found.path_split < splits)))
        )
        if not fits:
            raise ValueError("the arrays of the trees do not fit each other")
        return found

    def log_odds(self, matrix: Floats) -> Floats:
        found = [self._reaches(rows).all(axis=2) @ self.leaf_value + self.base[0] for rows in _in_pieces(matrix)]
        return np.concatenate(found) if found else np.zeros(0)

    def expected(self) -> float:
        """What is said of somebody of whom nothing is known."""
        return float(self.base[0] + (self.leaf_value * self.path_cover.prod(axis=1)).sum())

    def contributions(self, matrix: Floats) -> Floats:
        """(rows, features): they add up to the log odds less what is expected."""
        found = [self._shapley(self._reaches(rows).astype(np.float64), matrix.shape[1]) for rows in _in_pieces(matrix)]
        return np.concatenate(found) if found else np.zeros(matrix.shape)

    def _reaches(self, matrix: Floats) -> Bools:
        """(rows, leaves, features of the path): whether the feature's value leads along the path."""
        if not len(self.feature):
            return np.ones((len(matrix), *self.path_feature.shape), dtype=bool)
        value = matrix[:, self.feature]
        missing = np.isnan(value)
        code = np.where(missing | (value < 0) | (value > 255), 0, value).astype(np.int64)
        in_set = self.left_categories[np.arange(len(self.feature))[None, :], code]
        left = np.where(missing, self.missing_left, np.where(self.is_category, in_set, value <= self.threshold))
        follows = left[:, self.path_split] == self.path_left
        return np.asarray((follows | (self.path_split < 0)).all(axis=3))

    def _shapley(self, reaches: Floats, features: int) -> Floats:
        players = self.path_feature.shape[1]
        weights = [
            math.factorial(known) * math.factorial(players - 1 - known) / math.factorial(players)
            for known in range(players)
        ]
        of_features = np.zeros((features + 1, len(reaches)))  # the last one takes what pads
        for player in range(players):
            # By how many of the others are known: the sum over all such sets of what the others then contribute.
            sums = [np.ones(reaches.shape[:2])]
            for other in range(players):
                if other != player:
                    known, unknown = reaches[:, :, other], self.path_cover[:, other]
                    grown = [sums[0] * unknown]
                    grown += [sums[n] * unknown + sums[n - 1] * known for n in range(1, len(sums))]
                    sums = [*grown, sums[-1] * known]
            others = sum(weight * total for weight, total in zip(weights, sums, strict=True))
            share = self.leaf_value * (reaches[:, :, player] - self.path_cover[:, player]) * others
            np.add.at(of_features, self.path_feature[:, player], share.T)
        return of_features[:-1].T


def _paths(nodes: Any, place: Mapping[int, int]) -> list[tuple[float, list[tuple[int, float, bool, int]]]]:
    """Of each leaf its value, and of each split on the way: feature, share of the rows that go on, left, its number."""
    found = []
    todo: list[tuple[int, list[tuple[int, float, bool, int]]]] = [(0, [])]
    while todo:
        number, path = todo.pop()
        node = nodes[number]
        if node["is_leaf"]:
            found.append((float(node["value"]), path))
            continue
        for child, left in ((int(node["left"]), True), (int(node["right"]), False)):
            cover = float(nodes[child]["count"]) / float(node["count"])
            todo.append((child, [*path, (int(node["feature_idx"]), cover, left, place[number])]))
    return found


def _in_pieces(matrix: Floats) -> list[Floats]:
    return [matrix[begin : begin + ROWS_AT_ONCE] for begin in range(0, len(matrix), ROWS_AT_ONCE)]
