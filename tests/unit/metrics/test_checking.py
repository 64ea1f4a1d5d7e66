"""What cannot be asked is told, with what can be asked instead."""

from __future__ import annotations

from typing import Any

import pytest

from semantic_layer.metrics.checking import checked, nearest_values
from semantic_layer.metrics.conditions import parse_condition
from semantic_layer.metrics.flags import parse_compare, parse_grouping, parse_ordering
from tests.unit.metrics.shop import CATALOGUE, asked
from warehouse.errors import WrongUsage


def by(*names: str) -> list[Any]:
    return [parse_grouping(name) for name in names]


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        (asked("ordres"), "no metric 'ordres'; did you mean 'orders'", "metrics list"),
        (asked("visit"), "did you mean 'sessions'", "metrics list"),
        (asked("purchases"), "did you mean 'orders'", "metrics list"),
        (asked("xyzzy"), "There is no metric 'xyzzy'.", "metrics list"),
        (asked(by=by("plan")), "no dimension 'plan'; did you mean 'user__plan'", "metrics dimensions"),
        (asked(by=by("user__plam")), "did you mean 'user__plan'", "metrics dimensions"),
        (asked("sessions", by=by("order__coupon")), "sessions cannot be told by order__coupon", "orders, revenue"),
        (asked("orders", "sessions", by=by("order__coupon")), "sessions cannot be told", "orders, revenue"),
        (asked(by=by("user__plan:week")), "user__plan is no time", "Ask by user__plan"),
        (asked(by=by("user__signed_up_on:hour")), "user__signed_up_on is not known by hour", "by day, week"),
        (asked("running", by=by("hour")), "running is not known by hour", "by day, week"),
        (asked("orders", "running", by=by("hour")), "running is not known by hour", "by day, week"),
        (asked("running"), "running is told by its time only", "--by metric_time:day"),
        (asked(by=by("user__plan", "user__plan")), "'user__plan' is asked for twice", ""),
        (asked("orders", "orders"), "is asked for twice", ""),
        (asked(where=parse_condition("revenue > 5")), "revenue is a metric", "--having 'revenue > 100'"),
        (asked(where=parse_condition("plan = 'a'")), "no dimension 'plan'", "metrics dimensions"),
        (
            asked(where=parse_condition("session__channel = 'a'")),
            "orders cannot be told by session__channel",
            "sessions",
        ),
        (
            asked("so_far", where=parse_condition("metric_time > '2026-01-01'")),
            "no condition can choose days",
            "--from",
        ),
        (asked(compare="year", where=parse_condition("metric_time > '2026-01-01'")), "as well", "--from"),
        (asked(compare="year", by=by("week", "month")), "one grain of metric_time", "metric_time:month"),
        (asked(**{"from": "2041-01-01"}), "from 2000-01-01 to 2040-12-31", ""),
        (asked(**{"to": "1999-01-01"}), "from 2000-01-01 to 2040-12-31", ""),
        (asked(by=by("user__plan"), having=[{"metric": "user__plan", "operator": ">", "value": 1}]), "none of the", ""),
    ],
)
def test_what_cannot_be_asked(query: Any, message: str, hint: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        checked(query, CATALOGUE)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_an_unknown_project() -> None:
    with pytest.raises(WrongUsage, match="no project 'dmo'; did you mean 'demo'"):
        checked(asked().model_copy(update={"project": "dmo"}), CATALOGUE)


@pytest.mark.parametrize(
    ("metrics", "grouping", "grain"),
    [
        (("orders",), "metric_time", "day"),
        (("running",), "metric_time", "day"),
        (("orders",), "metric_time:hour", "hour"),
        (("orders",), "user__signed_up_on", "day"),
        (("orders",), "user__plan", None),
    ],
)
def test_a_grain_that_is_left_open_is_the_day(metrics: tuple[str, ...], grouping: str, grain: str | None) -> None:
    (found,) = checked(asked(*metrics, by=by(grouping)), CATALOGUE).by
    assert found.grain == grain


@pytest.mark.parametrize(
    ("text", "name", "grain"),
    [
        ("user__country", "user__country", None),
        ("metric_time:week", "metric_time", "week"),
        ("metric_time__week", "metric_time", "week"),
        ("month", "metric_time", "month"),
        (" user__signed_up_on:quarter ", "user__signed_up_on", "quarter"),
    ],
)
def test_groupings_as_they_are_written(text: str, name: str, grain: str | None) -> None:
    found = parse_grouping(text)
    assert (found.name, found.grain) == (name, grain)


@pytest.mark.parametrize(
    "text", ["metric_time:wek", "metric_time:", "metric_time__wek", "user__plan; drop", "", ":day"]
)
def test_groupings_that_are_none(text: str) -> None:
    with pytest.raises(WrongUsage):
        parse_grouping(text)


def test_orderings_and_comparisons_as_they_are_written() -> None:
    assert parse_ordering("-revenue").model_dump() == {"name": "revenue", "descending": True}
    assert parse_ordering("metric_time:week").model_dump() == {"name": "metric_time", "descending": False}
    assert parse_ordering("-week").model_dump() == {"name": "metric_time", "descending": True}
    assert parse_compare(None) is None
    assert parse_compare("year") == "year"
    with pytest.raises(WrongUsage, match="did you mean 'previous'"):
        parse_compare("previus")


def test_values_that_are_written_or_called_like_it() -> None:
    plan = CATALOGUE.dimensions["user__plan"]
    assert nearest_values("Pro", plan, plan.values["demo"]) == ["pro"]
    assert nearest_values("professionals", plan, plan.values["demo"]) == ["pro"]
    assert nearest_values("fre", plan, plan.values["demo"]) == ["free"]
    assert nearest_values("'; DROP TABLE", plan, plan.values["demo"]) == []
