"""Orders, subscriptions, campaigns and the history of users: to the cent what the simulator knows."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.truths.conftest import LoadedWorld

PROJECTS = ("demo", "demo_mobile")


def money(amounts: dict[str, str]) -> dict[str, Decimal]:
    return {name: Decimal(amount) for name, amount in amounts.items() if Decimal(amount)}


def per_day(built: LoadedWorld, project: str, columns: str, table: str = "fct_business_metrics") -> dict[str, Any]:
    rows = built.instance.rows(
        f"SELECT toString(local_date), {columns} FROM marts.{table} WHERE project_id = '{project}' GROUP BY 1"
    )
    return {day: values[0] if len(values) == 1 else values for day, *values in rows}


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize(
    ("kind", "table", "revenue"),
    [("completed", "fct_orders", "revenue"), ("refunded", "fct_refunds", "refunded_revenue")],
)
def test_orders_and_refunds_are_those_of_the_truths(
    built: LoadedWorld, project: str, kind: str, table: str, revenue: str
) -> None:
    truth = built.truths["projects"][project]["orders"][kind]
    counts = per_day(built, project, "count()", table)
    assert counts == {day: count for day, count in truth["per_day"].items() if count}
    converted = per_day(built, project, f"sum(ifNull({revenue}, 0))", table)
    assert {day: amount for day, amount in converted.items() if amount} == money(truth["revenue_per_day"])
    as_sent = built.instance.rows(
        f"SELECT currency, count(), sum(amount) FROM marts.{table} WHERE project_id = '{project}' GROUP BY 1"
    )
    assert {currency: (count, amount) for currency, count, amount in as_sent} == {
        currency: (sent["count"], Decimal(sent["revenue"])) for currency, sent in truth["per_currency"].items()
    }
    assert built.instance.rows(
        f"SELECT count(), countIf({revenue} IS NULL), ifNull(sum({revenue}), 0) FROM marts.{table} "
        f"WHERE project_id = '{project}'"
    ) == [(truth["count"], truth["without_rate"], Decimal(truth["revenue"]))]


@pytest.mark.parametrize("project", PROJECTS)
def test_products_were_ordered_as_often_as_the_truths_say(built: LoadedWorld, project: str) -> None:
    truth = built.truths["projects"][project]["recommendations"]["orders_per_product"]
    found = built.instance.rows(
        "SELECT products.product_id, uniqExact(order_key) FROM marts.fct_order_items AS items "
        f"INNER JOIN marts.dim_products AS products USING (product_key) WHERE items.project_id = '{project}' GROUP BY 1"
    )
    assert dict(found) == {product: orders for product, orders in truth.items() if orders}


@pytest.mark.parametrize("project", PROJECTS)
def test_the_days_of_the_business_are_those_of_the_truths(built: LoadedWorld, project: str) -> None:
    truth = built.truths["projects"][project]
    days = list(truth["sessions"]["per_day"])
    found = per_day(
        built,
        project,
        "any(events), any(daily_active_users), any(sessions), any(sign_ups), any(orders), any(revenue), any(refunds), "
        "any(refunded_revenue), any(marketing_cost)",
    )
    assert set(found) <= set(days)
    sign_ups = truth["events"]["per_type_and_day"]["signed_up"]
    per_channel = truth["marketing"]["spend_per_channel_and_day"].values()
    spend = [sum(map(Decimal, costs)) for costs in zip(*per_channel, strict=True)]
    completed, refunded = truth["orders"]["completed"], truth["orders"]["refunded"]
    nothing = [0] * 9
    assert {day: [found.get(day, nothing)[n] for n in range(9)] for day in days} == {
        day: [
            truth["events"]["per_day"][day],
            truth["activity"]["dau"][day],
            truth["sessions"]["per_day"][day],
            sign_ups[number],
            completed["per_day"][day],
            Decimal(completed["revenue_per_day"][day]),
            refunded["per_day"][day],
            Decimal(refunded["revenue_per_day"][day]),
            spend[number],
        ]
        for number, day in enumerate(days)
    }


@pytest.mark.parametrize("project", PROJECTS)
def test_recurring_revenue_and_its_movements_are_those_of_the_truths(built: LoadedWorld, project: str) -> None:
    truth = built.truths["projects"][project]["recurring_revenue"]
    names = ("start", "end", "new", "reactivation", "expansion", "contraction", "churned")
    rows = built.instance.rows(
        f"SELECT formatDateTime(month, '%Y-%m'), subscribers, {', '.join(f'{name}_revenue' for name in names)} "
        f"FROM marts.agg_monthly_recurring_revenue WHERE project_id = '{project}'"
    )
    found = {month: (subscribers, *amounts) for month, subscribers, *amounts in rows}
    assert {month: found[month] for month in truth} == {
        month: (numbers["subscribers"], *(Decimal(numbers[name]) for name in names)) for month, numbers in truth.items()
    }
    # The same balance stands on the last day of each month.
    of_days = built.instance.rows(
        "SELECT formatDateTime(local_date, '%Y-%m'), "
        "argMax(recurring_revenue, local_date), argMax(subscribers, local_date) "
        f"FROM marts.fct_business_metrics WHERE project_id = '{project}' GROUP BY 1"
    )
    assert {month: (amount, count) for month, amount, count in of_days if month in truth} == {
        month: (Decimal(numbers["end"]), numbers["subscribers"]) for month, numbers in truth.items()
    }


@pytest.mark.parametrize("project", PROJECTS)
def test_campaigns_cost_what_the_truths_say(built: LoadedWorld, project: str) -> None:
    truth = built.truths["projects"][project]["marketing"]
    costs = built.instance.rows(
        "SELECT campaign_name, sum(cost) FROM marts.fct_marketing_spend "
        f"WHERE project_id = '{project}' GROUP BY 1 HAVING sum(cost) > 0"
    )
    assert dict(costs) == money(truth["spend_per_campaign"])
    channels = built.instance.rows(
        "SELECT channel, sum(cost) FROM marts.fct_marketing_spend "
        f"WHERE project_id = '{project}' GROUP BY 1 HAVING sum(cost) > 0"
    )
    assert dict(channels) == {
        channel: total
        for channel, amounts in truth["spend_per_channel_and_day"].items()
        if (total := sum(map(Decimal, amounts)))
    }


def test_users_have_the_history_of_the_truths(built: LoadedWorld) -> None:
    truth = pq.read_table(built.folder / "truths" / "user_history.parquet").to_pylist()
    expected: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for row in sorted(truth, key=lambda row: row["valid_from"]):
        versions = expected.setdefault((row["project_id"], row["user_id"]), [])
        # What was known first holds from the beginning.
        begin = row["valid_from"].replace(tzinfo=None).isoformat() if versions else "1970-01-01T00:00:00"
        versions.append((begin, row["plan"], row["country"], row["tier"]))
    found: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for project, user, valid_from, *known in built.instance.rows(
        "SELECT project_id, person_id, valid_from, plan, country, tier FROM marts.dim_users "
        "WHERE person_key != 0 ORDER BY project_id, person_id, valid_from"
    ):
        versions = found.setdefault((project, user), [])
        if not versions or versions[-1][1:] != tuple(known):  # a company or a role makes versions as well
            versions.append((valid_from.isoformat(), *known))
    assert {key: found[key] for key in expected} == expected
    assert set(found) == set(expected)


@dataclass(frozen=True)
class Customers:
    """The CRM's own file, read by plain Python."""

    rows: list[dict[str, str]]

    @classmethod
    def of(cls, built: LoadedWorld) -> Customers:
        with (built.folder / "sources" / "customers.csv").open(newline="") as file:
            return cls(sorted(csv.DictReader(file), key=lambda row: row["updated_at"]))

    def known_at(self, project: str, user: str, instant: str) -> dict[str, str]:
        own = [row for row in self.rows if (row["project_id"], row["user_id"]) == (project, user)]
        return ([row for row in own if row["updated_at"] <= instant] or own[:1])[-1]


ORDERED_AT = "concat(replace(toString(ordered_at), ' ', 'T'), 'Z')"


def test_an_order_knows_the_plan_of_its_time(built: LoadedWorld) -> None:
    customers = Customers.of(built)
    orders = built.instance.rows(
        f"SELECT orders.project_id, orders.person_id, {ORDERED_AT}, plan, tier, users.country "
        "FROM marts.fct_orders AS orders INNER JOIN marts.dim_users AS users USING (user_version_key) "
        "WHERE user_version_key != 0"
    )
    assert len(orders) > 20
    for project, person, ordered_at, *found in orders:
        known = customers.known_at(project, person, ordered_at)
        assert found == [known["plan"], known["tier"], known["country"]], (project, person, ordered_at)


@pytest.mark.parametrize("project", PROJECTS)
def test_a_step_may_ask_for_the_plan_of_its_time(built: LoadedWorld, project: str) -> None:
    customers = Customers.of(built)
    buyers: dict[str, set[str]] = {}
    for person, ordered_at in built.instance.rows(
        f"SELECT person_id, {ORDERED_AT} FROM marts.fct_orders WHERE project_id = '{project}' AND user_version_key != 0"
    ):
        buyers.setdefault(customers.known_at(project, person, ordered_at)["plan"], set()).add(person)
    assert len(buyers) > 1
    for plan in ("free", "pro", "enterprise"):
        step = f"order_completed[user.plan={plan}]"
        answer = built.instance.json("funnel", "--project", project, "--step", step, "--step", "*")
        assert answer["steps"][0]["users"] == len(buyers.get(plan, ())), plan


def test_answers_of_the_survey_are_those_that_were_given(built: LoadedWorld) -> None:
    with (built.folder / "sources" / "nps_answers.csv").open(newline="") as file:
        given = sorted((row["project_id"], row["user_id"], int(row["score"])) for row in csv.DictReader(file))
    assert given
    found = built.instance.rows("SELECT project_id, person_id, score FROM marts.fct_nps_answers ORDER BY ALL")
    assert found == given
