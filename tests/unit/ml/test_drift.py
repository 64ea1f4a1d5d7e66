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


def test_of_few_rows_the_distance_decides_and_of_fewer_it_is_said_that_nothing_can_be() -> None:
    found = looked(sample(), sample(mean=9, rows=50))
    assert {name for name, look in found.items() if look.drifted} == {"visits"}
    assert [name for name, look in found.items() if look.is_unsaid] == ["plan"]  # words have no distance
    # A quarter more of them below the middle: of 40 that is chance (0.31), of 180 it is not (0.16).
    whole = summarise(Sample({}, [n / 1000 for n in range(1000)]))
    for times, drifted in ((10, False), (45, True)):
        now = [*((n + 1) / 6 / times for n in range(3 * times)), *(0.5 + n / 2 / times for n in range(times))]
        (look,) = compare(whole, Sample({}, now))
        assert (look.ks, look.psi, look.drifted) == (pytest.approx(0.25, abs=0.03), None, drifted)
    few = tuple(compare(summarise(sample()), sample(mean=9, rows=29)))
    assert all(look.is_unsaid for look in few)
    told = Watch(CHAMPION, date(2026, 6, 30), None, few).unsaid
    assert told.startswith(
        "Too few rows to say whether these have drifted: visits, plan, orders, prediction. It takes 30"
    )
    assert Watch(CHAMPION, date(2026, 6, 30), None, tuple(looked(sample(), sample()).values())).unsaid == ""


def test_what_moves_a_little_everywhere_is_seen_by_the_distance_alone() -> None:
    """Half of all are below 0.5, later 72 of 100: 0.22 away by hand, and the index by hand is 0.207."""
    before = Sample({}, [n / 1000 for n in range(1000)])
    now = Sample({}, [*(n / 1440 for n in range(720)), *(0.5 + n / 560 for n in range(280))])
    (look,) = compare(summarise(before), now)
    assert look.ks == pytest.approx(0.22, abs=0.005)
    assert look.psi == pytest.approx(0.22 * log(0.72 / 0.5) - 0.22 * log(0.28 / 0.5), abs=0.01)
    assert look.drifted
    assert Watch(CHAMPION, date(2026, 6, 30), None, (look,)).reasons_to_train == [
        "predictions are others than when trained (PSI 0.21, KS 0.22)"
    ]


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
