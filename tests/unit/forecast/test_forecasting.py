"""Forecasts of series whose future is known because they are made up, and of series that nobody can learn from."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from ml.forecast.backtest import backtests
from ml.forecast.bands import Bands, Missed
from ml.forecast.forecasting import Learned, learn, look_ahead
from ml.forecast.methods import METHODS, fitting
from ml.forecast.series import Floats, Past, Series, Unusable, past_of

START = date(2026, 1, 5)  # a Monday
CHEAP = ("seasonal_naive", "theta", "ets", "autoregression")
WEEK = np.array([1.0, 1.1, 1.2, 1.1, 1.0, 0.6, 0.5])


def shop(days: int, seed: int = 1, growth: float = 0.004, noise: float = 0.1) -> Floats:
    """A hundred a day, more each day, less at weekends."""
    at = np.arange(days)
    wobble = np.random.default_rng(seed).normal(0, noise, days)
    return np.asarray(100 * np.exp(growth * at + wobble) * WEEK[at % 7])


def days_of(values: Floats) -> Series:
    return Series(np.asarray(values, dtype=np.float64), (7,), START)


@pytest.mark.parametrize("method", METHODS)
def test_each_method_goes_on_with_weeks_that_grow(method: str) -> None:
    truth = shop(180, noise=0.0)
    past, scale = past_of(days_of(shop(150, noise=0.02)).checked())
    ahead = scale.values(METHODS[method](past, 30))
    # The week before is up to a month of growth behind: 11 %. The others know better.
    allowed = 0.14 if method == "seasonal_naive" else 0.08
    assert np.abs(ahead / truth[150:] - 1).mean() < allowed


def test_the_season_before_is_repeated() -> None:
    past = Past(np.arange(20.0), (7,))
    assert METHODS["seasonal_naive"](past, 9).tolist() == [13, 14, 15, 16, 17, 18, 19, 13, 14]


def test_a_wave_of_two_seasons_is_continued_to_the_digit_by_lags() -> None:
    at = np.arange(24 * 7 * 5 + 48)
    wave = np.sin(2 * np.pi * at / 24) + 0.5 * np.cos(2 * np.pi * at / 168)
    ahead = METHODS["autoregression"](Past(wave[:-48], (24, 168)), 48)
    assert np.abs(ahead - wave[-48:]).max() < 0.01


def test_the_method_that_was_nearest_is_chosen_and_the_others_are_told() -> None:
    learned = learn(days_of(shop(180)), tuple(METHODS), 30)
    assert set(learned.tried) == set(METHODS)
    errors = [scores.mase for scores in learned.tried.values()]
    assert all(error is not None for error in errors)
    assert learned.method == next(iter(learned.tried)) != "seasonal_naive"
    assert errors == sorted(errors, key=lambda error: error or 0)


def test_of_noise_without_any_rhythm_prophet_is_not_chosen_for_its_name() -> None:
    steps = np.cumsum(np.random.default_rng(3).normal(0, 1, 200)) + 200
    assert learn(days_of(steps), tuple(METHODS), 30).method != "prophet"


def test_bands_hold_their_share_of_what_comes() -> None:
    """Of forty made-up shops: what each band holds is near to what it says."""
    held: dict[float, list[float]] = {0.5: [], 0.8: [], 0.95: []}
    for seed in range(40):
        values = shop(180, seed)
        learned = learn(days_of(values[:150]), ("seasonal_naive", "theta"), 30)
        ahead = look_ahead(days_of(values[:150]), learned, 30)
        for share, shares in held.items():
            shares.append(float(((values[150:] >= ahead.lower[share]) & (values[150:] <= ahead.upper[share])).mean()))
    assert 0.4 < np.mean(held[0.5]) < 0.65
    assert 0.72 < np.mean(held[0.8]) < 0.88
    assert 0.9 < np.mean(held[0.95]) < 1


def test_a_band_is_as_wide_as_the_share_of_errors_and_never_narrower_later() -> None:
    ahead = np.arange(1, 8)
    missed = [Missed(ahead, np.full(7, float(error))) for error in range(1, 101)]
    bands = Bands.of(missed, 7)
    # 700 errors, seven of each: the 561st of 80 % (701 times 0.8, upwards), the 666th of 95 %.
    assert (bands.half[0.8], bands.half[0.95]) == ((81.0,), (96.0,))
    widths = bands.widths(28)[0.8]
    assert widths[:7].tolist() == [81.0] * 7
    assert widths[27] == pytest.approx(162.0)  # four times as far: twice as wide
    assert (np.diff(widths) >= 0).all()


def test_the_same_data_give_the_same_forecast_also_by_prophet() -> None:
    series = days_of(shop(120))
    for methods in (tuple(METHODS), ("prophet",)):
        one, two = (learn(series, methods, 30) for _ in range(2))
        assert one == two
        np.random.seed(7)  # what others drew before must not matter
        first = look_ahead(series, one, 30)
        second = look_ahead(series, two, 30)
        assert first.expected.tolist() == second.expected.tolist()
        for share in (0.5, 0.8, 0.95):
            assert first.lower[share].tolist() == second.lower[share].tolist()
            assert first.upper[share].tolist() == second.upper[share].tolist()


def test_what_was_learned_survives_as_json() -> None:
    learned = learn(days_of(shop(90)), CHEAP, 30)
    assert Learned.from_json(json.loads(json.dumps(learned.as_json()))) == learned


def test_a_constant_stays_what_it_is() -> None:
    for value in (5.0, 0.0, -3.0):
        series = days_of(np.full(60, value))
        ahead = look_ahead(series, learn(series, tuple(METHODS), 30), 30)
        assert ahead.expected == pytest.approx(np.full(30, value), abs=1e-6)
        assert ahead.upper[0.95] - ahead.lower[0.95] == pytest.approx(np.zeros(30), abs=1e-6)


def test_too_little_history_is_a_sentence() -> None:
    with pytest.raises(Unusable, match="27 of the 28 points of history"):
        learn(days_of(shop(27)), CHEAP, 30)
    with pytest.raises(Unusable, match="0 of the 28"):
        learn(days_of(np.full(100, np.nan)), CHEAP, 30)
    learned = learn(days_of(shop(28)), tuple(METHODS), 30)
    # No further than it goes back.
    assert len(look_ahead(days_of(shop(28)), learned, 90).expected) == 28


def test_gaps_are_filled_and_too_many_are_a_sentence() -> None:
    values = shop(120)
    values[[3, 40, 41, 42, 43, 44, 45, 46, 119]] = np.nan
    values[60] = np.inf
    series = days_of(values)
    ahead = look_ahead(series, learn(series, CHEAP, 30), 30)
    assert np.abs(ahead.expected / shop(150, noise=0)[120:] - 1).mean() < 0.15
    values[5:70] = np.nan
    with pytest.raises(Unusable, match="too many gaps, 53 of 120 points are known"):
        learn(days_of(values), CHEAP, 30)


def test_of_what_has_stopped_there_is_nothing_to_judge_methods_by() -> None:
    with pytest.raises(Unusable, match="no number of late"):
        learn(days_of(np.r_[shop(110), np.full(70, np.nan)]), CHEAP, 30)


def test_days_without_sales_are_days_like_others() -> None:
    rng = np.random.default_rng(5)
    counts = rng.poisson(0.6, 150).astype(float)
    series = days_of(counts)
    ahead = look_ahead(series, learn(series, CHEAP, 30), 30)
    assert (ahead.lower[0.95] >= 0).all()
    assert 0 <= ahead.expected.mean() < 1.5
    assert ahead.upper[0.95].max() < 10


def test_numbers_below_zero_are_numbers() -> None:
    values = shop(150) - 120
    series = days_of(values)
    ahead = look_ahead(series, learn(series, CHEAP, 30), 30)
    assert np.isfinite(ahead.expected).all()
    assert np.abs(ahead.expected - (shop(180, noise=0) - 120)[150:]).mean() < 30
    assert (ahead.lower[0.95] < ahead.upper[0.95]).all()


@pytest.mark.parametrize("outlier", [1e9, -1e9])
def test_one_huge_number_is_not_learned_from(outlier: float) -> None:
    values = shop(150)
    values[140] = outlier
    series = days_of(values)
    ahead = look_ahead(series, learn(series, CHEAP, 30), 30)
    assert np.abs(ahead.expected / shop(180, noise=0)[150:] - 1).mean() < 0.2
    assert ahead.upper[0.8].max() < 1000


def test_a_share_stays_one() -> None:
    rates = 0.97 + 0.02 * np.sin(np.arange(100))
    series = replace(days_of(rates), is_share=True)
    ahead = look_ahead(series, learn(series, CHEAP, 30), 30)
    assert ahead.upper[0.95].max() <= 1


def test_hours_have_no_calendar_and_long_seasons_no_smoothing_of_states() -> None:
    past, _ = past_of(Series(shop(24 * 7 * 5), (24, 168)).checked())
    assert set(fitting(past)) == {"seasonal_naive", "theta", "autoregression", "boosted_trees"}


def test_a_backtest_knows_nothing_that_came_after_the_day_it_is_made_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gap before that day is filled, and the scale made, of what was known by then: whatever came later."""
    last = 150
    values = shop(180)
    values[[40, last - 7, last - 1]] = np.nan
    values[last - 3] *= 50  # an outlier, unless that is how the weeks after it are
    later = values.copy()
    later[last:] = -9e6

    def known_at_days(series: Series) -> dict[int, Floats]:
        seen: dict[int, Floats] = {}

        def spy(past: Past, steps: int) -> Floats:
            seen[len(past)] = past.scaled
            return np.zeros(steps)

        monkeypatch.setitem(METHODS, "spy", spy)
        backtests(series, ("spy",), 30)
        return seen

    before, after = known_at_days(days_of(values)), known_at_days(days_of(later))
    assert before.keys() == after.keys() and min(before) <= last < max(before)
    for day in (day for day in before if day <= last):
        assert before[day].tolist() == after[day].tolist()
    assert not np.array_equal(before[max(before)], after[max(before)])


def test_a_backtest_is_held_to_the_bounds_of_the_metric() -> None:
    """What falls goes below 0 with its trend, and the forecast does not: errors are those of what is told. That it was
    below 0 later bounds nothing that was said before."""
    falling = np.r_[0, np.maximum(1 - np.arange(119) / 80, 0)]
    below_once, later = falling.copy(), falling.copy()
    below_once[0], later[-1] = -1e-9, -1e-9  # the last backtest ends before it
    bounded, free, same = (backtests(days_of(one), ("theta",), 30)[0] for one in (falling, below_once, later))
    assert bounded.mean_error < free.mean_error
    assert same.mean_error == pytest.approx(bounded.mean_error, abs=1e-6)
