"""Every metric says by month what is counted by hand from the facts, and answers by every dimension it has."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.truths.asking import DAY, MONTH, PROJECTS, WEEK, Metrics
from tests.truths.conftest import LoadedWorld
from tests.truths.metric_facts import Facts
from tests.truths.metrics_by_hand import balances, by_hand

# These are compared with running sums: of what the simulator knows in test_metrics.py, of recurring revenue below.
BY_THE_DAYS_BEFORE = {
    "active_users_last_7_days",
    "cumulative_revenue",
    "revenue_month_to_date",
    "revenue_last_28_days",
    "orders_last_7_days",
    "sign_ups_growth_week",
    "sessions_growth_week",
    "revenue_growth_week",
    "revenue_growth_month",
    "mrr_growth_month",
    "mrr_since_month_begin",
}


def some(found: dict[str, Any]) -> dict[str, float]:
    """Without months of which nothing is told; zero is a value, but for what is counted no row is one as well."""
    return {name: float(value) for name, value in found.items() if value}


@pytest.mark.parametrize("project", PROJECTS)
def test_every_metric_is_what_is_counted_by_hand(metrics: Metrics, built: LoadedWorld, project: str) -> None:
    expected = by_hand(Facts(built, project))
    assert set(expected) == set(metrics.names) - BY_THE_DAYS_BEFORE
    wrong = {}
    told = 0
    for name, count in expected.items():
        found, by_the_hand = some(metrics.of(project, name, by=(MONTH,))), some(count())
        told += bool(found)
        if found != pytest.approx(by_the_hand, rel=1e-9):
            wrong[name] = (found, by_the_hand)
    assert wrong == {}
    assert told > 120


@pytest.mark.parametrize("project", PROJECTS)
def test_periods_of_any_length_add_up(metrics: Metrics, project: str) -> None:
    """By day, week, month and at once: what is counted is the same, whatever the periods."""
    for name in _added_up(metrics):
        sums = [
            sum(float(row[-1] or 0) for row in metrics.rows(project, name, by=(period,)))
            for period in (DAY, WEEK, MONTH)
        ]
        total = float(metrics.total(project, name) or 0)
        assert sums == pytest.approx([total] * 3), name


@pytest.mark.parametrize("project", PROJECTS)
def test_every_metric_has_one_value_per_period(metrics: Metrics, project: str) -> None:
    for name, metric in metrics.declared.items():
        for grain in set(metric.grains) & {"day", "week", "month"}:
            periods = [period for period, _ in metrics.rows(project, name, by=(f"metric_time__{grain}",))]
            assert len(set(periods)) == len(periods), (name, grain)
            assert periods or project != "demo", (name, grain)


@pytest.mark.parametrize("project", PROJECTS)
def test_recurring_revenue_of_each_day_and_what_it_grew(metrics: Metrics, built: LoadedWorld, project: str) -> None:
    paid = {row.local_date.isoformat(): row.revenue for row in balances(Facts(built, project))}
    assert metrics.of(project, "mrr", by=(DAY,)) == {day: float(amount) for day, amount in paid.items()}
    since = metrics.of(project, "mrr_since_month_begin", by=(DAY,))
    first = built.truths["projects"][project]["first_day"]
    assert some(since) == some({day: paid[day] - paid[day[:8] + "01"] for day in paid if day >= first})
    months = {day[:7]: amount for day, amount in paid.items()}
    names = list(months)
    grown = {now: (months[now] - months[last]) / months[last] for last, now in pairwise(names) if now >= first[:7]}
    found = {day[:7]: value for day, value in metrics.of(project, "mrr_growth_month", by=(MONTH,)).items()}
    assert some(found) == pytest.approx(some(grown))


def test_every_metric_answers_by_every_dimension(metrics: Metrics) -> None:
    """By all at once: joins neither lose a row nor have one twice."""
    added_up = set(_added_up(metrics))
    for name, metric in metrics.declared.items():
        by = tuple(
            f"{dimension}__day" if metrics.dimensions[dimension].kind == "time" else dimension
            for dimension in metric.dimensions
        )
        found = metrics.rows("demo", name, by=(*by, DAY))
        assert found, name
        if name in added_up:
            total = float(metrics.total("demo", name))
            assert sum(float(row[-1] or 0) for row in found) == pytest.approx(total), name


def _added_up(metrics: Metrics) -> list[str]:
    return [name for name, metric in metrics.declared.items() if metric.kind == "simple" and metric.adds_up]
