"""Arithmetic that must hold inside truths.json, whatever the world."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

PROJECTS = ("demo", "demo_mobile")


@pytest.fixture(params=PROJECTS)
def project(request: pytest.FixtureRequest, truths: Any) -> Any:
    return truths["projects"][request.param]


def test_received_is_distinct_and_repeated(truths: Any) -> None:
    for name, project in truths["projects"].items():
        repeated = sum(truths["load"]["repeated"][name].values())
        received = truths["load"]["accepted"][name] + truths["load"]["withheld"][name]
        assert received == project["events"]["distinct"] + repeated
        assert truths["load"]["withheld"][name] >= project["events"]["left_out"]["no_consent"] > 0
    load = truths["load"]
    assert load["received"] == sum(load["accepted"].values()) + load["rejected"]["no_consent"]
    assert load["rejected"] == {"no_consent": sum(load["withheld"].values())}


def test_events(project: Any) -> None:
    events = project["events"]
    assert events["distinct"] == events["counted"] + sum(events["left_out"].values())
    assert events["distinct"] == sum(events["distinct_per_type"].values()) + events["left_out"]["no_consent"]
    assert events["counted"] == sum(events["per_type"].values())
    assert events["counted"] == sum(events["per_day"].values()) == sum(events["per_hour"]["counts"])
    for name, per_day in events["per_type_and_day"].items():
        assert sum(per_day) == events["per_type"][name]
    assert len(events["per_day"]) == 180


def test_people(project: Any) -> None:
    identity = project["identity"]
    assert identity["people"] == identity["known_users"] + identity["strangers"]
    assert identity["anonymous_ids"] == identity["anonymous_ids_of_users"] + identity["strangers"]


def test_sessions(project: Any) -> None:
    sessions = project["sessions"]
    assert sessions["count"] == sum(sessions["per_day"].values()) == sum(sessions["per_channel"].values())
    assert sessions["count"] == sum(sessions["events_per_session"].values())
    assert sessions["converted"] == sum(sessions["converted_per_channel"].values())
    sizes = sum(int(size) * count for size, count in sessions["events_per_session"].items())
    assert sizes == project["events"]["counted"], "no session of this world is longer than the table of sizes"


def test_activity(project: Any) -> None:
    activity, people = project["activity"], project["identity"]["people"]
    for day, dau in activity["dau"].items():
        assert dau <= activity["wau"][day] <= activity["mau"][day] <= people
    weeks = list(activity["lifecycle_per_week"].values())
    active = [week["new"] + week["returning"] + week["resurrecting"] for week in weeks]
    assert sum(week["new"] for week in weeks) == people
    for before, now, week in zip(active, active[1:], weeks[1:], strict=False):
        assert before - week["dormant"] == week["returning"] <= now


def test_funnels(project: Any) -> None:
    funnels = project["funnels"]
    for name, funnel in funnels.items():
        users = funnel["users"]
        assert users == sorted(users, reverse=True), name
        for dimension in ("by_country", "by_device"):
            if dimension in funnel:
                parts = [*funnel[dimension].values(), [0] * len(users)]
                assert [sum(step) for step in zip(*parts, strict=True)] == users, (name, dimension)
        if "histogram" in funnel:
            assert sum(bar["users"] for bar in funnel["histogram"]) == users[-1], name
            trend = funnel["trend_per_day"]
            assert sum(trend["entered"]) >= users[0] and sum(trend["converted"]) >= users[-1], name
            assert all(c <= e for c, e in zip(trend["converted"], trend["entered"], strict=True)), name
    for base in ("signup", "purchase", "activation"):
        strict, plain = funnels[f"{base}_strict"]["users"], funnels[f"{base}_ordered"]["users"]
        assert all(s <= p for s, p in zip(strict, plain, strict=True))
        assert all(u >= p for u, p in zip(funnels[f"{base}_unordered"]["users"], plain, strict=True))
    clean = funnels["purchase_without_product_removed"]["users"]
    assert all(c <= p for c, p in zip(clean, funnels["purchase_ordered"]["users"], strict=True))


def test_retention(project: Any) -> None:
    tables = project["retention"]
    for name, table in tables.items():
        for cohort in table["cohorts"]:
            returned = cohort["returned_after_1_and_more"]
            assert all(0 <= count <= cohort["size"] for count in returned), name
            if name.endswith("on_or_after"):
                assert returned == sorted(returned, reverse=True), name
    sizes = {
        kind: sum(c["size"] for c in tables[f"weekly_any_{kind}_on"]["cohorts"])
        for kind in ("recurring", "first_time", "first_ever")
    }
    assert sizes["first_ever"] <= sizes["first_time"] <= sizes["recurring"]


def test_recurring_revenue(project: Any) -> None:
    previous = None
    for month in project["recurring_revenue"].values():
        money = {key: Decimal(value) for key, value in month.items() if key != "subscribers"}
        gained = money["new"] + money["reactivation"] + money["expansion"]
        assert money["start"] + gained - money["contraction"] - money["churned"] == money["end"]
        assert previous is None or money["start"] == previous
        previous = money["end"]


def test_orders(project: Any) -> None:
    for name in ("completed", "refunded"):
        orders = project["orders"][name]
        assert orders["count"] == sum(orders["per_day"].values())
        assert orders["count"] == sum(one["count"] for one in orders["per_currency"].values())
        assert Decimal(orders["revenue"]) == sum(map(Decimal, orders["revenue_per_day"].values()))
    assert project["orders"]["completed"]["count"] == project["events"]["per_type"]["order_completed"]


def test_spend(project: Any) -> None:
    marketing = project["marketing"]
    assert Decimal(marketing["spend"]) == sum(map(Decimal, marketing["spend_per_campaign"].values()))
    per_channel = marketing["spend_per_channel_and_day"]
    assert Decimal(marketing["spend"]) == sum(Decimal(cost) for costs in per_channel.values() for cost in costs)
    assert sum(marketing["people_by_first_channel"].values()) == project["identity"]["people"]


def test_anomalies_lie_in_the_world(project: Any) -> None:
    for anomaly in project["anomalies"]:
        assert project["first_day"] <= anomaly["first_day"] <= anomaly["last_day"] <= project["last_day"]
        assert anomaly["start"] < anomaly["end"]


def test_experiments(project: Any) -> None:
    for experiment in project["experiments"].values():
        for arm in experiment["arms"].values():
            assert arm["reached_goal_in_14_days"] <= arm["reached_goal"] <= arm["exposed"]


def test_quality(project: Any) -> None:
    quality, events = project["quality"], project["events"]
    assert sum(quality["errors_per_day"].values()) == events["per_type"]["error_occurred"]
    views = events["per_type"].get("page_viewed", 0) + events["per_type"]["screen_viewed"]
    assert 0 < sum(quality["loads_per_day"].values()) <= views


def test_forecast_is_continued_beyond_the_world(project: Any) -> None:
    means = list(project["forecast"]["new_people_per_day"].values())
    assert len(means) == 180 + 90
    assert means[-7] / means[-14] == pytest.approx(1 + project["forecast"]["weekly_growth"], rel=1e-4)
