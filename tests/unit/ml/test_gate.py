"""When a candidate takes the champion's place, and the sentence that says why not."""

from __future__ import annotations

from datetime import date

import pytest

from ml.registry.gate import judge
from ml.trainable import Evaluation, Gate

JUNE, MAY = (date(2026, 6, 1), date(2026, 6, 30)), (date(2026, 5, 1), date(2026, 5, 31))
GATE = Gate("auc", at_least=0.75, limits={"calibration_error": 0.05}, segment_tolerance=0.05)
CHAMPION = Evaluation(
    {"auc": 0.80, "calibration_error": 0.02},
    segments={"country=DE": {"auc": 0.82}, "country=FR": {"auc": 0.70}},
    window=JUNE,
)


def candidate(
    auc: float = 0.81, error: float = 0.02, window: tuple[date, date] = JUNE, **segments: float
) -> Evaluation:
    return Evaluation(
        {"auc": auc, "calibration_error": error},
        baselines={"recency": {"auc": 0.77}},
        segments={f"country={name}": {"auc": figure} for name, figure in segments.items()},
        window=window,
    )


@pytest.mark.parametrize(
    ("judged", "against", "reason"),
    [
        (candidate(), None, "the first that passes: auc 0.81"),
        (candidate(), CHAMPION, "auc 0.81, the champion's is 0.8"),
        (candidate(DE=0.78, FR=0.66), CHAMPION, "auc 0.81, the champion's is 0.8"),  # worse, but within the tolerance
        (candidate(GB=0.10), CHAMPION, "auc 0.81, the champion's is 0.8"),  # a segment the champion does not know
    ],
)
def test_what_is_better_passes(judged: Evaluation, against: Evaluation | None, reason: str) -> None:
    verdict = judge(GATE, judged, against)
    assert (verdict.passed, verdict.reasons) == (True, (reason,))


@pytest.mark.parametrize(
    ("judged", "against", "reason"),
    [
        (candidate(0.74), None, "auc 0.74, asked for is at least 0.75"),
        (candidate(0.76), None, "auc 0.76 does not beat the 0.77 of a simple way, recency"),
        (candidate(0.77), None, "auc 0.77 does not beat the 0.77 of a simple way, recency"),
        (candidate(error=0.06), None, "calibration_error 0.06, asked for is at most 0.05"),
        (candidate(error=float("nan")), None, "calibration_error could not be computed, asked for is at most 0.05"),
        (candidate(float("nan")), None, "auc could not be computed"),
        (candidate(0.80), CHAMPION, "auc 0.8 is no better than the champion's 0.8"),
        (candidate(DE=0.76), CHAMPION, "auc of country=DE is 0.76, the champion's 0.82"),
        (
            candidate(window=MAY),
            CHAMPION,
            "it was judged on 2026-05-01 to 2026-05-31, the champion on 2026-06-01 to 2026-06-30: "
            "that cannot be compared",
        ),
    ],
)
def test_what_is_not_does_not_and_says_why(judged: Evaluation, against: Evaluation | None, reason: str) -> None:
    verdict = judge(GATE, judged, against)
    assert (verdict.passed, reason in verdict.reasons) == (False, True), verdict


def test_what_falls_back_on_a_simple_way_need_only_be_as_good() -> None:
    gate = Gate("auc", may_be_a_baseline=True)
    assert judge(gate, candidate(0.77), None).passed
    assert not judge(gate, candidate(0.769), None).passed


def test_where_lower_is_better_everything_is_turned_round() -> None:
    gate = Gate("mase", higher_is_better=False, at_least=1.0)
    better, worse = Evaluation({"mase": 0.7}), Evaluation({"mase": 0.9})
    assert judge(gate, better, worse).passed
    assert not judge(gate, worse, better).passed
    assert judge(gate, Evaluation({"mase": 1.2}), None).reasons == ("mase 1.2, asked for is at most 1",)


def test_a_champion_without_a_figure_of_this_window_keeps_nobody_out() -> None:
    assert judge(GATE, candidate(), Evaluation({"auc": float("nan")}, window=JUNE)).passed


def of_metrics(**errors: float) -> Evaluation:
    return Evaluation(
        {"error": sum(errors.values()) / len(errors)},
        segments={f"metric={name}": {"error": error} for name, error in errors.items()},
    )


def test_a_mean_over_metrics_is_compared_over_those_that_both_know() -> None:
    """A new metric that is hard to foresee makes nobody worse, and one that is easy nobody better."""
    gate = Gate("error", higher_is_better=False, segment_tolerance=0.5, is_mean_of_segments=True)
    champion = of_metrics(revenue=1.0, orders=1.0)
    verdict = judge(gate, of_metrics(revenue=0.9, orders=1.0, refunds=3.0), champion)
    assert (verdict.passed, verdict.reasons) == (True, ("error 0.95, the champion's is 1",))
    assert not judge(gate, of_metrics(revenue=1.1, orders=1.0, refunds=0.1), champion).passed
    assert judge(gate, of_metrics(revenue=1.0, orders=1.0, refunds=3.0), champion).passed  # and knows one more
    assert not judge(gate, of_metrics(revenue=1.0, orders=1.0), champion).passed
    assert judge(gate, of_metrics(refunds=3.0), champion).passed  # nothing can be compared
