"""Rules about experiments and segments find what was planted, and what a loop over the rows finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from monitoring.alerts.conditions import Finding
from monitoring.alerts.conditions.segments import segment_findings
from monitoring.alerts.rules import AnyRule, SegmentRule
from monitoring.alerts.validating import _names
from monitoring.experiments import Plan, Result, finished, read_plans
from semantic_layer.metrics.catalogue import load_catalogue
from semantic_layer.reader import Reader
from tests.truths.conftest import LoadedWorld
from warehouse.settings import Settings

BERLIN = ZoneInfo("Europe/Berlin")
# Goals are columns of the mart; one is planned by its last day, the others by half of the people that they have.
GOALS = {
    "onboarding_checklist": ("experiment_activation_rate", "has_onboarded"),
    "landing_page_story": ("experiment_sign_up_rate", "has_signed_up"),
    "button_colour": ("experiment_order_rate", "has_ordered"),
    "bundle_offer": ("experiment_order_rate", "has_ordered"),
}
BY_DAY, LAST_DAY = "landing_page_story", date(2026, 5, 10)


@pytest.fixture(scope="module")
def settings(built: LoadedWorld) -> Iterator[Settings]:
    with built.instance.active() as settings:
        yield settings


@pytest.fixture(scope="module")
def planned(built: LoadedWorld) -> dict[str, Plan]:
    truths = built.truths["projects"]["demo"]["experiments"]
    people = {name: sum(arm["exposed"] for arm in truths[name]["arms"].values()) // 2 for name in GOALS}
    assert min(people.values()) > 5
    return {
        name: Plan(goal=goal, ends=LAST_DAY) if name == BY_DAY else Plan(goal=goal, people=people[name])
        for name, (goal, _) in GOALS.items()
    }


def results(settings: Settings, monkeypatch: pytest.MonkeyPatch, plans: dict[str, Plan]) -> dict[str, Result]:
    monkeypatch.setattr("monitoring.experiments.read_plans", lambda *_: plans)
    found = finished(settings, load_catalogue(settings), Reader(settings))
    return {one.experiment: one for one in found if one.project == "demo"}


def test_an_experiment_is_over_by_its_last_day_or_its_people(
    built: LoadedWorld, settings: Settings, monkeypatch: pytest.MonkeyPatch, planned: dict[str, Plan]
) -> None:
    found = results(settings, monkeypatch, planned)
    assert found.keys() == GOALS.keys()
    for name, (_, column) in GOALS.items():
        one, people = found[name], planned[name].people
        seen = f"FROM marts.fct_experiment_exposures WHERE project_id = 'demo' AND experiment = '{name}'"
        sql = f"SELECT variant, count(), avg({column}) {seen} AND local_date <= '{one.ended_on}' GROUP BY 1"
        by_hand = {variant: (number, pytest.approx(rate)) for variant, number, rate in built.instance.rows(sql)}
        assert {arm.variant: (arm.people, arm.rate) for arm in (one.control, *one.others)} == by_hand
        ((before,),) = built.instance.rows(f"SELECT count() {seen} AND local_date < '{one.ended_on}'")
        assert one.ended_on == LAST_DAY if people is None else before < people <= one.people


def test_one_that_still_runs_has_no_result(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, planned: dict[str, Plan]
) -> None:
    plans = {
        "bundle_offer": planned["bundle_offer"].model_copy(update={"people": 10_000}),
        BY_DAY: planned[BY_DAY].model_copy(update={"ends": date(2027, 1, 1)}),
    }
    assert results(settings, monkeypatch, plans) == {}


def test_what_the_project_plans_is_read(settings: Settings) -> None:
    assert read_plans(settings, load_catalogue(settings)).keys() == GOALS.keys()


def moves(built: LoadedWorld, month: int) -> tuple[Counter[str], Counter[str]]:
    """Who moved in a month of Berlin, and who was in each plan when it began."""
    plans: dict[Any, list[str]] = {}
    rows = built.instance.rows(
        "SELECT person_key, plan, toUnixTimestamp64Milli(valid_from), toUnixTimestamp64Milli(valid_to) "
        "FROM marts.dim_users WHERE project_id = 'demo' ORDER BY valid_from"
    )
    for begin in (datetime(2026, month, 1, tzinfo=BERLIN), datetime(2026, month + 1, 1, tzinfo=BERLIN)):
        at = begin.timestamp() * 1000 - 1  # the last millisecond before
        for person, plan, valid_from, valid_to in rows:
            if valid_from <= at < valid_to:
                plans.setdefault(person, []).append(plan)
    assert {len(both) for both in plans.values()} == {2}
    moved = Counter(f"{was} to {now}" for was, now in plans.values() if was != now)
    return moved, Counter(was for was, _ in plans.values())


def test_who_moved_is_who_was_in_one_plan_and_is_in_another(built: LoadedWorld, settings: Settings) -> None:
    month = max(range(2, 7), key=lambda one: len(moves(built, one)[0]))
    by_hand, were = moves(built, month)
    assert by_hand

    def find(**rule: Any) -> list[Finding]:
        told = {"kind": "segment_moved", "owner": "me", "table": "dim_users", "column": "plan", "people": 1, **rule}
        made = SegmentRule.model_validate({"projects": ["demo"], "grain": "month", **told})
        now = datetime(2026, month + 1, 3, tzinfo=BERLIN)
        return list(segment_findings("rule", made, load_catalogue(settings), Reader(settings), now))

    assert {one.subject: one.value for one in find()} == {moved: float(people) for moved, people in by_hand.items()}
    most, people = by_hand.most_common(1)[0]
    was, _, now = most.split()
    (found,) = find(**{"from": [was], "to": [now]})
    assert found.summary.endswith(f"moved from plan {was} to {now} in the month of 2026-0{month}-01.")
    assert find(people=people + 1) == []
    share = 100 * people / were[was]
    assert most in [one.subject for one in find(share=f"{share - 0.01:.4f}%")]
    assert most not in [one.subject for one in find(share=f"{share + 0.01:.4f}%")]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (
            {"kind": "freshness", "assets": ["fct_orders"]},
            ("assets", "no table, as marts.fct_orders, fits 'fct_orders'; did you mean 'marts.fct_orders'"),
        ),
        ({"kind": "freshness", "assets": ["marts.fct_*", "raw.events", "*"]}, None),
        ({"kind": "check_failure", "assets": ["fct_*"]}, ("assets", "no table, as marts.fct_orders, fits 'fct_*'")),
        (
            {"kind": "anomaly", "series": ["metric:revenu"]},
            ("series", "no watched series, as metric:revenue, fits 'metric:revenu'; did you mean 'metric:revenue'"),
        ),
        ({"kind": "anomaly", "series": ["metric:*"]}, None),
    ],
)
def test_a_pattern_that_fits_nothing_is_told(
    settings: Settings, rule: dict[str, Any], told: tuple[str, str] | None
) -> None:
    made = TypeAdapter(AnyRule).validate_python({"owner": "me", **rule})
    found = list(_names(settings, made))
    assert (found == []) if told is None else (found[0][0] == told[0] and found[0][1].startswith(told[1])), found


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"table": "dim_user"}, ("table", "there is no table 'dim_user' in marts; did you mean 'dim_users'")),
        ({"column": "plam"}, ("column", "dim_users has no column 'plam'; did you mean 'plan'?")),
        ({"table": "dim_people", "column": "plan"}, ("table", "dim_people has no versions")),
    ],
)
def test_a_name_that_is_none_is_told(settings: Settings, wrong: dict[str, Any], told: tuple[str, str]) -> None:
    rule = {"kind": "segment_moved", "owner": "me", "table": "dim_users", "column": "plan", "people": 1, **wrong}
    key, sentence = list(_names(settings, SegmentRule.model_validate(rule)))[-1]
    assert (key, sentence.startswith(told[1])) == (told[0], True), sentence
