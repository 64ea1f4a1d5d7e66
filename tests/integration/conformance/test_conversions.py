"""Conversions: a purchase counts for the last visit of the same person before it, within the window."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.conformance.conftest import Shop
from tests.integration.conformance.counting import counts, expected, grouped, period, table
from tests.integration.conformance.shop import PURCHASES, VISITS, Visit

DAY, WEEK = timedelta(days=1), timedelta(days=7)


def converted(window: timedelta | None, same_site: bool = False) -> list[Visit]:
    """The visit that each purchase counts for, where there is one."""
    found = []
    for purchase in PURCHASES:
        before = [
            visit
            for visit in VISITS
            if visit.person == purchase.person
            and visit.at <= purchase.at
            and (window is None or visit.at > purchase.at - window)
            and (not same_site or visit.site == purchase.site)
        ]
        if before:
            found.append(max(before, key=lambda visit: visit.at))
    return found


METRICS: dict[str, list[Visit]] = {
    "conversions": converted(None),
    "conversions_of_7_days": converted(WEEK),
    "conversions_on_the_same_site": converted(DAY, same_site=True),
}


def test_windows_and_sites_make_a_difference() -> None:
    assert len(PURCHASES) > len(converted(None)) > len(converted(DAY)) > len(converted(DAY, same_site=True)) > 0
    people = [(v.person, v.at) for v in VISITS if v.person]
    assert len(set(people)) == len(people)


@pytest.mark.parametrize("metric", METRICS)
def test_conversions(shop: Shop, metric: str) -> None:
    assert shop.ask(metric) == [(len(METRICS[metric]),)]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("visit__channel", lambda v: v.channel),
        ("metric_time__day", lambda v: v.day),
        ("metric_time__week", lambda v: period(v.at, "week")),
    ],
)
def test_conversions_by(shop: Shop, metric: str, name: str, of: Callable[[Visit], Any]) -> None:
    """Everything that has visits is there; without conversions the number of them is unknown, unless it is filled."""
    by = counts(METRICS[metric], of)
    assert table(shop.ask(metric, by=(name,))) == {key: by.get(key) for key in counts(VISITS, of)}


def test_conversions_that_are_zero_where_there_are_none(shop: Shop) -> None:
    by = counts(converted(WEEK), lambda v: v.day)
    assert table(shop.ask("conversions_or_zero", by=("metric_time__day",))) == {
        day: by.get(day, 0) for day in counts(VISITS, lambda v: v.day)
    }


def test_a_rate(shop: Shop) -> None:
    for name, of in (("visit__channel", lambda v: v.channel), ("metric_time__week", lambda v: period(v.at, "week"))):
        visits, found = counts(VISITS, of), counts(converted(DAY), of)
        counted = {key: found[key] / n if key in found else None for key, n in visits.items()}
        assert table(shop.ask("conversion", by=(name,))) == expected(counted)


def test_a_rate_of_people(shop: Shop) -> None:
    """Of the people who came in a week, those who bought within seven days of the visit it counts for."""
    visitors = grouped(VISITS, lambda v: period(v.at, "week"))
    buyers = grouped(converted(WEEK), lambda v: period(v.at, "week"))
    counted = {
        week: len({v.person for v in buyers[week]}) / len({v.person for v in rows} - {None}) if week in buyers else None
        for week, rows in visitors.items()
    }
    assert table(shop.ask("buyers_converted", by=("metric_time__week",))) == expected(counted)


def test_only_what_is_filtered_converts(shop: Shop) -> None:
    """A filter is of the visits: a purchase counts for the last of those that are left."""
    ads = [v for v in VISITS if v.channel == "ads"]
    kept = [
        purchase
        for purchase in PURCHASES
        if any(v.person == purchase.person and purchase.at - DAY < v.at <= purchase.at for v in ads)
    ]
    ((rate,),) = shop.ask("conversion", where_constraints=["{{ Dimension('visit__channel') }} = 'ads'"])
    assert rate == pytest.approx(len(kept) / len(ads))


def test_conversions_beside_each_other_and_other_metrics(shop: Shop) -> None:
    """Each of them numbers its purchases for itself: ClickHouse runs a common part once for each that names it."""
    by = counts(VISITS, lambda v: v.channel)
    day, ever = counts(converted(DAY), lambda v: v.channel), counts(converted(None), lambda v: v.channel)
    rows = shop.ask("visits", "conversion", "conversion_times_100", "conversions", by=("visit__channel",))
    assert {key: values for key, *values in rows} == {
        key: [
            n,
            pytest.approx(day[key] / n) if key in day else None,
            pytest.approx(day[key] / n * 100) if key in day else None,
            ever.get(key),
        ]
        for key, n in by.items()
    }
