"""Recurring revenue and the best possible churn score, on cases made by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ingestion.demo.truth_churn import auc, expected_auc
from ingestion.demo.truth_commerce import PlanPeriods, movements, recurring_revenue

FOREVER = 10**9


def periods(*rows: tuple[int, int, int, int]) -> PlanPeriods:
    person, since, until, amount = (np.array(column) for column in zip(*rows, strict=True))
    return PlanPeriods(person, since, until, amount)


def test_who_pays_at_an_instant() -> None:
    some = periods((0, 10, 20, 29), (0, 20, FOREVER, 199), (1, 30, FOREVER, 29))
    assert recurring_revenue(some, 3, 20).tolist() == [29, 0, 0]  # until the very instant of the change
    assert recurring_revenue(some, 3, 21).tolist() == [199, 0, 0]
    assert recurring_revenue(some, 3, 31).tolist() == [199, 29, 0]


def test_every_movement_once() -> None:
    some = periods(
        (0, 110, FOREVER, 29),  # new
        (1, 10, 20, 29), (1, 120, FOREVER, 29),  # came back
        (2, 10, 150, 29), (2, 150, FOREVER, 199),  # more
        (3, 10, 150, 199), (3, 150, FOREVER, 29),  # less
        (4, 10, 150, 29),  # gone
        (5, 10, FOREVER, 29),  # the same
        (6, 110, 150, 29),  # came and went in between: nothing
    )  # fmt: skip
    assert movements(some, 7, 100, 200) == {
        "new": 29, "reactivation": 29, "expansion": 170, "contraction": 170, "churned": 29,
    }  # fmt: skip


def test_auc_counts_pairs() -> None:
    assert auc(np.array([0.9, 0.8, 0.1]), np.array([True, False, False])) == 1.0
    assert auc(np.array([0.1, 0.8]), np.array([True, False])) == 0.0
    assert auc(np.array([0.5, 0.5]), np.array([True, False])) == 0.5
    assert auc(np.array([0.5]), np.array([True])) is None


def test_expected_auc_is_the_ratio_of_expected_pairs() -> None:
    probability = np.array([0.2, 0.7, 0.7, 0.4])
    wins = pairs = 0.0
    for churner, stayer in itertools.permutations(range(4), 2):
        weight = probability[churner] * (1 - probability[stayer])
        pairs += weight
        wins += weight * np.select(
            [probability[churner] > probability[stayer], probability[churner] == probability[stayer]], [1.0, 0.5], 0.0
        )
    assert expected_auc(probability) == pytest.approx(wins / pairs)
    assert expected_auc(np.zeros(3)) is None
