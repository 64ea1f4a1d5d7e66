"""Rules about metrics find what plain SQL finds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from monitoring.alerts.conditions import Finding
from monitoring.alerts.conditions.metrics import check_rule, metric_findings
from monitoring.alerts.rules import ChangeRule, ThresholdRule
from semantic_layer.metrics.catalogue import load_catalogue
from semantic_layer.reader import Reader
from tests.truths.conftest import LoadedWorld
from warehouse.errors import WrongUsage
from warehouse.settings import Settings


class Rules:
    def __init__(self, settings: Settings, world: LoadedWorld) -> None:
        self.settings, self.world = settings, world
        self.catalogue, self.reader = load_catalogue(settings), Reader(settings)
        ((self.last,),) = world.instance.rows("SELECT max(local_date) FROM marts.fct_orders WHERE project_id = 'demo'")
        self.now = datetime.combine(self.last + timedelta(days=1), time(12), UTC)

    def find(self, model: Any, now: datetime | None = None, **rule: Any) -> list[Finding]:
        made = model.model_validate({"owner": "team", "projects": ["demo"], **rule})
        return list(metric_findings(self.settings, "rule", made, self.catalogue, self.reader, now or self.now))

    def orders(self, days_before: int, where: str = "true") -> int:
        day = self.last - timedelta(days=days_before)
        sql = f"SELECT count() FROM marts.fct_orders WHERE project_id = 'demo' AND local_date = '{day}' AND {where}"
        return int(self.world.instance.rows(sql)[0][0])


@pytest.fixture(scope="module")
def rules(built: LoadedWorld) -> Iterator[Rules]:
    with built.instance.active() as settings:
        yield Rules(settings, built)


def test_a_threshold_is_that_of_the_last_day(rules: Rules) -> None:
    there = rules.orders(0)
    assert there > 0
    rule = {"kind": "threshold", "metric": "orders"}
    (found,) = rules.find(ThresholdRule, **rule, above=there - 0.5)
    assert (found.key, found.value) == ("rule/demo/-", float(there))
    assert found.points[-1] == (str(rules.last), float(there))
    assert rules.find(ThresholdRule, **rule, above=there) == []


def test_a_day_without_orders_has_none(rules: Rules) -> None:
    quiet = rules.world.instance.rows(
        "SELECT local_date FROM marts.dim_dates WHERE local_date BETWEEN '2026-02-01' AND '2026-06-01' AND local_date "
        "NOT IN (SELECT local_date FROM marts.fct_orders WHERE project_id = 'demo') ORDER BY local_date LIMIT 1"
    )[0][0]
    at = datetime.combine(quiet + timedelta(days=1), time(12), UTC)
    (found,) = rules.find(ThresholdRule, at, kind="threshold", metric="orders", below=1)
    assert found.value == 0.0
    assert found.points[-1][0] < str(quiet)


def test_a_rule_is_of_each_segment(rules: Rules) -> None:
    rule = {"kind": "threshold", "metric": "orders", "by": ["order__has_coupon"], "above": 0}
    found = {one.subject: one.value for one in rules.find(ThresholdRule, **rule)}
    by_hand = {
        f"order__has_coupon={word}": float(rules.orders(0, f"{sign}(coupon = '')"))
        for word, sign in (("yes", "NOT "), ("no", ""))
    }
    assert found == {subject: orders for subject, orders in by_hand.items() if orders}


def test_a_change_is_against_so_many_weeks_before(rules: Rules) -> None:
    sql = "SELECT toMonday(local_date), count() FROM marts.fct_orders WHERE project_id = 'demo' GROUP BY 1"
    orders: dict[Any, int] = dict(rules.world.instance.rows(sql))
    earlier, week = min((a, b) for a in orders for b in orders if a < b and orders[a] < orders[b])
    at, rise = datetime.combine(week + timedelta(days=7), time(12), UTC), 100 * (orders[week] / orders[earlier] - 1)
    rule = {"kind": "change", "metric": "orders", "grain": "week", "against": (week - earlier).days // 7}
    (found,) = rules.find(ChangeRule, at, **rule, rises_by=f"{rise - 1:.4f}%")
    assert found.value == float(orders[week])
    assert f"more than {orders[earlier]} on {earlier}" in found.summary
    assert rules.find(ChangeRule, at, **rule, rises_by=f"{rise + 1:.4f}%") == []


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"metric": "ordrs"}, "orders"),
        ({"metric": "orders", "by": ["user__contry"]}, "user__country"),
        ({"metric": "orders", "where": ["user__country >"]}, "user__country"),
    ],
)
def test_a_word_that_is_none_is_told(rules: Rules, rule: dict[str, Any], told: str) -> None:
    made = ThresholdRule.model_validate({"kind": "threshold", "owner": "team", "above": 1, **rule})
    with pytest.raises(WrongUsage, match=told):
        check_rule(made, rules.catalogue)
