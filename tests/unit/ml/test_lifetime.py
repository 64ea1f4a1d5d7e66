"""Customers' lifetimes: published parameters, customers whose future is known, and what cannot be."""

from __future__ import annotations

import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.lifetime import PUBLISHED, WEEKS, read_cdnow, split
from ml.lifetime.buying import Buying, Kind, fit_buying, likeliest_buying
from ml.lifetime.histories import Histories, histories_at, purchases_between, purchases_of
from ml.lifetime.model import LIFETIME, Lifetimes, by_purchases, compared, fit, judge
from ml.lifetime.spending import Spending, fit_spending
from warehouse.errors import MillraceError

CDNOW = Path(__file__).parents[4] / "shared/data/ml/CDNOW_sample.txt"
BEGIN = date(2024, 1, 1)


def one(repeats: float, recency: float, age: float, amount: float = math.nan) -> Histories:
    told = repeats if math.isfinite(amount) else 0.0
    numbers = [np.array([float(number)]) for number in (repeats, recency, age, told, amount, 0)]
    return Histories(np.array(["anna"]), *numbers)


def customers(kind: Kind, count: int, days: int, seed: int = 3) -> list[tuple[str, date, float | None]]:
    """What the story of the model says, day by day of each life: r 0.8, alpha 6 weeks, a 0.9, b 2.5; p 6, q 4, v 15."""
    chance, rows = np.random.default_rng(seed), []
    for number in range(count):
        rate, leaves = chance.gamma(0.8, 1 / 6), chance.beta(0.9, 2.5)
        scale = chance.gamma(4, 1 / 15)
        at = chance.uniform(0, 60)
        gone = kind == "MBG/NBD" and chance.random() < leaves
        while at < days:
            rows.append((f"c{number:05}", BEGIN + timedelta(days=int(at)), float(chance.gamma(6, 1 / scale))))
            if gone:
                break
            at += chance.exponential(7 / rate)
            gone = chance.random() < leaves
    return rows


@pytest.mark.skipif(not CDNOW.is_file(), reason=f"{CDNOW} is not there; simulated customers are judged all the same")
def test_the_published_parameters_are_found_in_the_published_data() -> None:
    histories, actual, _ = split(read_cdnow(CDNOW))
    assert len(histories) == 2357
    buying, spending = fit_buying(histories, "BG/NBD"), fit_spending(histories)
    found = {**vars(buying), **vars(spending)}
    assert {name: float(f"{found[name]:.3g}") for name in PUBLISHED} == {
        name: float(f"{value:.3g}") for name, value in PUBLISHED.items()
    }
    assert buying.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    chosen = likeliest_buying(histories)
    assert np.abs(chosen.expected(histories, WEEKS) - actual).mean() <= 0.785


def test_the_example_of_the_paper() -> None:
    """Customer 1 of the CDNOW sample in Fader, Hardie and Lee's note: two repeats, the last in week 30.43 of 38.86."""
    buying = Buying("BG/NBD", 0.243, 4.414, 0.793, 2.426, 0)
    assert buying.expected(one(2, 30.43, 38.86), 39)[0] == pytest.approx(1.226, abs=5e-4)
    # In their spreadsheet, P(alive): 1 / (1 + a / (b + x - 1) * ((alpha + T) / (alpha + t_x)) ** (r + x)).
    by_hand = 1 / (1 + 0.793 / 3.426 * (43.274 / 34.844) ** 2.243)
    assert buying.probability_alive(one(2, 30.43, 38.86))[0] == pytest.approx(by_hand)
    assert buying.probability_alive(one(0, 0, 38.86))[0] == 1  # who never came again cannot have gone


@pytest.mark.parametrize("kind", ["BG/NBD", "MBG/NBD"])
def test_simulated_customers_are_understood_and_their_future_is_told(kind: Kind) -> None:
    purchases = purchases_of(customers(kind, 3000, 400))
    cut, until = BEGIN + timedelta(days=250), BEGIN + timedelta(days=399)
    histories = histories_at(purchases, cut)
    chosen = likeliest_buying(histories)
    assert chosen.kind == kind
    assert (chosen.r, chosen.alpha) == pytest.approx((0.8, 6), rel=0.2)
    assert chosen.a / (chosen.a + chosen.b) == pytest.approx(0.9 / 3.4, rel=0.2)
    spending = fit_spending(histories)
    assert spending.mean == pytest.approx(6 * 15 / 3, rel=0.1)
    actual, paid = purchases_between(purchases, histories.customers, cut, until)
    expected = chosen.expected(histories, (until - cut).days / 7)
    assert expected.sum() == pytest.approx(actual.sum(), rel=0.08)
    assert (expected * spending.expected(histories)).sum() == pytest.approx(paid.sum(), rel=0.1)
    # Not in all only: also among those of whom much and of whom little is expected.
    most = expected > np.quantile(expected, 0.9)
    assert expected[most].sum() == pytest.approx(actual[most].sum(), rel=0.12)
    assert expected[~most].sum() == pytest.approx(actual[~most].sum(), rel=0.12)
    model = fit(histories, "demo", cut)
    assert fit(histories, "demo", cut) == model
    # What the plot shows, group by group, is what is told of all together.
    told, whole = by_purchases(model, purchases, cut, until), judge(model, purchases, cut, until).metrics
    assert [name for name, *_ in told] == ["1", "2", "3", "4", "5", "6", "7+"]
    assert told[0][1] == (histories.repeats == 0).sum()
    assert sum(count * one for _, count, one, _ in told) == pytest.approx(whole["purchases_expected"])
    assert sum(count * one for _, count, _, one in told) == pytest.approx(actual.sum())


def test_a_day_is_one_purchase_and_an_unknown_amount_is_none() -> None:
    rows = [("a", BEGIN, 5.0), ("a", BEGIN, 7.0), ("a", BEGIN + timedelta(days=7), None)]
    rows += [("a", BEGIN + timedelta(days=21), 30.0), ("b", BEGIN + timedelta(days=14), 2.0)]
    rows += [("late", BEGIN + timedelta(days=29), 1.0)]
    known = histories_at(purchases_of(rows[::-1]), BEGIN + timedelta(days=28))
    assert known.customers.tolist() == ["a", "b"]
    assert np.column_stack([known.repeats, known.recency, known.age, known.told]).tolist() == [
        [2, 3, 4, 1],
        [0, 0, 2, 0],
    ]
    assert known.amount[0] == 30
    assert np.isnan(known.amount[1])
    assert known.paid.tolist() == [42, 2]


def test_an_amount_is_drawn_to_the_mean_of_all() -> None:
    spending = Spending(6.25, 3.74, 15.44, 0)
    assert spending.expected(one(0, 0, 10))[0] == pytest.approx(spending.mean)
    # Fader and Hardie's note: a customer who came twice, for 22.35 on average, is expected to pay 24.65.
    assert spending.expected(one(2, 30, 38, 22.35))[0] == pytest.approx(24.65, abs=0.05)


@pytest.mark.parametrize("kind", ["BG/NBD", "MBG/NBD"])
@pytest.mark.parametrize(("a", "b"), [(1, 1), (358, 722), (0.001, 8000), (0.05, 0.1)])
def test_whatever_the_parameters_an_expectation_is_a_number(kind: Kind, a: float, b: float) -> None:
    buying = Buying(kind, 0.43, 8.1, a, b, 0)
    said = [buying.expected(one(5, 20, 22), weeks)[0] for weeks in (0, 4, 52)]
    assert said[0] == 0
    assert said[0] < said[1] < said[2] < 52 * 5


def test_too_little_is_said_in_a_sentence() -> None:
    few = histories_at(purchases_of(customers("BG/NBD", 40, 200)), BEGIN + timedelta(days=200))
    with pytest.raises(MillraceError, match="too few for lifetime values: 40 customers in"):
        fit(few, "demo", BEGIN)
    nobody = histories_at(purchases_of([]), BEGIN)
    with pytest.raises(MillraceError, match="0 customers in 0 days"):
        fit(nobody, "demo", BEGIN)
    free: list[tuple[str, date, float | None]] = [(who, day, None) for who, day, _ in customers("BG/NBD", 900, 200)]
    with pytest.raises(MillraceError, match="is known of 0 who bought again"):
        fit(histories_at(purchases_of(free), BEGIN + timedelta(days=200)), "demo", BEGIN)


def test_everybody_alike_is_no_obstacle() -> None:
    """Amounts and pauses that do not differ: the likelihood rises without an end, and the bounds hold it."""
    rows: list[tuple[str, date, float | None]] = [
        (f"c{number}", BEGIN + timedelta(days=7 * week), 20.0) for number in range(200) for week in range(20)
    ]
    model = fit(histories_at(purchases_of(rows), BEGIN + timedelta(days=133)), "demo", BEGIN)
    histories = histories_at(purchases_of(rows[:20]), BEGIN + timedelta(days=133))
    assert model.buying.expected(histories, 4)[0] == pytest.approx(4, rel=0.1)
    assert model.spending.expected(histories)[0] == pytest.approx(20, rel=0.05)


def test_a_model_is_kept_as_json() -> None:
    model = Lifetimes(Buying("MBG/NBD", 0.5, 6, 0.9, 1.6, -9.5), Spending(6, 4, 15, -3.2))
    assert LIFETIME.load(LIFETIME.dump(model)) == model
    kept: Any = LIFETIME.dump(model).decode()
    assert kept.startswith("{")


def test_who_says_what_is_to_be_expected_is_judged_best() -> None:
    """Of two customers in three nobody comes: nobody is the best guess by the mean absolute error, and a bad one."""
    actual, paid = np.array([0.0, 0.0, 3.0] * 50), np.zeros(150)
    mean, none = (compared(np.full(150, guess), paid, actual, paid) for guess in (1.0, 0.0))
    assert none["mae"] < mean["mae"]
    assert mean["deviance"] < none["deviance"]
