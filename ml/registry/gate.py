"""Whether a candidate takes the champion's place: a pure function of two evaluations of one window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, nan
from statistics import fmean

from ml.trainable import Evaluation, Gate


@dataclass(frozen=True)
class Verdict:
    passed: bool
    reasons: tuple[str, ...]  # why not; what speaks for it where it passed


def judge(gate: Gate, candidate: Evaluation, champion: Evaluation | None) -> Verdict:
    figure = candidate.metrics.get(gate.metric)
    if figure is None or not isfinite(figure):
        return Verdict(False, (f"{gate.metric} could not be computed",))
    against = (
        *_minimum(gate, figure),
        *_limits(gate, candidate.metrics),
        *_baselines(gate, figure, candidate.baselines),
        *(_champion(gate, candidate, champion) if champion else ()),
    )
    if against:
        return Verdict(False, against)
    if champion is None:
        return Verdict(True, (f"the first that passes: {gate.metric} {figure:.4g}",))
    own, others = _compared(gate, candidate, champion)
    return Verdict(True, (f"{gate.metric} {own:.4g}, the champion's is {others:.4g}",))


def _minimum(gate: Gate, figure: float) -> Iterator[str]:
    if gate.at_least is not None and _by_how_much_worse(gate, figure, gate.at_least) > 0:
        yield f"{gate.metric} {figure:.4g}, asked for is {_bound(gate)} {gate.at_least:.4g}"


def _limits(gate: Gate, metrics: Mapping[str, float]) -> Iterator[str]:
    for name, limit in gate.limits.items():
        figure = metrics.get(name)
        if figure is None or not isfinite(figure):
            yield f"{name} could not be computed, asked for is at most {limit:.4g}"
        elif figure > limit:
            yield f"{name} {figure:.4g}, asked for is at most {limit:.4g}"


def _baselines(gate: Gate, figure: float, baselines: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    for name, metrics in baselines.items():
        simple = metrics.get(gate.metric)
        if simple is None or not isfinite(simple):
            continue
        worse = _by_how_much_worse(gate, figure, simple)
        if worse > 0 or (worse == 0 and not gate.may_be_a_baseline):
            yield f"{gate.metric} {figure:.4g} does not beat the {simple:.4g} of a simple way, {name}"


def _champion(gate: Gate, candidate: Evaluation, champion: Evaluation) -> Iterator[str]:
    if candidate.window != champion.window:
        yield f"it was judged on {_days(candidate)}, the champion on {_days(champion)}: that cannot be compared"
        return
    figure, to_beat = _compared(gate, candidate, champion)
    if not isfinite(to_beat):
        return
    worse = _by_how_much_worse(gate, figure, to_beat)
    # What also knows what the champion does not need only be as good.
    knows_more = gate.is_mean_of_segments and bool(candidate.segments.keys() - champion.segments.keys())
    if worse > 0 or (worse == 0 and not knows_more):
        yield f"{gate.metric} {figure:.4g} is no better than the champion's {to_beat:.4g}"
    for name in sorted(candidate.segments.keys() & champion.segments.keys()):
        own, others = (one.segments[name].get(gate.metric) for one in (candidate, champion))
        if own is not None and others is not None and _by_how_much_worse(gate, own, others) > gate.segment_tolerance:
            yield f"{gate.metric} of {name} is {own:.4g}, the champion's {others:.4g}"


def _compared(gate: Gate, candidate: Evaluation, champion: Evaluation) -> tuple[float, float]:
    """The figures of both; NaN of a champion of which nothing can be compared."""
    own, others = (one.metrics.get(gate.metric, nan) for one in (candidate, champion))
    if gate.is_mean_of_segments:
        both = [
            (candidate.segments[name][gate.metric], champion.segments[name][gate.metric])
            for name in candidate.segments.keys() & champion.segments.keys()
        ]
        own, others = (fmean(figures) for figures in zip(*both, strict=True)) if both else (own, nan)
    return own, others


def _by_how_much_worse(gate: Gate, figure: float, than: float) -> float:
    return than - figure if gate.higher_is_better else figure - than


def _bound(gate: Gate) -> str:
    return "at least" if gate.higher_is_better else "at most"


def _days(evaluation: Evaluation) -> str:
    return " to ".join(map(str, evaluation.window)) if evaluation.window else "unknown days"
