"""The model `forecast` as the registry knows it: of each metric its method, and how wide the bands are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from ml.forecast.forecasting import Learned, learn, look_ahead
from ml.forecast.reading import Subject
from ml.forecast.running import subjects
from ml.forecast.series import Floats, Series, Unusable
from ml.forecast.store import Told, write_forecasts
from ml.plotting import png
from ml.trainable import Candidate, Evaluation, Gate
from warehouse.errors import MillraceError
from warehouse.settings import Settings

WINDOW = 28  # days that are kept back to judge by
BASELINE = "the week before"

Forecasts = Mapping[str, Learned]  # by the name of the series


class ForecastModel:
    name = "forecast"
    title = "What metrics will be"
    # Of a few weeks and metrics: what is off by less is chance.
    gate = Gate(
        metric="scaled_error",
        higher_is_better=False,
        limits={"outside_80": 0.4},
        segment_tolerance=0.5,
        may_be_a_baseline=True,
        is_mean_of_segments=True,
    )

    def train(self, settings: Settings, project: str, until: date) -> Candidate:
        known = list(subjects(settings, project, (), until))
        model: dict[str, Learned] = {}
        left_out = []
        for subject in known:
            try:
                model[subject.name] = learn(_before(subject, until), subject.methods, subject.horizon)
            except Unusable as why:
                left_out.append(f"{subject}: {why}")
        if not model:
            why_not = left_out[0] if left_out else "no metric says so"
            raise MillraceError(
                f"Nothing of {project} can be forecast as of {until}: {why_not}.",
                hint=f"The last {WINDOW} days are kept back to judge by. What was forecast before stays.",
            )
        judged, naive = judged_beside(model, known, until)
        evaluation = _evaluation(judged, naive, until)
        methods = {f"method_{name.partition(':')[2]}": learned.method for name, learned in model.items()}
        told, plots = card(model, evaluation, left_out), {"errors_by_day.png": plot(judged, naive)}
        return Candidate(model, {"window_days": WINDOW, **methods}, evaluation, fingerprint(known), told, plots)

    def evaluate(self, settings: Settings, project: str, model: Forecasts, until: date) -> Evaluation:
        return _evaluation(*judged_beside(model, list(subjects(settings, project, (), until)), until), until)

    def predict(self, settings: Settings, project: str, model: Forecasts, version: str, day: date) -> int:
        """Methods go on with all that is known by now; which they are and how wide bands are was learned before."""
        told = []
        for subject in subjects(settings, project, (), day):
            learned = model.get(subject.name)
            if learned is None:
                continue  # declared after the training
            try:
                ahead = look_ahead(subject.series, learned, subject.horizon)
            except Unusable:
                continue  # its last forecast stays
            told.append(Told(subject, learned, ahead, version))
        return write_forecasts(settings, told)

    def dump(self, model: Forecasts) -> bytes:
        return json.dumps({name: learned.as_json() for name, learned in model.items()}).encode()

    def load(self, kept: bytes) -> Forecasts:
        return {name: Learned.from_json(told) for name, told in json.loads(kept).items()}


FORECAST = ForecastModel()


@dataclass(frozen=True)
class Judged:
    """One series in the days of the window, foreseen from the day before it."""

    by_day: Floats  # scaled error; NaN: there is no number of that day
    figures: dict[str, float]


def judged_beside(model: Forecasts, known: list[Subject], until: date) -> tuple[dict[str, Judged], dict[str, Judged]]:
    """By the name of the series: the model, and the same week after week."""
    found: dict[str, Judged] = {}
    naive: dict[str, Judged] = {}
    for subject in known:
        if subject.name in model:
            try:
                own = _judged(subject, model[subject.name], until)
                found[subject.name] = own
                naive[subject.name] = _judged(subject, replace(model[subject.name], method="seasonal_naive"), until)
            except Unusable:
                continue
    if not found:
        raise MillraceError(
            f"There is no metric to judge forecasts by in the {WINDOW} days until {until}.",
            hint="A metric must have values before them and in them.",
        )
    return found, naive


def _evaluation(found: Mapping[str, Judged], naive: Mapping[str, Judged], until: date) -> Evaluation:
    segments = {f"metric={name.partition(':')[2]}": judged.figures for name, judged in found.items()}
    return Evaluation(
        metrics=_means(found), baselines={BASELINE: _means(naive)}, segments=segments, window=_window(until)
    )


def plot(found: Mapping[str, Judged], naive: Mapping[str, Judged]) -> bytes:
    """How errors grow by the days ahead, on average over all series."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5))
    axes = figure.subplots()
    for name, of in (("chosen methods", found), (BASELINE, naive)):
        axes.plot(np.arange(1, WINDOW + 1), mean_by_day(of), marker=".", label=name)
    axes.axhline(1, color="grey", linewidth=1)
    axes.set(xlabel="days ahead", ylabel="scaled error", title=f"{len(found)} series in the days that judge")
    axes.set_ylim(bottom=0)
    axes.legend()
    return png(figure)


def mean_by_day(of: Mapping[str, Judged]) -> Floats:
    errors = np.array([judged.by_day for judged in of.values()])
    there = np.isfinite(errors)
    counts = np.where(there.any(axis=0), there.sum(axis=0), np.nan)
    return np.asarray(np.where(there, errors, 0).sum(axis=0) / counts)


def fingerprint(known: list[Subject]) -> str:
    digest = hashlib.sha256()
    for subject in known:
        digest.update(f"{subject.name} {subject.series.start} ".encode())
        digest.update(subject.series.values.tobytes())
    return digest.hexdigest()[:16]


def card(model: Forecasts, evaluation: Evaluation, left_out: list[str]) -> str:
    rows = "\n".join(
        f"| {name.partition(':')[2]} | {learned.method} | {evaluation.segments[segment]['scaled_error']:.2f} |"
        for name, learned in model.items()
        if (segment := f"metric={name.partition(':')[2]}") in evaluation.segments
    )
    missing = "".join(f"\n- {sentence}" for sentence in left_out) or " nothing"
    return f"""# Forecasts

**For**: what metrics will be within 90 days, with bands of single days. **Not for**: sums of days (their bands are
narrower), days on which something new is planned, which nothing of the past tells of.

**How**: of each metric the method that was nearest in backtests; bands are what the backtests missed.

| metric | method | scaled error in the window |
|---|---|---|
{rows}

A scaled error below 1 is nearer than the same day of the week before was within the past. In the window it is
{evaluation.metrics["scaled_error"]:.2f} on average, that of repeating the week before
{evaluation.baselines[BASELINE]["scaled_error"]:.2f}; {evaluation.metrics["outside_80"]:.0%} of days were outside of the
band of 80 %.

**Left out**:{missing}
"""


def _window(until: date) -> tuple[date, date]:
    return until - timedelta(days=WINDOW - 1), until


def _before(subject: Subject, until: date) -> Series:
    """What was known on the day before the window."""
    beyond = max((subject.last_day - _window(until)[0]).days + 1, 0)
    return replace(subject.series, values=subject.series.values[: len(subject.series.values) - beyond])


def _judged(subject: Subject, learned: Learned, until: date) -> Judged:
    before = _before(subject, until)
    real = subject.series.values[len(before.values) :]
    ahead = look_ahead(before, learned, WINDOW)
    there = np.isfinite(real)
    usual = np.nanmean(np.abs(before.values[before.seasons[0] :] - before.values[: -before.seasons[0]]))
    if not there.any():
        raise Unusable("no number in the window")
    real, steps = real[there], np.arange(len(real))[there]
    errors = np.abs(real - ahead.expected[steps])
    error = float(errors.mean())
    within = (real >= ahead.lower[0.8][steps]) & (real <= ahead.upper[0.8][steps])
    # Of what never changed any error is as large as it can be told.
    scaled = error / float(usual) if usual else float(error > 0)
    by_day = np.full(WINDOW, np.nan)
    by_day[steps] = errors / float(usual) if usual else errors > 0
    return Judged(by_day, {"scaled_error": scaled, "outside_80": float(1 - within.mean())})


def _means(found: Mapping[str, Judged]) -> dict[str, float]:
    names = ("scaled_error", "outside_80")
    return {name: float(np.mean([judged.figures[name] for judged in found.values()])) for name in names}
