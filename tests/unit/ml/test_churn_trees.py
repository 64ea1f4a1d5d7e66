"""What the trees say, against scikit-learn's own; how they explain it, against Shapley's formula over all subsets."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from ml.churn.trees import Trees

CATEGORIES, NUMBERS = 2, 3


@pytest.fixture(scope="module")
def fitted() -> tuple[Any, Any]:
    """A classifier on two categories and three numbers, with values missing, and the rows that it has seen."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(5)
    rows = np.column_stack([rng.integers(0, 9, 800), rng.integers(0, 40, 800), rng.normal(size=(800, NUMBERS))])
    odds = (rows[:, 0] % 3 == 1) * 2.0 + np.sin(rows[:, 1]) + rows[:, 2] * (rows[:, 3] > 0) - 1
    rows[rng.random(rows.shape) < 0.08] = math.nan
    happened = rng.random(800) < 1 / (1 + np.exp(-odds))
    model = HistGradientBoostingClassifier(
        max_depth=4, max_iter=25, min_samples_leaf=10, categorical_features=[True] * CATEGORIES + [False] * NUMBERS
    )
    with threadpool_limits(1):
        model.fit(rows, happened)
    return model, rows


def shapley(model: Any, row: Any) -> list[float]:
    """By the definition: the mean over all orders of what a feature adds, one known after the other. What is not known
    goes both ways, in the shares of the training."""

    def said(known: frozenset[int]) -> float:
        return float(sum(descend(predictor, 0, known) for (predictor,) in model._predictors))

    def descend(predictor: Any, number: int, known: frozenset[int]) -> Any:
        node = predictor.nodes[number]
        if node["is_leaf"]:
            return float(node["value"])
        left, right = int(node["left"]), int(node["right"])
        if node["feature_idx"] in known:
            return descend(predictor, left if goes_left(predictor, node) else right, known)
        shares = [predictor.nodes[child]["count"] / node["count"] for child in (left, right)]
        return sum(share * descend(predictor, child, known) for share, child in zip(shares, (left, right), strict=True))

    def goes_left(predictor: Any, node: Any) -> bool:
        value = row[node["feature_idx"]]
        if math.isnan(value):
            return bool(node["missing_go_to_left"])
        if node["is_categorical"]:
            word = predictor.raw_left_cat_bitsets[node["bitset_idx"]][int(value) // 32]
            return bool(int(word) >> (int(value) % 32) & 1)
        return bool(value <= node["num_threshold"])

    features = range(len(row))
    values = {
        frozenset(known): said(frozenset(known))
        for n in range(len(row) + 1)
        for known in itertools.combinations(features, n)
    }
    orders = list(itertools.permutations(features))
    return [
        sum(
            values[frozenset(order[: order.index(feature) + 1])] - values[frozenset(order[: order.index(feature)])]
            for order in orders
        )
        / len(orders)
        for feature in features
    ]


def test_it_says_what_scikit_learn_says(fitted: tuple[Any, Any]) -> None:
    model, rows = fitted
    np.testing.assert_allclose(Trees.of(model).log_odds(rows), model.decision_function(rows), atol=1e-12)


def test_contributions_are_shapley_values(fitted: tuple[Any, Any]) -> None:
    model, rows = fitted
    found = Trees.of(model).contributions(rows[:6])
    for row, contributions in zip(rows[:6], found, strict=True):
        np.testing.assert_allclose(contributions, shapley(model, row), atol=1e-10)


def test_contributions_add_up(fitted: tuple[Any, Any]) -> None:
    model, rows = fitted
    trees = Trees.of(model)
    np.testing.assert_allclose(
        trees.contributions(rows).sum(axis=1) + trees.expected(), model.decision_function(rows), atol=1e-12
    )


def test_arrays_that_do_not_fit_are_not_followed(fitted: tuple[Any, Any]) -> None:
    trees = Trees.of(fitted[0])
    assert Trees.from_arrays(trees.arrays(), CATEGORIES + NUMBERS).expected() == trees.expected()
    far = trees.path_split.copy()
    far[0, 0, 0] = len(trees.feature)
    for name, array in (
        ("path_split", far),
        ("path_feature", trees.path_feature + 9),
        ("threshold", trees.threshold[1:]),
    ):
        with pytest.raises(ValueError, match="do not fit"):
            Trees.from_arrays(trees.arrays() | {name: array}, CATEGORIES + NUMBERS)
