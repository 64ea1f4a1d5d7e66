"""What customers are worth: trained where their future is known, and per segment what the truths say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest

from ml.lifetime.buying import Buying
from ml.lifetime.model import LIFETIME, Lifetimes
from ml.lifetime.spending import Spending
from tests.truths.conftest import LoadedWorld
from tests.unit.ml.test_lifetime import BEGIN, customers
from warehouse.errors import MillraceError
from warehouse.settings import Settings

UNTIL = BEGIN + timedelta(days=300)
CRAFTED = "crafted_customers"


@pytest.fixture
def settings(built: LoadedWorld) -> Iterator[Settings]:
    with built.instance.active() as active:
        yield active


@pytest.fixture
def crafted(built: LoadedWorld) -> Iterator[list[tuple[str, date, float | None]]]:
    """Orders of 400 days in the marts, as if a build had made them, of which a model sees the first 300."""
    rows, client = customers("BG/NBD", 1500, 400), built.instance.client()
    client.insert(
        "marts.fct_orders",
        [
            (CRAFTED, who, day, Decimal(repr(round(amount or 0, 2))), str(n))
            for n, (who, day, amount) in enumerate(rows)
        ],
        column_names=("project_id", "person_id", "local_date", "revenue", "order_id"),
    )
    yield rows
    for table in ("marts.fct_orders", "ml.lifetime_values"):
        client.command(f"DELETE FROM {table} WHERE project_id = '{CRAFTED}'")


def test_what_is_predicted_comes_true(
    built: LoadedWorld, settings: Settings, crafted: list[tuple[str, date, float | None]]
) -> None:
    candidate = LIFETIME.train(settings, CRAFTED, UNTIL)
    judged = candidate.evaluation
    assert judged.window == (UNTIL - timedelta(days=59), UNTIL)
    assert judged.metrics["purchases_expected"] == pytest.approx(judged.metrics["purchases"], rel=0.1)
    assert all(judged.metrics["deviance"] < simpler["deviance"] for simpler in judged.baselines.values())
    again = LIFETIME.train(settings, CRAFTED, UNTIL)
    assert (again.model, again.data_version) == (candidate.model, candidate.data_version)

    known = {who for who, day, _ in crafted if day <= UNTIL}
    assert LIFETIME.predict(settings, CRAFTED, candidate.model, "7", UNTIL) == len(known)
    assert LIFETIME.predict(settings, CRAFTED, candidate.model, "7", UNTIL) == len(known)  # again: no row more
    earlier = UNTIL - timedelta(days=1)
    with pytest.raises(MillraceError, match=f"known as of {UNTIL} already, which is later than {earlier}"):
        LIFETIME.predict(settings, CRAFTED, candidate.model, "6", earlier)
    ((count, people, versions, days, value, worst),) = built.instance.rows(
        "SELECT count(), uniqExact(person_key), groupUniqArray(model_version), sum(expected_purchases_90_days), "
        "sum(expected_value_90_days), "
        "max(abs(expected_value_90_days - expected_purchases_90_days * expected_order_value)) "
        f"FROM marts.pred_lifetime_value WHERE project_id = '{CRAFTED}'",
        role="analyst",
    )
    assert (count, people, versions) == (len(known), len(known), ["7"])
    assert worst < 1e-9
    soon = [row for row in crafted if UNTIL < row[1] <= UNTIL + timedelta(days=90) and row[0] in known]
    assert days == pytest.approx(len({row[:2] for row in soon}), rel=0.1)
    assert value == pytest.approx(sum(amount or 0 for *_, amount in soon), rel=0.12)


def test_too_few_orders_change_nothing(built: LoadedWorld, settings: Settings) -> None:
    with pytest.raises(MillraceError, match="too few for lifetime values") as refused:
        LIFETIME.train(settings, "demo", date(2026, 6, 30))
    assert "What was predicted before stays" in refused.value.hint


@pytest.mark.parametrize("project", ["demo", "demo_mobile"])
def test_segments_agree_with_the_truths(built: LoadedWorld, settings: Settings, project: str) -> None:
    truth = built.truths["projects"][project]
    columns = (
        "customers, new_customers, revenue, expected_order_revenue_365_days, lifetime_value, acquisition_cost, cac"
    )
    found = {
        (dimension, segment): row
        for dimension, segment, *row in built.instance.rows(
            f"SELECT dimension, segment, {columns} FROM marts.agg_lifetime_by_segment WHERE project_id = '{project}'"
        )
    }
    customers, new, revenue, *_ = found["all", "all"]
    for dimension in ("channel", "country", "plan", "cohort month"):
        of = [row for (its, _), row in found.items() if its == dimension]
        assert [sum(row[n] for row in of) for n in (0, 1)] == [customers, new], dimension
        assert sum(row[2] for row in of) == pytest.approx(revenue), dimension
    won: Counter[str] = Counter()
    for channels in truth["marketing"]["new_customers_per_month_and_first_channel"].values():
        won.update(channels)
    assert +Counter({key[1]: row[1] for key, row in found.items() if key[0] == "channel"}) == +won
    for channel, costs in truth["marketing"]["spend_per_channel_and_day"].items():
        cost = float(sum(map(Decimal, costs)))
        if cost:
            row = found["channel", channel]
            assert row[5] == pytest.approx(cost)
            assert row[6] == (pytest.approx(cost / won[channel]) if won[channel] else None)
    # Nothing was predicted of these projects: then nothing is made up.
    assert {(row[3], row[4]) for row in found.values()} == {(None, None)}


def test_what_was_paid_is_orders_and_subscriptions(built: LoadedWorld, settings: Settings) -> None:
    ((paid,),) = built.instance.rows(
        "SELECT revenue FROM marts.agg_lifetime_by_segment WHERE project_id = 'demo' AND dimension = 'all'"
    )
    end = built.instance.rows("SELECT last_event_on + 1 FROM marts.dim_projects WHERE project_id = 'demo'")[0][0]
    orders = Decimal(built.truths["projects"]["demo"]["orders"]["completed"]["revenue"])
    stretches = built.instance.rows(
        "SELECT started_at, ended_at, monthly_revenue FROM marts.fct_subscriptions "
        f"WHERE project_id = 'demo' AND monthly_revenue IS NOT NULL AND started_at < '{end}'"
    )
    seconds = [
        (min(ended.date() if ended else end, end) - started.date()).days * 86400 * float(monthly)
        for started, ended, monthly in stretches
    ]
    # By whole days here, by seconds there.
    assert paid == pytest.approx(float(orders) + sum(seconds) / (365.25 / 12 * 86400), rel=0.02)


def test_the_command_says_what_is_not_known_yet(built: LoadedWorld) -> None:
    told = built.instance.json("lifetime", "--project", "demo", "--by", "plan", "--format", "json")
    assert {"free", "pro"} <= {one["segment"] for one in told["segments"]}
    shown = built.instance.run("lifetime", "--project", "demo", "--by", "all", COLUMNS="80")
    assert shown.returncode == 0
    assert "Next: millrace train lifetime" in shown.stdout
    assert max(map(len, shown.stdout.splitlines()[:4])) <= 80


def test_a_version_that_says_no_numbers_writes_nothing(
    built: LoadedWorld, settings: Settings, crafted: list[tuple[str, date, float | None]]
) -> None:
    broken = Lifetimes(Buying("BG/NBD", float("nan"), 6, 0.9, 2.5, 0), Spending(6, 4, 15, 0))
    with pytest.raises(MillraceError, match="nothing was written"):
        LIFETIME.predict(settings, CRAFTED, broken, "8", UNTIL)
    assert built.instance.rows(f"SELECT count() FROM ml.lifetime_values WHERE project_id = '{CRAFTED}'") == [(0,)]
