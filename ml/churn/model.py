"""The model: boosted trees and a logistic regression, blended on the log odds and calibrated.

The weight of the trees, the strength of the regression and the calibration are learned of predictions for people whom
the predicting model never saw. All of it adds up feature by feature, so a prediction can be explained exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.churn.encoding import Columns, Encoding, Floats
from ml.churn.linear import Linear
from ml.churn.trees import Trees
from warehouse.errors import MillraceError

Bools = NDArray[np.bool_]

BOOSTING = {
    "max_depth": 3,
    "learning_rate": 0.03,
    "max_iter": 300,
    "max_features": 0.4,
    "min_samples_leaf": 40,
    "l2_regularization": 5.0,
    "early_stopping": False,  # what it would stop by is no later time, but chance
}
SEED = 42
FOLDS = 5
WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the trees
STRENGTHS = (0.01, 0.03, 0.1, 0.5)  # of the regression: the smaller, the nearer its slopes are to nothing
FEWEST = 20  # who left, and who stayed, to learn from


@dataclass(frozen=True)
class ChurnModel:
    encoding: Encoding
    trees: Trees
    linear: Linear
    weight: float  # of the trees; the rest is the regression's
    slope: float  # calibration: log odds = slope * blend + intercept
    intercept: float

    def log_odds(self, columns: Columns) -> Floats:
        matrix = self.encoding.matrix(columns)
        blend = self.weight * self.trees.log_odds(matrix) + (1 - self.weight) * self.linear.log_odds(matrix)
        return self.slope * blend + self.intercept

    def probability(self, columns: Columns) -> Floats:
        return sigmoid(self.log_odds(columns))

    def expected(self) -> float:
        """The log odds of somebody of whom nothing is known."""
        blend = self.weight * self.trees.expected() + (1 - self.weight) * self.linear.expected()
        return self.slope * blend + self.intercept

    def contributions(self, columns: Columns) -> Floats:
        """(rows, features of the encoding): with what is expected they add up to the log odds."""
        matrix = self.encoding.matrix(columns)
        of_trees, of_linear = self.trees.contributions(matrix), self.linear.contributions(matrix)
        return self.slope * (self.weight * of_trees + (1 - self.weight) * of_linear)


@dataclass(frozen=True)
class Examples:
    """What to learn from: a row per person and cut-off, and whether it happened."""

    columns: Columns
    happened: Bools
    person: NDArray[np.uint64]  # of one person all rows are learned from, or none

    def rows(self, which: NDArray[Any]) -> Examples:
        chosen = np.arange(len(self.happened))[which]
        columns = {name: [values[row] for row in chosen] for name, values in self.columns.items()}
        return Examples(columns, self.happened[which], self.person[which])


def fit(examples: Examples, categories: Sequence[str], numbers: Sequence[str]) -> ChurnModel:
    must_be_enough(examples.happened)
    of_trees = np.zeros(len(examples.happened))
    of_linear = {strength: of_trees.copy() for strength in STRENGTHS}
    fold = _folds(examples)
    for number in range(FOLDS):
        held_out = fold == number
        encoding, trees, linears = _fit_once(examples.rows(~held_out), categories, numbers, STRENGTHS)
        matrix = encoding.matrix(examples.rows(held_out).columns)
        of_trees[held_out] = trees.log_odds(matrix)
        for strength, linear in linears.items():
            of_linear[strength][held_out] = linear.log_odds(matrix)
    tried = []
    for weight in WEIGHTS:
        for strength in STRENGTHS:
            blend = weight * of_trees + (1 - weight) * of_linear[strength]
            slope, intercept = _calibrated(blend, examples.happened)
            loss = _log_loss(slope * blend + intercept, examples.happened)
            tried.append((loss, weight, strength, slope, intercept))
    _, weight, strength, slope, intercept = min(tried)
    encoding, trees, linears = _fit_once(examples, categories, numbers, (strength,))
    return ChurnModel(encoding, trees, linears[strength], weight, slope, intercept)


def must_be_enough(happened: Bools) -> None:
    left, stayed = int(happened.sum()), int((~happened).sum())
    if not left or not stayed:
        raise MillraceError(
            f"All {len(happened)} examples ended the same way ({'left' if left else 'stayed'}): nothing to tell apart.",
            hint="A longer history, or another definition in ml/churn/churn.yaml, has both.",
        )
    if min(left, stayed) < FEWEST:
        raise MillraceError(
            f"Too little to learn from: {left} left and {stayed} stayed, and {FEWEST} of each are needed.",
            hint="Wait for more history, or define churn more widely in ml/churn/churn.yaml.",
        )


def _fit_once(
    examples: Examples, categories: Sequence[str], numbers: Sequence[str], strengths: Sequence[float]
) -> tuple[Encoding, Trees, dict[float, Linear]]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    encoding = Encoding.learn(examples.columns, categories, numbers)
    matrix = encoding.matrix(examples.columns)
    is_category = np.arange(matrix.shape[1]) < len(categories)
    # Neither learns of what is the same for everybody; sklearn asks that a column has a value at all.
    told = np.where(np.isnan(matrix).all(axis=0), 0.0, matrix)
    boosting = HistGradientBoostingClassifier(**BOOSTING, categorical_features=is_category, random_state=SEED)
    # So few rows take longer on several threads than on one, far longer where others use the processor.
    with threadpool_limits(1):
        boosting.fit(told, examples.happened)
        sizes = [len(known) for known in encoding.categories.values()]
        linears = {strength: Linear.fit(matrix, examples.happened, sizes, strength) for strength in strengths}
    return encoding, Trees.of(boosting), linears


def _folds(examples: Examples) -> NDArray[np.int64]:
    """People to folds, in turn by their order, those who left and those who stayed each by themselves."""
    people, of_person = np.unique(examples.person, return_inverse=True)
    ever = np.zeros(len(people), dtype=bool)
    np.logical_or.at(ever, of_person, examples.happened)
    fold = np.zeros(len(people), dtype=np.int64)
    mixed = np.random.default_rng(SEED).permutation(len(people))
    for kind in (True, False):
        chosen = mixed[ever[mixed] == kind]
        fold[chosen] = np.arange(len(chosen)) % FOLDS
    return fold[of_person]


def _calibrated(blend: Floats, happened: Bools) -> tuple[float, float]:
    """Platt's line, by Newton steps, with his smoothing of what happened. A slope that is not positive says nothing."""
    positives, negatives = happened.sum(), (~happened).sum()
    target = np.where(happened, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    design = np.stack([blend, np.ones_like(blend)], axis=1)
    line = np.array([1.0, 0.0])
    for _ in range(50):
        said = sigmoid(design @ line)
        curvature = design.T @ (design * (said * (1 - said))[:, None]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, design.T @ (target - said))
        line = line + step
        if float(np.abs(step).max()) < 1e-10:
            break
    return (float(line[0]), float(line[1])) if np.isfinite(line).all() and line[0] > 0 else (1.0, 0.0)


def sigmoid(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -700, 700))))


def _log_loss(log_odds: Floats, happened: Bools) -> float:
    return float(np.logaddexp(0, np.where(happened, -log_odds, log_odds)).mean())
