"""The model of the registry: judged by days that it has not seen, and the same again from what was kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

import ml.forecast.model as forecast_model
from ml.forecast.model import BASELINE, FORECAST, WINDOW, judged_beside, mean_by_day
from ml.forecast.reading import Subject
from ml.forecast.series import Series
from ml.forecast.store import Told
from tests.unit.forecast.test_forecasting import CHEAP, START, shop
from warehouse.errors import MillraceError
from warehouse.settings import load_settings

DAYS = 150
UNTIL = START + timedelta(days=DAYS - 1)
SETTINGS = load_settings()


def subject(name: str, values: Any, start: date = START) -> Subject:
    return Subject(f"metric:{name}", "demo", Series(np.asarray(values), (7,), start), 30, CHEAP)


def known(monkeypatch: pytest.MonkeyPatch, *subjects: Subject) -> None:
    monkeypatch.setattr(forecast_model, "subjects", lambda *_: iter(subjects))


def test_it_is_judged_by_days_that_it_has_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    values = shop(DAYS)
    new = subject("new", shop(30), UNTIL - timedelta(days=29))
    known(monkeypatch, subject("orders", values), subject("sessions", shop(DAYS, seed=2)), new)
    candidate = FORECAST.train(SETTINGS, "demo", UNTIL)
    assert set(candidate.model) == {"metric:orders", "metric:sessions"}
    assert "metric:new of demo: 2 of the 28 points" in candidate.card
    evaluation = candidate.evaluation
    assert evaluation.window == (UNTIL - timedelta(days=WINDOW - 1), UNTIL)
    assert evaluation.metrics["scaled_error"] < evaluation.baselines[BASELINE]["scaled_error"]
    assert set(evaluation.segments) == {"metric=orders", "metric=sessions"}
    assert candidate.plots["errors_by_day.png"].startswith(b"\x89PNG")
    # Whatever came in the window: what was learned is the same, only how good it was is not.
    other = values.copy()
    other[-WINDOW:] *= 3
    known(monkeypatch, subject("orders", other), subject("sessions", shop(DAYS, seed=2)))
    again = FORECAST.train(SETTINGS, "demo", UNTIL)
    assert again.model == candidate.model
    assert again.evaluation.metrics["scaled_error"] > evaluation.metrics["scaled_error"]
    assert again.evaluation.metrics["outside_80"] > 0.4
    assert again.data_version != candidate.data_version


def test_the_naive_error_of_the_window_is_the_one_of_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.tile([10.0, 20, 30, 40, 50, 60, 70], 20)
    values[7::14] += 2  # every other Monday: so a Monday is 2 off the one before
    until = START + timedelta(days=len(values) - 1)
    known(monkeypatch, subject("orders", values))
    candidate = FORECAST.train(SETTINGS, "demo", until)
    naive = candidate.evaluation.baselines[BASELINE]["scaled_error"]
    _, of_naive = judged_beside(candidate.model, [subject("orders", values)], until)
    far = np.flatnonzero(mean_by_day(of_naive))
    assert far.tolist() in ([0, 14], [7, 21])  # days ahead of Mondays, of which every other is off
    # Two of the four Mondays of the window are 2 off the last one before it; in the past each is 2 off the one before.
    assert naive == pytest.approx((2 * 2 / 28) / (2 / 7))


def test_what_was_kept_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, subject("orders", shop(DAYS)))
    candidate = FORECAST.train(SETTINGS, "demo", UNTIL)
    kept = FORECAST.dump(candidate.model)
    model = FORECAST.load(kept)
    assert model == candidate.model
    assert FORECAST.dump(FORECAST.train(SETTINGS, "demo", UNTIL).model) == kept
    known(monkeypatch, subject("orders", shop(DAYS)))
    assert FORECAST.evaluate(SETTINGS, "demo", model, UNTIL) == candidate.evaluation
    written: list[Told] = []

    def write(_: Any, told: Sequence[Told]) -> int:
        written.extend(told)
        return sum(len(one.ahead.expected) for one in told)

    monkeypatch.setattr(forecast_model, "write_forecasts", write)
    known(monkeypatch, subject("orders", shop(DAYS)), subject("declared_later", shop(DAYS)))
    assert FORECAST.predict(SETTINGS, "demo", model, "7", UNTIL) == 30
    ((told),) = written
    assert (told.subject.name, told.version, told.ahead.method) == (
        *("metric:orders", "7"),
        model["metric:orders"].method,
    )


def test_where_nothing_can_be_learned_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, subject("orders", shop(40)))
    with pytest.raises(
        MillraceError, match="Nothing of demo can be forecast as of 2026-02-13: metric:orders of demo: 12"
    ):
        FORECAST.train(SETTINGS, "demo", date(2026, 2, 13))
    known(monkeypatch)
    with pytest.raises(MillraceError, match="no metric says so"):
        FORECAST.train(SETTINGS, "demo", UNTIL)
