"""What is said of an experiment that is over, by numbers that others computed."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from monitoring.experiments import Arm, Plan, Result, difference, p_of_split
from semantic_layer.metrics.conditions import parse_condition
from semantic_layer.metrics.models import Comparison

CONTROL, TREATMENT = Arm("control", 243, 128 / 243), Arm("treatment", 236, 167 / 236)
DAY = date(2026, 6, 21)
EVEN = {"control": 0.5, "treatment": 0.5}


def result(control: Arm, *others: Arm, split_p: float = 1.0) -> Result:
    return Result(
        "demo", "story", "rate", "Sign-up rate", DAY, f"its last day was {DAY}", control, others, split_p, EVEN
    )


def test_a_difference_has_the_p_of_pearsons_test_and_the_interval_of_wald() -> None:
    found = difference(CONTROL, TREATMENT)
    assert found.p == pytest.approx(4.7205121668596e-05, rel=1e-6)  # scipy.stats.chi2_contingency, without correction
    spread = 0.0435985  # root of 0.526749 * 0.473251 / 243 + 0.707627 * 0.292373 / 236
    assert (found.value, found.lower, found.upper) == (
        pytest.approx(0.180879, abs=1e-6),
        pytest.approx(0.180879 - 1.96 * spread, abs=1e-4),
        pytest.approx(0.180879 + 1.96 * spread, abs=1e-4),
    )


def test_where_nobody_or_everybody_did_it_nothing_differs() -> None:
    for rate in (0.0, 1.0):
        assert difference(Arm("control", 10, rate), Arm("treatment", 12, rate)).p == 1.0


def test_a_split_that_is_none_of_chance() -> None:
    # Of 686 people 343 are 42 away on each side: 2 * 42 * 42 / 343 = 10.29, of one degree of freedom.
    assert p_of_split([(385, 0.5), (301, 0.5)]) == pytest.approx(0.00134, abs=1e-5)
    assert p_of_split([(301, 0.42), (385, 0.58)]) > 0.3
    assert p_of_split([(100, 0.5), (100, 0.5), (1, 0.0)]) == 0.0  # a variant that nobody planned


def test_the_sentence_says_what_can_be_said() -> None:
    assert result(CONTROL, TREATMENT).sentence == (
        "Experiment story of demo is over (its last day was 2026-06-21), 479 people. Sign-up rate: treatment is "
        "better: 70.8% against 52.7% of control (+18.1 points, 95 %: +9.5 to +26.6, p below 0.001)."
    )
    alike = result(Arm("control", 100, 0.5), Arm("treatment", 100, 0.52)).sentence
    assert "treatment is not shown to be different: 52.0% against 50.0%" in alike
    broken = result(Arm("control", 385, 0.4), Arm("treatment", 301, 0.6), split_p=0.001).sentence
    assert "not split as planned (control 56.1% instead of 50%, treatment 43.9% instead of 50%)" in broken


def test_the_command_asks_for_it_as_a_terminal_and_the_parser_read_it() -> None:
    words = shlex.split(replace(result(CONTROL, TREATMENT), experiment="it's new").command)
    where = words[words.index("--where") + 1]
    assert where == "experiment__name = 'it''s new'"
    condition = parse_condition(where)
    assert isinstance(condition, Comparison)
    assert (condition.dimension, condition.values) == ("experiment__name", ("it's new",))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"goal": "rate"}, "else it never is over"),
        ({"goal": "rate", "people": 0}, "greater than or equal to 1"),
        ({"goal": "rate", "ends": "soon"}, "valid date"),
        ({"goal": "rate", "people": 5, "split": {"a": 0.5, "b": 0.6}}, "add up to 1"),
        ({"goal": "rate", "people": 5, "until": "x"}, "Extra inputs"),
    ],
)
def test_a_plan_that_is_none_is_refused(told: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Plan.model_validate(told)
