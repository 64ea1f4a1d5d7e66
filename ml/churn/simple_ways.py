"""Simpler ways to say who leaves, which the model must beat. They know nothing of it: part of it would be no worse."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ml.churn.definition import Baselines
from ml.churn.encoding import Columns, Encoding, Floats
from ml.churn.judging import figures, ranking
from ml.churn.model import Examples


def simple_ways(said: Baselines, learned: Examples, judged: Examples) -> dict[str, dict[str, float]]:
    """How well each does on those who are judged; what learns, learns of the same examples as the model."""
    found = {"recency_rule": ranking(longest_away(judged.columns, said.recency), judged.happened)}
    if learned.happened.any() and not learned.happened.all():
        found["logistic_regression"] = figures(plain_regression(said.regression, learned, judged), judged.happened)
    return found


def longest_away(columns: Columns, recency: str) -> Floats:
    """Who was never there was away the longest."""
    (away,) = Encoding({}, (recency,)).matrix(columns).T
    known = away[np.isfinite(away)]
    return np.asarray(np.where(np.isfinite(away), away, known.max(initial=0) + 1))


def plain_regression(numbers: Sequence[str], learned: Examples, judged: Examples) -> Floats:
    """As anybody would fit it: scikit-learn's own, with nothing chosen."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    encoding = Encoding({}, tuple(numbers))
    regression = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), LogisticRegression(max_iter=1000)
    )
    with threadpool_limits(1):
        regression.fit(encoding.matrix(learned.columns), learned.happened)
        return np.asarray(regression.predict_proba(encoding.matrix(judged.columns))[:, 1])
