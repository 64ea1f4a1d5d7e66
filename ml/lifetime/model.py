"""The model `lifetime` as the registry knows it: of both ways to buy the likelier one, and for how much."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from ml.lifetime.buying import Buying, likeliest_buying
from ml.lifetime.histories import DAYS_OF_A_WEEK, Histories, Purchases, histories_at, purchases_between
from ml.lifetime.maximum_likelihood import Floats
from ml.lifetime.reading import HORIZONS, fingerprint, read_purchases, write_values
from ml.lifetime.spending import Spending, fit_spending
from ml.plotting import png
from ml.trainable import Candidate, Evaluation, Gate, Sample
from warehouse.errors import MillraceError
from warehouse.settings import Settings

WINDOW = 60  # days that are kept back to judge by
LEAST_DAYS = 60  # of orders before them
LEAST_CUSTOMERS, LEAST_REPEATERS = 100, 30  # with fewer, four parameters say more of chance than of customers
MOST_TIMES = 7  # purchases: whoever bought as often or oftener is one group of the plot
LEAST_EXPECTED = 1e-3  # purchases: who says that somebody certainly does not come is not judged as endlessly wrong


@dataclass(frozen=True)
class Lifetimes:
    buying: Buying
    spending: Spending


class LifetimeModel:
    name = "lifetime"
    title = "What customers will still buy"
    gate = Gate(metric="deviance", higher_is_better=False)

    def train(self, settings: Settings, project: str, until: date) -> Candidate:
        purchases = read_purchases(settings, project, until)
        cut = until - timedelta(days=WINDOW)
        model = fit(histories_at(purchases, cut), project, cut)
        evaluation = judge(model, purchases, cut, until)
        parameters = {
            "window_days": WINDOW,
            "buying": model.buying.kind,
            **{f"buying_{name}": round(getattr(model.buying, name), 6) for name in ("r", "alpha", "a", "b")},
            **{f"spending_{name}": round(getattr(model.spending, name), 6) for name in ("p", "q", "v")},
        }
        version = fingerprint(purchases)
        told = card(model, purchases, evaluation, project, cut, until)
        plots = {"expected_and_made.png": plot(by_purchases(model, purchases, cut, until))}
        return Candidate(model, parameters, evaluation, version, told, plots)

    def evaluate(self, settings: Settings, project: str, model: Lifetimes, until: date) -> Evaluation:
        return judge(model, read_purchases(settings, project, until), until - timedelta(days=WINDOW), until)

    def predict(self, settings: Settings, project: str, model: Lifetimes, version: str, day: date) -> int:
        histories = histories_at(read_purchases(settings, project, day), day)
        counts = [model.buying.expected(histories, days / DAYS_OF_A_WEEK) for days in HORIZONS]
        alive, each = model.buying.probability_alive(histories), model.spending.expected(histories)
        for told in (*counts, alive, each):
            if not np.isfinite(told).all():
                raise MillraceError(
                    f"Version {version} of lifetime says of {int((~np.isfinite(told)).sum()):,} customers of {project} "
                    "what is no number; nothing was written.",
                    hint="Look for amounts or dates that cannot be, then `millrace train lifetime`.",
                )
        return write_values(settings, project, version, day, histories, alive, counts, each)

    def sample(self, settings: Settings, project: str, model: Lifetimes, day: date) -> Sample:
        histories = histories_at(read_purchases(settings, project, day), day)
        features = {name: getattr(histories, name).tolist() for name in ("repeats", "recency", "age", "amount")}
        return Sample(features, model.buying.expected(histories, HORIZONS[0] / DAYS_OF_A_WEEK).tolist())

    def dump(self, model: Lifetimes) -> bytes:
        return json.dumps(asdict(model)).encode()

    def load(self, kept: bytes) -> Lifetimes:
        told: dict[str, Any] = json.loads(kept)
        return Lifetimes(Buying(**told["buying"]), Spending(**told["spending"]))


LIFETIME = LifetimeModel()


def fit(histories: Histories, project: str, cut: date) -> Lifetimes:
    repeaters, told = int((histories.repeats > 0).sum()), int((histories.told > 0).sum())
    days = int(histories.age.max() * DAYS_OF_A_WEEK) + 1 if len(histories) else 0
    if days < LEAST_DAYS or len(histories) < LEAST_CUSTOMERS or repeaters < LEAST_REPEATERS:
        raise MillraceError(
            f"Orders of {project} until {cut} are too few for lifetime values: {len(histories):,} customers in {days} "
            f"days, of whom {repeaters:,} bought on another day again.",
            hint=f"It takes {LEAST_CUSTOMERS} customers in {LEAST_DAYS} days, and {LEAST_REPEATERS} who bought again, "
            f"before the {WINDOW} days that the model is judged by. What was predicted before stays.",
        )
    if told < LEAST_REPEATERS:
        raise MillraceError(
            f"What customers of {project} paid is known of {told:,} who bought again; it takes {LEAST_REPEATERS}.",
            hint="Amounts without a currency or a rate are not known: see `millrace sources list`, source finance.",
        )
    return Lifetimes(likeliest_buying(histories), fit_spending(histories))


def judge(model: Lifetimes, purchases: Purchases, cut: date, until: date) -> Evaluation:
    """By the purchases of the window, of customers who were known before it."""
    histories = histories_at(purchases, cut)
    if not len(histories):
        raise MillraceError(
            f"Nobody had ordered until {cut}, so there is nobody to judge lifetime values by.",
            hint=f"Orders must be older than {WINDOW} days: `millrace models` says what each model needs.",
        )
    actual, paid = purchases_between(purchases, histories.customers, cut, until)
    weeks = (until - cut).days / DAYS_OF_A_WEEK
    own_rate = histories.repeats / np.maximum(histories.age, 1) * weeks  # of who came this week, per week
    rate_of_all = np.full(len(histories), histories.repeats.sum() / max(histories.age.sum(), 1) * weeks)
    spent = model.spending.expected(histories)
    expected = model.buying.expected(histories, weeks)
    return Evaluation(
        metrics=compared(expected, expected * spent, actual, paid),
        baselines={
            "rate of each": compared(own_rate, own_rate * spent, actual, paid),
            "rate of all": compared(rate_of_all, rate_of_all * spent, actual, paid),
        },
        window=(cut + timedelta(days=1), until),
    )


def compared(expected: Floats, value: Floats, actual: Floats, paid: Floats) -> dict[str, float]:
    """Poisson's deviance decides: alone among these it is best for who says what is to be expected of each customer.
    The mean absolute error is best for who says 0 of everybody who rarely buys."""
    at_least = np.maximum(expected, LEAST_EXPECTED)
    surprise = actual * np.log(np.maximum(actual, 1) / at_least) - (actual - at_least)
    return {
        "deviance": float(2 * surprise.mean()),
        "mae": float(np.abs(expected - actual).mean()),
        "rmse": float(np.sqrt(((expected - actual) ** 2).mean())),
        "purchases_expected": float(expected.sum()),
        "purchases": float(actual.sum()),
        "value_expected": float(value.sum()),
        "value": float(paid.sum()),
    }


def by_purchases(model: Lifetimes, purchases: Purchases, cut: date, until: date) -> list[tuple[str, int, float, float]]:
    """Of customers by how often they had bought: how many there are, and per customer the purchases of the window that
    were expected, and that were made."""
    histories = histories_at(purchases, cut)
    made, _ = purchases_between(purchases, histories.customers, cut, until)
    expected = model.buying.expected(histories, (until - cut).days / DAYS_OF_A_WEEK)
    times = np.minimum(histories.repeats + 1, MOST_TIMES)
    found = []
    for count in np.unique(times):
        of = times == count
        name = f"{int(count)}" + "+" * bool(count == MOST_TIMES)
        found.append((name, int(of.sum()), float(expected[of].mean()), float(made[of].mean())))
    return found


def plot(found: list[tuple[str, int, float, float]]) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5))
    axes = figure.subplots()
    names = [f"{name}\n({count:,})" for name, count, *_ in found]
    axes.plot(names, [expected for *_, expected, _ in found], marker="o", label="expected")
    axes.plot(names, [made for *_, made in found], marker="s", label="made")
    axes.set(
        xlabel="purchases before (customers)", ylabel="purchases per customer", title="Purchases in the days that judge"
    )
    axes.set_ylim(bottom=0)
    axes.legend()
    return png(figure)


def card(model: Lifetimes, purchases: Purchases, evaluation: Evaluation, project: str, cut: date, until: date) -> str:
    histories = histories_at(purchases, cut)
    again = histories.told > 0
    with np.errstate(invalid="ignore"):  # where nobody differs there is none
        tie = float(np.nan_to_num(np.corrcoef(histories.repeats[again], histories.amount[again])[0, 1]))
    buying, spending, found = model.buying, model.spending, evaluation.metrics
    return f"""# Lifetime values of {project}

**For**: how many days with an order, and how much revenue, to expect of each customer in 30, 90 and 365 days; whether
the customer still buys at all. **Not for**: subscriptions, people who never ordered, single persons' next order.

**Made of** {len(histories):,} customers whose first order is not after {cut}; {int((histories.repeats > 0).sum()):,} of
them bought on another day again. Orders of one day are one; what was refunded later counts as paid.

**How**: {buying.kind}, which is likelier than its sibling
(r {buying.r:.3f}, alpha {buying.alpha:.3f} weeks, a {buying.a:.3f}, b {buying.b:.3f}), and Gamma-Gamma
(p {spending.p:.2f}, q {spending.q:.2f}, v {spending.v:.2f}; {spending.mean:.2f} on average), by maximum likelihood.

**Judged** by the days until {until}: {found["purchases_expected"]:.0f} purchases were expected,
{found["purchases"]:.0f} made; revenue of {found["value_expected"]:,.0f} was expected, {found["value"]:,.0f} made.
The mean absolute error is {found["mae"]:.3f} per customer.

**It assumes** that how often and for how much are not tied (their correlation here: {tie:.2f}), that there are no
seasons, and that whoever is gone stays gone. A year ahead continues what was seen; it was not judged by a year.
"""
