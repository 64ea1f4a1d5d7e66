"""What is done on holidays is no news, and spoils nothing of what is expected later."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from monitoring.detectors.anomalies import anomalies
from monitoring.detectors.calendars import public_holidays
from monitoring.detectors.detection import detect
from monitoring.detectors.series import Floats, Series
from warehouse.errors import WrongUsage

DAY, HOUR = 86_400, 3600
FIRST, DAYS = date(2026, 1, 12), 150  # a Monday, until June
GOOD_FRIDAY, EASTER_MONDAY, MAY_DAY = date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1)
WHIT_MONDAY, ASCENSION = date(2026, 5, 25), date(2026, 5, 14)
HOLIDAYS = (GOOD_FRIDAY, EASTER_MONDAY, MAY_DAY, ASCENSION, WHIT_MONDAY)  # of Germany in these months
WORKDAYS, SUNDAYS = 1000, 300


def number(day: date) -> int:
    return (day - FIRST).days


def office(workdays: int = WORKDAYS, sundays: int = SUNDAYS) -> Floats:
    """People work from Monday to Friday, and on holidays as on Sundays."""
    levels = np.where(np.arange(DAYS) % 7 < 5, workdays, sundays)
    levels[[number(day) for day in HOLIDAYS]] = sundays
    return np.random.default_rng(5).poisson(levels).astype(np.float64)


def series(values: Floats, holidays: str = "DE") -> Series:
    start = np.datetime64(FIRST, "s")
    return Series.of(start + DAY * np.arange(len(values)), values, "UTC", holidays)


def told(one: Series) -> list[date]:
    return [one.times[own.first].astype("datetime64[D]").item() for own in anomalies(one, detect(one))]


def test_a_holiday_is_news_only_where_nobody_says_that_it_is_one() -> None:
    assert told(series(office())) == []
    assert GOOD_FRIDAY in told(series(office(), ""))


def test_who_works_on_a_holiday_is_no_news_either() -> None:
    values = office()
    values[[number(day) for day in HOLIDAYS]] = WORKDAYS
    assert told(series(values)) == []


@pytest.mark.parametrize(("value", "word"), [(20, "drop"), (4000, "spike"), (0, "missing data")])
def test_what_neither_a_sunday_nor_a_workday_has_is_news_on_a_holiday_too(value: int, word: str) -> None:
    values = office()
    values[number(WHIT_MONDAY)] = value
    one = series(values)
    (found,) = anomalies(one, detect(one))
    assert (one.times[found.first].astype("datetime64[D]").item(), found.type) == (WHIT_MONDAY, word)
    assert found.expected == pytest.approx(SUNDAYS, rel=0.1)


def test_nothing_on_a_holiday_is_as_likely_as_on_a_sunday() -> None:
    """By chance every 55th Sunday of four visits is empty, and a workday of sixty never."""
    values = office(60, 4)
    values[number(WHIT_MONDAY)] = 0
    assert told(series(values)) == []
    assert WHIT_MONDAY in told(series(values, ""))


def test_the_band_of_a_holiday_holds_sundays_and_workdays() -> None:
    found = detect(series(office()))
    day = number(WHIT_MONDAY)
    assert found.lower[day] < SUNDAYS < WORKDAYS < found.upper[day]
    assert found.lower[day + 7] > SUNDAYS, "a Monday after it is a workday again"


def test_what_a_holiday_had_changes_nothing_of_what_is_expected_later() -> None:
    usual, wild = office(), office()
    wild[[number(day) for day in HOLIDAYS]] = 9000
    for holidays, is_same in (("DE", True), ("", False)):
        expected = [detect(series(values, holidays)).expected for values in (usual, wild)]
        assert np.array_equal(*expected, equal_nan=True) == is_same


def test_a_holiday_is_judged_by_its_past_alone() -> None:
    values = office()
    whole = detect(series(values))
    for day in (GOOD_FRIDAY, EASTER_MONDAY, date(2026, 4, 7)):
        points = number(day) + 1
        begun = detect(series(values[:points]))
        for name in ("scores", "expected", "lower", "upper"):
            assert np.array_equal(getattr(begun, name), getattr(whole, name)[:points], equal_nan=True)


def test_a_week_with_a_holiday_in_it_is_a_week() -> None:
    values = np.random.default_rng(2).poisson(700, 40).astype(np.float64)
    weeks = np.datetime64(FIRST, "s") + 7 * DAY * np.arange(40)
    with_holidays, without = (detect(Series.of(weeks, values, "UTC", place)) for place in ("DE", ""))
    assert np.array_equal(with_holidays.lower, without.lower, equal_nan=True)


def test_hours_of_a_holiday_are_those_of_a_sunday_by_the_clock_on_the_wall() -> None:
    """Berlin's Easter is a week after its clocks went forward."""
    hours = np.arange(24 * 110)
    start = int(datetime(2026, 1, 11, 23, tzinfo=UTC).timestamp())  # midnight in Berlin
    times = (start + HOUR * hours).astype("datetime64[s]")
    local = start + HOUR * hours + np.where(times >= np.datetime64("2026-03-29T01:00"), 2, 1) * HOUR
    days = (local // DAY).astype("datetime64[D]")
    free = (local // DAY + 3) % 7 >= 5
    free |= np.isin(days, np.array(HOLIDAYS, dtype="datetime64[D]"))
    open_now = (local % DAY >= 8 * HOUR) & (local % DAY < 20 * HOUR)
    values = np.random.default_rng(8).poisson(np.where(open_now & ~free, 200, 40)).astype(np.float64)
    learned = date(2026, 3, 1)
    assert [day for day in told(Series.of(times, values, "Europe/Berlin", "DE")) if day > learned] == []
    # Its first hours are as quiet as on any Monday: it is told on the day that clocks on the wall show.
    assert EASTER_MONDAY in told(Series.of(times, values, "Europe/Berlin"))


def test_a_region_has_days_of_its_own_and_years_are_taken_as_they_come() -> None:
    corpus_christi = date(2026, 6, 4)
    assert corpus_christi in public_holidays("DE-BY", 2026)
    assert corpus_christi not in public_holidays("DE", 2026)
    new_year = Series.of(np.datetime64("2025-12-30", "s") + DAY * np.arange(4), np.ones(4), "UTC", "DE")
    assert new_year.is_holiday().tolist() == [False, False, True, False]
    assert replace(new_year, holidays="").is_holiday().tolist() == [False] * 4
    assert Series.of(new_year.times[:0], np.ones(0), "UTC", "DE").is_holiday().tolist() == []


@pytest.mark.parametrize(("place", "said"), [("XX", "'XX'"), ("DE-BYY", "'DE-BYY'; did you mean 'DE-BY'")])
def test_a_place_without_a_calendar_gets_a_sentence(place: str, said: str) -> None:
    with pytest.raises(WrongUsage, match="There is no calendar of holidays of") as caught:
        detect(series(office(), place))
    assert said in caught.value.message
