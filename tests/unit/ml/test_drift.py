"""What is said of two samples, and what is a reason to train anew."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import date
from math import log

import pytest

from ml.drift.comparing import Look, compare, kolmogorov_smirnov, stability_index, summarise
from ml.drift.watching import Watch, performance
from ml.registry.store import Version
from ml.trainable import Evaluation, Gate, Sample

CHAMPION = Version("demo", "churn", 3, "champion", "", "", "", "", "", {"auc": 0.80, "brier": 0.1}, "run", "hash")


def sample(mean: float = 0, rows: int = 2000, pro: float = 0.2, unknown: float = 0.1) -> Sample:
    chance = random.Random(7)
    return Sample(
        {
            "visits": [None if chance.random() < unknown else chance.gauss(mean, 1) for _ in range(rows)],
            "plan": ["pro" if chance.random() < pro else "free" for _ in range(rows)],
            "orders": [0 if chance.random() < 0.9 else chance.randint(1, 5) for _ in range(rows)],
        },
        [chance.random() for _ in range(rows)],
    )


def looked(before: Sample, now: Sample) -> dict[str, Look]:
    return {look.name: look for look in compare(json.loads(json.dumps(summarise(before))), now)}


def test_the_index_is_what_it_is_by_hand() -> None:
    assert stability_index({"a": 0.5, "b": 0.5}, {"a": 0.2, "b": 0.8}) == pytest.approx(
        -0.3 * log(0.4) + 0.3 * log(1.6)
    )
    assert stability_index({"a": 1}, {"a": 1}) == 0
    assert stability_index({"a": 1}, {"b": 1}) > 5  # finite, although a share is nothing


def test_the_distance_of_two_distributions_is_what_it_is_by_hand() -> None:
    assert kolmogorov_smirnov([1, 2, 3, 4], [3, 4, 5, 6]) == 0.5  # below 2 lies a half of the one, none of the other
    assert kolmogorov_smirnov([1, 1, 2], [2, 1, 1]) == 0


def test_the_same_again_has_not_moved() -> None:
    assert {look.psi for look in looked(sample(), sample()).values()} == {0}


def test_other_rows_of_the_same_kind_have_not_drifted() -> None:
    everything = sample(rows=4000)
    halves = [
        Sample({name: values[part] for name, values in everything.features.items()}, everything.predictions[part])
        for part in (slice(2000), slice(2000, None))
    ]
    assert all(not look.drifted and look.psi is not None and look.psi < 0.05 for look in looked(*halves).values())


@pytest.mark.parametrize(
    ("now", "drifted"),
    [
        (sample(mean=1), "visits"),
        (sample(unknown=0.5), "visits"),  # a field that is no longer sent
        (sample(pro=0.6), "plan"),
    ],
)
def test_what_moves_is_found_and_nothing_else(now: Sample, drifted: str) -> None:
    assert [name for name, look in looked(sample(), now).items() if look.drifted] == [drifted]


def test_a_word_that_was_never_seen_and_a_feature_that_is_gone_are_drift() -> None:
    now = sample()
    now = replace(now, features={"visits": now.features["visits"], "plan": ["team"] * 2000})
    found = looked(sample(), now)
    assert (found["plan"].drifted, found["orders"].drifted, found["visits"].drifted) == (True, True, False)


def test_of_a_few_rows_nothing_is_said() -> None:
    assert not any(look.drifted for look in looked(sample(), sample(mean=9, rows=50)).values())


GATE = Gate("auc", at_least=0.75, segment_tolerance=0.03)


@pytest.mark.parametrize(("auc", "decayed"), [(0.79, False), (0.768, True), (0.81, False)])
def test_performance_decays_by_more_than_the_tolerance(auc: float, decayed: bool) -> None:
    looks = performance(GATE, Evaluation({"auc": auc, "brier": 0.5}), CHAMPION)
    assert [(look.name, look.drifted) for look in looks] == [("auc", decayed), ("brier", False)]


def test_performance_below_the_minimum_is_decay_and_lower_may_be_better() -> None:
    poor = replace(CHAMPION, metrics={"auc": 0.76})
    assert performance(GATE, Evaluation({"auc": 0.745}), poor)[0].drifted
    lower = Gate("brier", higher_is_better=False, segment_tolerance=0.02)
    assert [performance(lower, Evaluation({"brier": figure}), CHAMPION)[0].drifted for figure in (0.11, 0.13)] == [
        *(False, True)
    ]


@pytest.mark.parametrize(
    ("looks", "reasons"),
    [
        ([Look("feature", "a", True), *[Look("feature", name, False) for name in "bcd"]], []),
        (
            [Look("feature", "a", True), Look("feature", "b", True), Look("feature", "c", False)],
            ["2 of 3 features have drifted: a, b"],
        ),
        ([Look("prediction", "prediction", True, psi=0.4)], ["predictions are others than when trained (PSI 0.40)"]),
        ([Look("performance", "auc", True, value=0.7, reference=0.8)], ["auc is 0.7"]),
    ],
)
def test_what_is_a_reason_to_train_anew(looks: list[Look], reasons: list[str]) -> None:
    assert Watch(CHAMPION, date(2026, 6, 30), None, tuple(looks)).reasons_to_train == reasons
