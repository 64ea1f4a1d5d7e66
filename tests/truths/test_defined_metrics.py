"""Metrics that somebody defines by a formula give what the simulator knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.defined_metrics import Workshop, workshop
from tests.truths.conftest import LoadedWorld

PROJECTS = {"demo": "Europe/Berlin", "demo_mobile": "America/New_York"}
FORMULAS = {
    "checkout_conversion": ("count(order_completed) / count(checkout_started) * 100", ()),
    "views_per_search": ("count(report_viewed) / count(search_performed)", ()),
    "everybody": ("unique(*)", ()),
    "order_value": ("sum(order_completed.revenue) / count(order_completed)", ("currency", "plan")),
    "load_time": ("avg(*.load_time_ms)", ()),
}


@pytest.fixture(scope="module")
def defined(built: LoadedWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    made = workshop(built.instance, tmp_path_factory.mktemp("defined"))
    for name, (formula, dimensions) in FORMULAS.items():
        made.define(name, formula, *dimensions)
    yield made


def by_day(defined: Workshop, metric: str, project: str) -> dict[str, Any]:
    rows = defined.answer([metric], ["metric_time__day"], project, PROJECTS[project])
    assert len(dict(rows)) == len(rows)
    return {day[:10]: value for day, value in rows}


def counts(built: LoadedWorld, project: str, event: str) -> dict[str, int]:
    events = built.truths["projects"][project]["events"]
    return dict(
        zip(events["per_day"], events["per_type_and_day"].get(event, [0] * len(events["per_day"])), strict=True)
    )


@pytest.mark.parametrize("project", PROJECTS)
def test_a_rate_by_day_is_that_of_the_counts(built: LoadedWorld, defined: Workshop, project: str) -> None:
    orders, checkouts = counts(built, project, "order_completed"), counts(built, project, "checkout_started")
    expected = {
        day: pytest.approx(orders[day] / checkouts[day] * 100) if checkouts[day] else None
        for day in orders
        if orders[day] or checkouts[day]
    }
    assert by_day(defined, "checkout_conversion", project) == expected
    assert len(expected) > 5


@pytest.mark.parametrize("project", PROJECTS)
def test_where_nothing_is_to_be_divided_by_there_is_no_value(
    built: LoadedWorld, defined: Workshop, project: str
) -> None:
    views, searches = counts(built, project, "report_viewed"), counts(built, project, "search_performed")
    expected = {
        day: views[day] / searches[day] if searches[day] else None for day in views if views[day] or searches[day]
    }
    found = by_day(defined, "views_per_search", project)
    assert found == {day: value if value is None else pytest.approx(value) for day, value in expected.items()}
    assert None in found.values() and 0 in found.values() and any(found.values())


@pytest.mark.parametrize("project", PROJECTS)
def test_people_are_those_of_the_truths(built: LoadedWorld, defined: Workshop, project: str) -> None:
    truth = built.truths["projects"][project]
    assert by_day(defined, "everybody", project) == {day: n for day, n in truth["activity"]["dau"].items() if n}
    assert defined.answer(["everybody"], [], project, PROJECTS[project]) == [(truth["identity"]["people"],)]


@pytest.mark.parametrize("project", PROJECTS)
def test_amounts_are_as_they_were_sent(built: LoadedWorld, defined: Workshop, project: str) -> None:
    truth = built.truths["projects"][project]["orders"]["completed"]["per_currency"]
    expected = {code: pytest.approx(float(of["revenue"]) / of["count"]) for code, of in truth.items() if of["count"]}
    assert dict(defined.answer(["order_value"], ["event__currency"], project, PROJECTS[project])) == expected


def test_a_mean_is_of_those_that_have_a_number(built: LoadedWorld, defined: Workshop) -> None:
    truth = built.truths["projects"]["demo"]
    loads, milliseconds = truth["quality"]["loads_per_day"], truth["quality"]["load_ms_per_day"]
    expected = {
        day: pytest.approx(milliseconds[day] / loads[day]) if loads[day] else None
        for day, events in truth["events"]["per_day"].items()
        if events
    }
    found = by_day(defined, "load_time", "demo")
    assert found == expected and None in found.values()


def test_by_the_plan_of_the_user_at_the_time(built: LoadedWorld, defined: Workshop) -> None:
    sql = """
        SELECT nullIf(ifNull(versions.plan, ''), ''), sum(orders.properties.revenue::Nullable(Float64)) / count()
        FROM marts.fct_events AS orders
        LEFT JOIN marts.dim_users AS versions ON versions.project_id = orders.project_id
            AND versions.person_key = orders.person_key
            AND versions.valid_from <= orders.timestamp AND orders.timestamp < versions.valid_to
        WHERE orders.project_id = 'demo' AND orders.event = 'order_completed'
        GROUP BY 1
    """
    expected = {plan: pytest.approx(value) for plan, value in built.instance.rows(sql)}
    assert len(expected) > 2
    assert dict(defined.answer(["order_value"], ["user__plan"])) == expected


def test_a_shipped_metric_and_a_defined_one_stand_in_one_table(built: LoadedWorld, defined: Workshop) -> None:
    rows = defined.answer(["events", "everybody"], ["event__country"])
    sql = "SELECT country, count(), uniqExact(person_key) FROM marts.fct_events WHERE project_id = 'demo' GROUP BY 1"
    assert sorted(rows) == sorted(built.instance.rows(sql))
