"""What is unusual is found, by its past alone; what is usual is not."""

from __future__ import annotations

import time

import numpy as np
import pytest

from monitoring.detectors.anomalies import anomalies
from monitoring.detectors.detection import Detection, detect
from monitoring.detectors.series import Floats, Series, Times

HOUR, DAY = 3600, 86_400
START = 1_767_225_600  # Thursday, 1 January 2026, UTC


def times(points: int, step: int = HOUR) -> Times:
    return (START + step * np.arange(points)).astype("datetime64[s]")


def shop(points: int, step: int = HOUR, seed: int = 7) -> Floats:
    """Visits that follow the day and the week, grow a little, and are noisy as counts are."""
    moments = step * np.arange(points)
    day = 1 + 0.6 * np.sin(2 * np.pi * moments / DAY) if step < DAY else np.ones(points)
    weekday = (moments // DAY + 3) % 7
    level = 200 * (1 + moments / (400 * DAY)) * day * np.where(weekday >= 5, 0.6, 1.0)
    return np.random.default_rng(seed).poisson(level).astype(np.float64)


def found(values: Floats, step: int = HOUR, sensitivity: float = 0.5) -> list[tuple[int, str]]:
    series = Series.of(times(len(values), step), values)
    return [(one.first, one.type) for one in anomalies(series, detect(series, sensitivity))]


def same(left: Detection, right: Detection, points: int) -> bool:
    return all(
        np.array_equal(getattr(left, name)[:points], getattr(right, name)[:points], equal_nan=name != "kinds")
        for name in ("scores", "is_anomaly", "kinds", "expected", "lower", "upper")
    )


@pytest.mark.parametrize("step", [300, HOUR, DAY])
def test_a_point_is_judged_by_itself_and_the_past_alone(step: int) -> None:
    """Whatever comes later, and however much of it, what is said of a point stays the same."""
    values = shop(900, step)
    values[700:] = 5000
    whole = detect(Series.of(times(900, step), values))
    assert whole.is_anomaly[700]
    for points in (1, 2, 15, 50, 333, 700, 701):
        assert same(detect(Series.of(times(points, step), values[:points])), whole, points), points


def test_a_series_that_is_denser_later_is_judged_before_as_if_it_were_not() -> None:
    """Of days, then of hours, then of five minutes, then of days again, each as exact as people's clocks are."""
    apart = np.repeat([DAY, HOUR, 300, DAY], [150, 900, 900, 60])
    jitter = np.random.default_rng(5).uniform(0.9, 1.1, len(apart))
    moments = (START + np.cumsum((apart * jitter).astype(np.int64))).astype("datetime64[s]")
    values = np.concatenate([shop(150, DAY), shop(900), shop(900, 300), shop(60, DAY)])
    values[[140, 900, 2000]] *= 4
    whole = detect(Series.of(moments, values))
    for points in (1, 2, 9, 29, 149, 151, 165, 166, 1050, 1064, 1065, 1100, 1950, 1965, 1966):
        assert same(detect(Series.of(moments[:points], values[:points])), whole, points), points
    # Each is found as one of its own kind, also when days are back: they are the series that they were.
    assert whole.is_anomaly[[140, 900, 2000]].all()
    assert {round(step / HOUR) for step in whole.steps[[140, 900, 2000]]} == {24, 1}


def test_a_day_of_ordinary_business_is_no_news() -> None:
    assert found(shop(24 * 120)) == []
    assert found(shop(300, DAY), DAY) == []


@pytest.mark.parametrize(("factor", "word"), [(2.5, "spike"), (0.1, "drop")])
def test_an_hour_that_stands_out_is_found_in_that_hour(factor: float, word: str) -> None:
    values = shop(24 * 60)
    at = 24 * 50 + 7  # near the peak of a day
    values[at] = round(values[at] * factor)
    assert found(values) == [(at, word)]


def test_an_evening_at_noon_is_found_though_the_number_is_an_everyday_one() -> None:
    values = shop(24 * 60)
    at = 24 * 50 + 6
    evening = values[24 * 49 + 18]
    values[at] = evening
    assert values[: 24 * 50].min() <= evening <= values[: 24 * 50].max()
    assert [first for first, _ in found(values)] == [at]


def test_a_new_level_is_one_anomaly_that_is_found_within_a_quarter_of_a_day() -> None:
    values = shop(24 * 60)
    values[24 * 50 :] = np.round(values[24 * 50 :] * 0.6)
    (first, _), *more = found(values)
    assert 24 * 50 <= first <= 24 * 50 + 6
    assert len(more) <= 2  # the days that follow are measured against the old profile


NEW_LEVEL = 90  # the day of it


def at_a_new_level(level: float, days: int, seed: int, last: float | None = None) -> Floats:
    random = np.random.default_rng(seed)
    values = np.concatenate([random.normal(100, 3, NEW_LEVEL), random.normal(level, 3, days + 1)])
    values[-1] = values[-1] if last is None else last
    return values


@pytest.mark.parametrize("level", [60, 130, 200])
@pytest.mark.parametrize("days", [10, 20, 28, 45, 60, 90])
def test_a_new_level_of_days_does_not_hide_what_comes_after_it(level: float, days: int) -> None:
    for seed in range(5):
        for last in (0, 2 * level):
            values = at_a_new_level(level, days, seed, last)
            assert detect(Series.of(times(len(values), DAY), values)).is_anomaly[-1], (seed, last)


@pytest.mark.parametrize("level", [60, 130, 200])
def test_a_new_level_of_days_is_told_once_as_such_and_is_the_usual_one_then(level: float) -> None:
    for seed in range(5):
        values = at_a_new_level(level, 90, seed)
        told = [(first, word) for first, word in found(values, DAY) if first >= NEW_LEVEL]
        assert told == [(NEW_LEVEL, "level shift")]


def test_a_day_that_is_lost_is_found_among_days() -> None:
    values = shop(120, DAY)
    values[100] = round(values[100] * 0.4)
    assert found(values, DAY) == [(100, "drop")]


def test_sensitivity_decides_how_much_is_told() -> None:
    values = shop(24 * 60)
    values[24 * 50 + 7] *= 1.35
    told = [len(found(values, sensitivity=sensitivity)) for sensitivity in (0.1, 0.5, 0.8, 1.0)]
    assert told == sorted(told)
    assert told[0] == 0 < told[-1]


def test_scores_are_between_0_and_1_and_the_band_holds_what_is_expected() -> None:
    values = shop(24 * 60)
    values[700] = 1e12
    detection = detect(Series.of(times(len(values)), values))
    assert detection.scores.min() >= 0
    assert 0.9 < detection.scores.max() <= 1
    known = np.isfinite(detection.expected)
    assert known[24 * 7 :].all()
    banded = np.isfinite(detection.lower)
    assert banded[24 * 7 :].all()
    assert (detection.lower[banded] <= detection.expected[banded]).all()
    assert (detection.expected[banded] <= detection.upper[banded]).all()
    assert values[700] > detection.upper[700]


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(0),
        np.array([5.0]),
        np.full(500, 45.0),
        np.full(500, 0.0),
        np.full(500, -1e300),
        np.array([1e308, -1e308] * 250),
        np.array([np.nan, 1.0] * 250),
        np.array([np.inf, 1.0, -np.inf, 2.0] * 125),
    ],
    ids=["none", "one", "constant", "zero", "huge", "huge, up and down", "gaps", "infinite"],
)
def test_what_never_changes_or_is_not_known_is_no_anomaly(values: Floats) -> None:
    detection = detect(Series.of(times(len(values)), values))
    assert len(detection.scores) == len(values)
    assert not detection.is_anomaly.any()
    assert np.isfinite(detection.scores).all()


def test_after_a_constant_any_change_is_news() -> None:
    values = np.full(500, 45.0)
    values[400] = 45.5
    assert found(values)[0] == (400, "spike")


def test_a_glitch_does_not_hide_what_comes_after_it() -> None:
    """A counter that ran over for an hour, months ago, is no reason to take a tripled hour for an everyday one."""
    values = shop(2500)
    values[1200] = 1e9
    values[2205] *= 3
    after = [one for one in found(values) if one[0] > 1300]
    assert after == [(2205, "spike")]


def test_negative_numbers_are_numbers() -> None:
    values = shop(24 * 60)
    values[24 * 50 + 7] *= 3
    assert found(-values) == [(24 * 50 + 7, "drop")]
    assert [first for first, _ in found(values - 1e6)] == [24 * 50 + 7]


def test_gaps_in_time_are_no_news_by_themselves() -> None:
    values, moments = shop(24 * 60), times(24 * 60)
    kept = np.ones(len(values), bool)
    kept[24 * 40 : 24 * 42] = False
    series = Series.of(moments[kept], values[kept])
    assert anomalies(series, detect(series)) == []


def test_rows_in_any_order_and_twice_give_the_same() -> None:
    values = shop(24 * 30)
    values[24 * 20 + 7] *= 3
    order = np.random.default_rng(1).permutation(len(values))
    moments = times(len(values))
    shuffled = Series.of(np.append(moments[order][:5], moments[order]), np.append(np.zeros(5), values[order]))
    straight = Series.of(moments, values)
    assert np.array_equal(shuffled.values, straight.values)
    assert same(detect(shuffled), detect(straight), len(values))


def test_what_happens_at_nine_happens_at_nine_in_summer_too() -> None:
    """Berlin's clocks go forward on 29 March 2026: a shop that opens at nine opens an hour earlier by UTC."""
    moments = times(24 * 120)
    local = (moments.astype(np.int64) + np.where(moments >= np.datetime64("2026-03-29T01:00"), 7200, 3600)) // HOUR % 24
    noise = np.random.default_rng(3).normal(0, 2, len(moments))
    values = np.where((local >= 9) & (local < 18), 100.0, 5.0) + noise
    by_wall = Series.of(moments, values, "Europe/Berlin")
    assert anomalies(by_wall, detect(by_wall)) == []
    by_utc = Series.of(moments, values)
    first = anomalies(by_utc, detect(by_utc))[0].first
    assert moments[first].astype("datetime64[D]") == np.datetime64("2026-03-29")


def test_ten_thousand_points_cost_seconds_of_work() -> None:
    """A bound on work, not on time: no statistic is computed point by point in Python."""
    values = shop(10_000, 300)
    begun = time.process_time()
    detect(Series.of(times(10_000, 300), values))
    assert time.process_time() - begun < 20
