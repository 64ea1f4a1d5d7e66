"""What metrics say is what the simulator knows: exactly, by day and by the dimensions it knows."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import Any

import pytest

from tests.truths.asking import DAY, MONTH, PROJECTS, WEEK, Metrics
from tests.truths.conftest import LoadedWorld
from tests.truths.test_users_and_money import Customers

pytestmark = pytest.mark.parametrize("project", PROJECTS)
NAMED = {
    "sign_ups": "signed_up",
    "logins": "logged_in",
    "feature_uses": "feature_used",
    "searches": "search_performed",
    "invitations": "teammate_invited",
    "projects_created": "project_created",
    "onboarding_completions": "onboarding_completed",
    "trials_started": "trial_started",
    "subscriptions_started": "subscription_started",
    "cancellations": "subscription_cancelled",
    "failed_payments": "payment_failed",
    "support_tickets": "support_ticket_opened",
}


@pytest.fixture
def truth(built: LoadedWorld, project: str) -> dict[str, Any]:
    found: dict[str, Any] = built.truths["projects"][project]
    return found


def some(found: Mapping[Any, Any]) -> dict[Any, Any]:
    """Without what is nothing: a day without orders may have no row."""
    return {key: value for key, value in found.items() if value}


def money(amounts: Mapping[str, str]) -> dict[str, float]:
    return some({key: float(Decimal(amount)) for key, amount in amounts.items()})


def close(found: Mapping[Any, Any], expected: Mapping[Any, float]) -> bool:
    return found == pytest.approx(expected, rel=1e-9)


def sums(amounts: Mapping[str, Decimal], first_of: Any, last: int | None = None) -> dict[str, float]:
    """Running totals: of each day since the first of its period, or of so many days that end with it."""
    days = list(amounts)
    return {
        day: float(
            sum(
                amounts[other]
                for other in days[max(0, number - last + 1) if last else 0 : number + 1]
                if first_of(other) == first_of(day)
            )
        )
        for number, day in enumerate(days)
    }


def growth(series: Mapping[str, Any], before: Any) -> dict[str, float]:
    """Against the same some time before, where that is not nothing."""
    found = {}
    for day in series:
        earlier = series.get(before(day))
        if earlier:
            found[day] = float((series[day] - earlier) / earlier)
    return found


def a_week_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=7)).isoformat()


def test_events(metrics: Metrics, truth: dict[str, Any], project: str) -> None:
    events = truth["events"]
    assert metrics.total(project, "events") == events["counted"]
    assert some(metrics.of(project, "events", by=(DAY,))) == some(events["per_day"])
    assert metrics.of(project, "events", by=("event__name",)) == some(events["per_type"])
    hours = metrics.rows(project, "events", by=("metric_time__hour",))
    assert sum(count for _, count in hours) == events["counted"]
    assert sorted(count for _, count in hours) == sorted(filter(None, events["per_hour"]["counts"]))
    days = list(events["per_day"])
    for metric, event in NAMED.items():
        per_day = dict(zip(days, events["per_type_and_day"].get(event, [0] * len(days)), strict=True))
        assert some(metrics.of(project, metric, by=(DAY,))) == some(per_day), metric
    sign_ups = dict(zip(days, events["per_type_and_day"]["signed_up"], strict=True))
    grown = metrics.of(project, "sign_ups_growth_week", by=(DAY,))
    assert close({day: value for day, value in grown.items() if value is not None}, growth(sign_ups, a_week_before))


def test_active_people(metrics: Metrics, truth: dict[str, Any], project: str) -> None:
    activity = truth["activity"]
    for metric, key in (
        ("daily_active_users", "dau"),
        ("weekly_active_users", "wau"),
        ("monthly_active_users", "mau"),
        ("active_users", "dau"),
        ("active_users_last_7_days", "wau"),
    ):
        assert some(metrics.of(project, metric, by=(DAY,))) == some(activity[key]), metric
    dau, wau, mau = (list(activity[key].values()) for key in ("dau", "wau", "mau"))
    assert metrics.total(project, "active_users") == truth["identity"]["people"]
    assert metrics.total(project, "monthly_active_users") == mau[-1]
    assert metrics.total(project, "weekly_active_users") == wau[-1]
    known = len(list(filter(None, mau)))  # before anybody is active there is nothing to take the average of
    assert metrics.total(project, "daily_active_users") == pytest.approx(sum(dau) / known)
    sticky = {day: d / m for day, d, m in zip(activity["dau"], dau, mau, strict=True) if m}
    assert close(metrics.of(project, "stickiness", by=(DAY,)), sticky)
    sticky = {day: d / w for day, d, w in zip(activity["dau"], dau, wau, strict=True) if w}
    assert close(some(metrics.of(project, "weekly_stickiness", by=(DAY,))), some(sticky))


def test_new_and_returning_people(metrics: Metrics, truth: dict[str, Any], project: str) -> None:
    weeks = truth["activity"]["lifecycle_per_week"]
    new = {week: numbers["new"] for week, numbers in weeks.items()}
    back = {week: numbers["returning"] + numbers["resurrecting"] for week, numbers in weeks.items()}
    assert some(metrics.of(project, "new_users", by=(WEEK,))) == some(new)
    assert some(metrics.of(project, "returning_users", by=(WEEK,))) == some(back)
    channels = metrics.of(project, "new_users", by=("acquisition__channel",))
    assert channels.pop("unknown", 0) == truth["identity"]["people"] - sum(channels.values())
    assert channels == some(truth["marketing"]["people_by_first_channel"])
    # The same people by the first session of theirs, asked of what they did.
    assert some(metrics.of(project, "active_users", by=("acquisition__channel",))) == metrics.of(
        project, "new_users", by=("acquisition__channel",)
    )


def test_sessions(metrics: Metrics, truth: dict[str, Any], project: str) -> None:
    sessions = truth["sessions"]
    count = sessions["count"]
    assert some(metrics.of(project, "sessions", by=(DAY,))) == some(sessions["per_day"])
    assert metrics.of(project, "sessions", by=("session__channel",)) == some(sessions["per_channel"])
    assert some(metrics.of(project, "converted_sessions", by=("session__channel",))) == some(
        sessions["converted_per_channel"]
    )
    in_sessions = sum(int(events) * times for events, times in sessions["events_per_session"].items())
    expected = {
        "sessions": count,
        "engaged_sessions": sessions["engaged"],
        "bounced_sessions": sessions["bounced"],
        "converted_sessions": sessions["converted"],
        "engagement_rate": sessions["engaged"] / count,
        "bounce_rate": sessions["bounced"] / count,
        "session_conversion_rate": sessions["converted"] / count,
        "session_duration": sessions["duration_ms"] / 1000 / count,
        "views_per_session": sessions["views"] / count,
        "events_per_session": in_sessions / count,
    }
    assert dict(zip(expected, metrics.rows(project, *expected)[0], strict=True)) == pytest.approx(expected)
    grown = metrics.of(project, "sessions_growth_week", by=(DAY,))
    assert close(
        {day: value for day, value in grown.items() if value is not None}, growth(sessions["per_day"], a_week_before)
    )


def test_retention_leaves_out_whom_nobody_can_know_yet(metrics: Metrics, truth: dict[str, Any], project: str) -> None:
    retention = truth["retention"]["daily_any_first_ever_on"]
    compared = 0
    for age, metric in ((1, "retention_d1"), (7, "retention_d7"), (30, "retention_d30")):
        found = metrics.of(project, metric, by=(DAY,))
        for cohort in retention["cohorts"]:
            returned = cohort["returned_after_1_and_more"]
            if cohort["size"] and len(returned) >= age:
                assert found[cohort["period"]] == pytest.approx(returned[age - 1] / cohort["size"]), (metric, cohort)
                compared += 1
        last = date.fromisoformat(truth["last_day"])
        unknown = {(last - timedelta(days=n)).isoformat() for n in range(age)}
        assert {found[day] for day in unknown & set(found)} <= {None}
    assert compared > 30


def test_orders_and_revenue(metrics: Metrics, truth: dict[str, Any], project: str) -> None:
    completed, refunded = truth["orders"]["completed"], truth["orders"]["refunded"]
    assert some(metrics.of(project, "orders", by=(DAY,))) == some(completed["per_day"])
    assert close(some(metrics.of(project, "revenue", by=(DAY,))), money(completed["revenue_per_day"]))
    assert some(metrics.of(project, "refunds", by=(DAY,))) == some(refunded["per_day"])
    assert close(some(metrics.of(project, "refunded_revenue", by=(DAY,))), money(refunded["revenue_per_day"]))
    sent = {currency: its["count"] for currency, its in completed["per_currency"].items()}
    assert metrics.of(project, "orders", by=("order__currency",)) == some(sent)
    revenue, back = Decimal(completed["revenue"]), Decimal(refunded["revenue"])
    expected = {
        "revenue": float(revenue),
        "net_revenue": float(revenue - back),
        "refund_rate": refunded["count"] / completed["count"],
        "average_order_value": float(revenue) / (completed["count"] - completed["without_rate"]),
        "cumulative_revenue": float(revenue),
    }
    assert {metric: metrics.total(project, metric) for metric in expected} == pytest.approx(expected)
    bought = metrics.of(project, "product_orders", by=("product__id",))
    assert bought == some(truth["recommendations"]["orders_per_product"])


def test_running_totals_and_growth_of_revenue(metrics: Metrics, truth: dict[str, Any], project: str) -> None:
    amounts = {day: Decimal(amount) for day, amount in truth["orders"]["completed"]["revenue_per_day"].items()}
    orders = {day: Decimal(count) for day, count in truth["orders"]["completed"]["per_day"].items()}

    def same(_: str) -> str:
        return ""

    for metric, expected in (
        ("cumulative_revenue", sums(amounts, same)),
        ("revenue_month_to_date", sums(amounts, lambda day: day[:7])),
        ("revenue_last_28_days", sums(amounts, same, 28)),
        ("orders_last_7_days", sums(orders, same, 7)),
    ):
        found = metrics.of(project, metric, by=(DAY,))
        assert close(some(found), some(expected)), metric
        if metric != "cumulative_revenue":
            assert metrics.declared[metric].grains == ("day",), "a longer period may end with a day that has no row"
    so_far = {day[:7]: total for day, total in sums(amounts, same).items()}
    months = {month[:7]: total for month, total in metrics.of(project, "cumulative_revenue", by=(MONTH,)).items()}
    assert close(some(months), some(so_far))
    grown = metrics.of(project, "revenue_growth_week", by=(DAY,))
    assert close({d: v for d, v in grown.items() if v is not None}, growth(amounts, a_week_before))
    of_months: dict[str, Decimal] = defaultdict(Decimal)
    for day, amount in amounts.items():
        of_months[day[:7] + "-01"] += amount
    grown = metrics.of(project, "revenue_growth_month", by=(MONTH,))

    def a_month_before(day: str) -> str:
        return (date.fromisoformat(day) - timedelta(days=1)).isoformat()[:8] + "01"

    assert close({d: v for d, v in grown.items() if v is not None}, growth(of_months, a_month_before))


def test_recurring_revenue(metrics: Metrics, truth: dict[str, Any], project: str) -> None:
    months = {f"{month}-01": numbers for month, numbers in truth["recurring_revenue"].items()}
    names = ("mrr", "subscribers", "mrr_at_start", "net_new_mrr", "arr", "arpa")
    found = metrics.of(project, *names, by=(MONTH,))
    for month, numbers in months.items():
        start, end = Decimal(numbers["start"]), Decimal(numbers["end"])
        assert found[month] == pytest.approx(
            [
                float(end),
                numbers["subscribers"],
                float(start),
                float(end - start),
                float(end * 12),
                float(end / numbers["subscribers"]),
            ]
        ), month
    # What cancels out within a month is none of the month's movements, but it is one of the days'.
    gained = {"new_mrr": "new", "expansion_mrr": "expansion", "reactivation_mrr": "reactivation"}
    lost = {"churned_mrr": "churned", "contraction_mrr": "contraction"}
    moved = metrics.of(project, *gained, *lost, by=(MONTH,))
    for month, numbers in months.items():
        parts = dict(zip((*gained, *lost), moved.get(month, [0] * 5), strict=True))
        net = sum(parts[name] for name in gained) - sum(parts[name] for name in lost)
        assert net == pytest.approx(float(Decimal(numbers["end"]) - Decimal(numbers["start"]))), month
        assert parts["churned_mrr"] >= float(numbers["churned"]), month


def test_spend_and_what_a_customer_costs(
    metrics: Metrics, built: LoadedWorld, truth: dict[str, Any], project: str
) -> None:
    marketing = truth["marketing"]
    campaigns = metrics.of(project, "marketing_spend", by=("acquisition__campaign",))
    assert close(some(campaigns), money(marketing["spend_per_campaign"]))
    days = list(truth["sessions"]["per_day"])
    spent: dict[tuple[str, str], Decimal] = {}
    for channel, costs in marketing["spend_per_channel_and_day"].items():
        spent |= {(channel, day): Decimal(cost) for day, cost in zip(days, costs, strict=True)}
    found = metrics.of(project, "marketing_spend", by=("acquisition__channel", DAY))
    assert close(some(found), some({key: float(cost) for key, cost in spent.items()}))
    with (built.folder / "sources" / "marketing_spend.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["project_id"] == project]
    shown, clicked = (sum(int(row[name]) for row in rows) for name in ("impressions", "clicks"))
    assert metrics.rows(project, "impressions", "clicks") == [[shown, clicked]]
    customers = marketing["new_customers_per_month_and_first_channel"]
    won = metrics.of(project, "new_customers", by=(MONTH, "acquisition__channel"))
    cost = metrics.of(project, "cac", by=(MONTH, "acquisition__channel"))
    for month, channels in customers.items():
        for channel, count in some(channels).items():
            # Whose events do not count has no first session.
            key = (f"{month}-01", None if channel == "unknown" else channel)
            assert won[key] == count, key
            costs = sum(
                (amount for (its, day), amount in spent.items() if its == channel and day[:7] == month), Decimal()
            )
            assert cost[key] == (pytest.approx(float(costs) / count) if costs else None), key


def test_experiments(metrics: Metrics, truth: dict[str, Any], project: str) -> None:
    by = ("experiment__name", "experiment__variant")
    goals = {
        "signed_up": "experiment_sign_up_rate",
        "onboarding_completed": "experiment_activation_rate",
        "order_completed": "experiment_order_rate",
    }
    seen = metrics.of(project, "exposed_users", by=by)
    expected = {}
    for name, experiment in truth["experiments"].items():
        rates = metrics.of(project, goals[experiment["goal"]], by=by)
        for variant, arm in experiment["arms"].items():
            if arm["exposed"]:
                expected[name, variant] = arm["exposed"]
                assert rates[name, variant] == pytest.approx(arm["reached_goal"] / arm["exposed"]), (name, variant)
    assert seen == expected


def test_errors_and_load_times(metrics: Metrics, truth: dict[str, Any], project: str) -> None:
    quality = truth["quality"]
    assert some(metrics.of(project, "errors", by=(DAY,))) == some(quality["errors_per_day"])
    loads = some(quality["loads_per_day"])
    assert some(metrics.of(project, "timed_page_views", by=(DAY,))) == loads
    times = {day: quality["load_ms_per_day"][day] / count for day, count in loads.items()}
    assert close(some(metrics.of(project, "page_load_time", by=(DAY,))), times)


def test_what_was_received(metrics: Metrics, built: LoadedWorld, truth: dict[str, Any], project: str) -> None:
    load = built.truths["load"]
    faults = load["faults"].values()
    accepted = load["accepted"][project] + sum(file["accepted"].get(project, 0) for file in faults)
    # The lines that repeat an event without consent are not kept, as the event is not.
    stored = sum(truth["events"]["distinct_per_type"].values())
    found = metrics.rows(project, "events_accepted", "repeated_events", "sound_events")
    assert found == [[accepted, accepted - stored, stored]]


def test_answers(metrics: Metrics, built: LoadedWorld, project: str) -> None:
    with (built.folder / "sources" / "nps_answers.csv").open(newline="") as file:
        scores = [int(row["score"]) for row in csv.DictReader(file) if row["project_id"] == project]
    promoters, detractors = sum(score >= 9 for score in scores), sum(score <= 6 for score in scores)
    expected = [len(scores), promoters, detractors, (promoters - detractors) * 100 / len(scores)]
    found = metrics.rows(project, "nps_answers", "nps_promoters", "nps_detractors", "nps")
    assert found[0] == pytest.approx(expected)
    assert metrics.of(project, "nps_answers", by=("answer__score",)) == {
        str(score): scores.count(score) for score in set(scores)
    }


def known_at_orders(built: LoadedWorld, project: str) -> Iterator[str | None]:
    """The plan of each order's buyer when they ordered, by the CRM's own file; none of strangers."""
    customers = Customers.of(built)
    users = {row["user_id"] for row in customers.rows if row["project_id"] == project}
    for person, at in built.instance.rows(
        "SELECT person_id, concat(replace(toString(ordered_at), ' ', 'T'), 'Z') FROM marts.fct_orders "
        f"WHERE project_id = '{project}'"
    ):
        yield customers.known_at(project, person, at)["plan"] if person in users else None


def test_a_plan_is_that_of_its_time(metrics: Metrics, built: LoadedWorld, project: str) -> None:
    expected: dict[str | None, int] = defaultdict(int)
    for plan in known_at_orders(built, project):
        expected[plan] += 1
    assert len(expected) > 2
    assert metrics.of(project, "orders", by=("user__plan",)) == expected
    assert list(accumulate(metrics.of(project, "orders", by=("user__plan",)).values()))[-1] == metrics.total(
        project, "orders"
    )
