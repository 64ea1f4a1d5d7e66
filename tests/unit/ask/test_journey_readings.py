"""Sentences about journeys, from answers by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from semantic_layer.ask.earlier_funnels import funnel_before, unfinished
from semantic_layer.ask.reading_journeys import read_journey
from semantic_layer.ask.wording import Span
from semantic_layer.journeys.models import Funnel, Journey, Kind, Lifecycle, Paths, Retention, Step, Stickiness, make
from semantic_layer.metrics.catalogue import ProjectFacts

MARCH = Span(date(2026, 3, 1), date(2026, 3, 31))
LAST_DAY = date(2026, 3, 31)
ANY = Step(event="*")


def funnel(**more: Any) -> Funnel:
    steps = [{"event": "visited"}, {"event": "signed_up"}, {"event": "paid"}]
    return make(Funnel, {"project": "demo", "steps": steps, **more})


def steps(*users: int, names: tuple[str, ...] = ("visited", "signed_up", "paid")) -> list[dict[str, Any]]:
    return [
        {
            "step": k + 1,
            "name": names[k],
            "users": here,
            "from_start": here / users[0] if users[0] else 0.0,
            "from_previous": here / users[max(k - 1, 0)] if users[max(k - 1, 0)] else 0.0,
            "drop_off": users[max(k - 1, 0)] - here,
            "mean_seconds": None,
            "median_seconds": None,
        }
        for k, here in enumerate(users)
    ]


def said(journey: Journey, answer: dict[str, Any], span: Span | None = MARCH) -> str:
    return read_journey(journey, answer, span, LAST_DAY)


def test_who_asks_how_long_it_takes_is_told_the_time() -> None:
    two = steps(1000, 400)
    two[1] |= {"mean_seconds": 7200.0, "median_seconds": 1800.0}
    journey = make(
        Funnel, {"project": "demo", "steps": [{"event": "visited"}, {"event": "signed_up"}], "histogram": True}
    )
    assert said(journey, {"steps": two, "breakdown": []}) == (
        "Of 1,000 people who did visited in March 2026, 400 (40 %) reached signed_up within 14 days; half of them took "
        "30 min or less, on average it was 2 h."
    )


def test_a_funnel_names_its_largest_drop() -> None:
    assert said(funnel(), {"steps": steps(1000, 400, 300), "breakdown": []}) == (
        "Of 1,000 people who did visited in March 2026, 300 (30 %) reached paid within 14 days; the largest drop is "
        "between visited and signed_up, where 600 (60 %) are lost."
    )


@pytest.mark.parametrize(
    ("users", "since"),
    [
        ([500, 200, 125], ", up 5 points on February (better)"),
        ([500, 200, 175], ", down 5 points on February (worse)"),
        ([500, 300, 150], ", as in February"),
        ([0, 0, 0], ""),
    ],
)
def test_a_funnel_is_compared_with_that_of_the_days_before(users: list[int], since: str) -> None:
    before = {"from": "2026-02-01", "to": "2026-02-28", "users": users}
    sentence = said(funnel(), {"steps": steps(1000, 400, 300), "breakdown": [], "before": before})
    assert sentence.startswith(
        f"Of 1,000 people who did visited in March 2026, 300 (30 %) reached paid within 14 days{since}; "
    )


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("2026-03-01", "2026-03-31", ("2026-02-01", "2026-02-28")),
        ("2026-03-09", "2026-03-15", ("2026-03-02", "2026-03-08")),
        ("2026-03-20", "2026-03-21", ("2026-03-18", "2026-03-19")),
        ("2026-03-01", "2026-04-20", None),  # some of the last have had six days, of 14
        ("2026-01-10", "2026-01-31", None),  # the data begin on 5 January
        ("2026-03-01", None, None),
        (None, "2026-03-31", None),
    ],
)
def test_the_days_before_are_those_of_which_as_much_is_known(
    first: str | None, last: str | None, days: tuple[str, str] | None
) -> None:
    facts = ProjectFacts("demo", "UTC", "EUR", date(2026, 1, 5), date(2026, 4, 26), (), {})
    asked = funnel(by="country", trend="day", **{"from": first, "to": last})
    earlier = funnel_before(asked, facts, date(2026, 4, 26))
    assert (None if earlier is None else (str(earlier[1].first), str(earlier[1].last))) == days
    if earlier and days:
        assert earlier[0] == funnel(**{"from": days[0], "to": days[1]})


def test_who_still_has_time_to_convert_is_told() -> None:
    def told(to: str, end: date) -> str:
        facts = ProjectFacts("demo", "UTC", "EUR", date(2026, 1, 5), end, (), {})
        return unfinished(funnel(**{"from": "2026-03-01", "to": to}), facts)

    late = "Who began less than 14 days before the end of the data may still convert."
    assert [told("2026-03-31", date(2026, 4, day)) for day in (13, 14)] == [late, ""]
    assert told("2026-12-31", date(2026, 4, 13)) == late


def test_a_funnel_by_a_dimension_compares_values_with_enough_people() -> None:
    parts = [
        {"value": "mobile", "steps": steps(600, 200, 120)},
        {"value": "desktop", "steps": steps(380, 190, 152)},
        {"value": "tablet", "steps": steps(20, 18, 16)},  # the best, but too few to say so
    ]
    sentence = said(funnel(by="device.type"), {"steps": steps(1000, 408, 288), "breakdown": parts})
    assert sentence.endswith("; by device.type, desktop is best with 40 %, mobile lowest with 20 %.")


def test_a_funnel_over_time_tells_the_first_and_the_last_period() -> None:
    trend = [
        {"period": f"2026-0{m}-01", "entered": 100, "converted": c, "rate": c / 100}
        for m, c in ((1, 30), (2, 9), (3, 20))
    ]
    sentence = said(funnel(trend="month"), {"steps": steps(300, 100, 59), "breakdown": [], "trend": trend})
    assert sentence.endswith("are lost; it was 30 % of those of January 2026 and 20 % of those of March 2026.")


def test_a_funnel_in_any_order() -> None:
    names = ("any 1 of 3", "any 2 of 3", "any 3 of 3")
    answer = {"steps": steps(50, 40, 10, names=names), "breakdown": []}
    assert said(funnel(order="unordered", within_seconds=3600), answer) == (
        "Of 50 people who did at least one of the 3 steps in March 2026, 10 (20 %) did all 3 within 1 hour; the "
        "largest drop is between any 2 of 3 and any 3 of 3, where 30 (75 %) are lost."
    )


def test_a_funnel_of_nobody() -> None:
    assert said(funnel(), {"steps": steps(0, 0, 0), "breakdown": []}) == "Nobody did visited in March 2026."


def test_retention_tells_the_first_period_of_the_cohorts_that_have_had_it() -> None:
    retention = Retention(project="demo", start=Step(event="signed_up"), returning=ANY)
    # The week of 23 March is over on the 29th, that of the 30th is not.
    cohorts = [
        {"period": "2026-03-09", "size": 100, "returned": [40, 30, 9]},
        {"period": "2026-03-16", "size": 60, "returned": [24, 5]},
        {"period": "2026-03-23", "size": 50, "returned": [3]},
        {"period": "2026-03-30", "size": 10, "returned": []},
    ]
    course = (
        "in the cohorts from the week of 9 March 2026 to the week of 16 March 2026, 40 % were back 1 week later, and "
        "30 % of those who could be after 2 weeks; for the week of 23 March 2026 that week is not over."
    )
    # Who began in two weeks is in both cohorts; who is counted by the first time only, in one.
    assert said(retention, {"cohorts": cohorts}) == f"Of 160 beginnings, one per person and week, {course}"
    by_first_time = retention.model_copy(update={"kind": Kind.FIRST_EVER})
    assert said(by_first_time, {"cohorts": cohorts}) == f"Of 160 people {course}"
    assert said(retention, {"cohorts": cohorts[1:]}).startswith("Of 60 people in the cohorts of the week of 16 March")


@pytest.mark.parametrize(
    ("cohorts", "sentence"),
    [
        ([], "Nobody began in these days, so there is nobody who could have come back."),
        (
            [{"period": "2026-03-30", "size": 10, "returned": []}],
            "No cohort has had a whole week to come back in yet.",
        ),
    ],
)
def test_retention_without_an_answer(cohorts: list[dict[str, Any]], sentence: str) -> None:
    assert said(Retention(project="demo", start=ANY, returning=ANY), {"cohorts": cohorts}) == sentence


def test_a_lifecycle_is_that_of_the_last_period_that_is_over() -> None:
    periods = [
        {"period": "2026-03-23", "new": 10, "returning": 20, "resurrecting": 5, "dormant": -7},
        {"period": "2026-03-30", "new": 1, "returning": 2, "resurrecting": 0, "dormant": -30},
    ]
    assert said(Lifecycle(project="demo", event=ANY), {"periods": periods}) == (
        "In the week of 23 March 2026, 35 people were active: 10 new, 20 returning, 5 back after a pause; 7 went "
        "dormant; the week of 30 March 2026 is incomplete."
    )
    # Of a week in which the question ends the days until then are counted, whatever data there are.
    until = make(Lifecycle, {"project": "demo", "event": ANY, "to": date(2026, 3, 26)})
    assert said(until, {"periods": periods[:1]}).startswith("In the week of 23 March 2026, 35 people were active")
    earlier = {**periods[0], "period": "2026-03-16", "new": 11}
    assert said(until, {"periods": [earlier, periods[0]]}).endswith("the week of 23 March 2026 is incomplete.")


def test_stickiness_tells_who_came_once_and_who_came_often() -> None:
    days = [{"days": 1, "users": 60}, {"days": 3, "users": 30}, {"days": 7, "users": 6}, {"days": 20, "users": 4}]
    assert said(Stickiness(project="demo", event=ANY), {"days": days}) == (
        "Of 100 active people in March 2026, 60 % were active on one day only and 10 % on 7 days or more."
    )


EDGES = [
    {"step": 1, "from": "pricing", "to": None, "sessions": 30, "share": 0.3},
    {"step": 1, "from": "pricing", "to": "signed_up", "sessions": 45, "share": 0.45},
    {"step": 1, "from": "pricing", "to": "docs", "sessions": 25, "share": 0.25},
    {"step": 2, "from": "docs", "to": "signed_up", "sessions": 25, "share": 0.25},
]


def test_paths_tell_the_most_frequent_next_step_and_the_end() -> None:
    paths = Paths(project="demo", event=Step(event="pricing"))
    assert said(paths, {"sessions": 100, "edges": EDGES}) == (
        "After pricing in March 2026, the most frequent next step is signed_up, in 45 % of 100 sessions; "
        "30 % end there."
    )
    backwards = paths.model_copy(update={"direction": "previous"})
    assert said(backwards, {"sessions": 100, "edges": EDGES}, None) == (
        "Before pricing, the most frequent step is signed_up, in 45 % of 100 sessions; 30 % begin with it."
    )
    assert said(paths, {"sessions": 0, "edges": []}) == "There is no session with pricing in March 2026."
