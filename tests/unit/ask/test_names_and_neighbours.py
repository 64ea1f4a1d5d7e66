"""Names whose words would also be events, periods or other people's business, and what they must be taken for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from semantic_layer.ask.understanding import Context, understand
from semantic_layer.ask.understood import Refusal, Understood
from semantic_layer.journeys.models import Retention
from semantic_layer.metrics.catalogue import Dimension, Metric
from tests.unit.ask.telling import line
from tests.unit.ask.world import CATALOGUE, EVENTS, TODAY, WHERE

MAY = "2026-05-01..2026-05-31"
THIS_YEAR = "2026-01-01..2026-06-24"
PLAIN = CATALOGUE.metrics["orders"]


def _people(name: str, label: str, dimension: str, *synonyms: str) -> Metric:
    return replace(
        PLAIN, name=name, label=label, synonyms=synonyms, dimensions=(dimension, "user__country"), adds_up=False
    )


METRICS = (
    replace(CATALOGUE.metrics["revenue"], synonyms=("money", "order revenue"), dimensions=(*WHERE, "order__currency")),
    replace(PLAIN, name="refunds", label="Refunds", synonyms=("returns",)),
    replace(
        PLAIN,
        name="regained",
        label="Regained revenue",
        synonyms=("returns of buyers",),
        format="currency",
        adds_up=True,
    ),
    replace(PLAIN, name="refunded_revenue", label="Refunded revenue", synonyms=(), format="currency", adds_up=True),
    replace(
        PLAIN,
        name="revenue_growth_month",
        label="Growth of revenue in a month",
        synonyms=("revenue growth",),
        format="percent",
        needs_time=True,
    ),
    replace(PLAIN, name="trial_rate", label="Trial rate", synonyms=("trial to paid conversion",), format="percent"),
    replace(CATALOGUE.metrics["active_users"], dimensions=(*WHERE, "event__name")),
    replace(
        CATALOGUE.metrics["sessions"],
        dimensions=("session__channel", "session__duration_seconds", "session__entry", "session__weekday"),
    ),
    replace(
        PLAIN,
        name="takings",
        label="Takings",
        synonyms=(),
        format="currency",
        adds_up=True,
        dimensions=("session__duration_seconds", "order__weekday"),
    ),
    replace(CATALOGUE.metrics["orders"], dimensions=("order__paid_amount", *CATALOGUE.metrics["orders"].dimensions)),
    replace(
        PLAIN, name="payers", label="Payers", synonyms=(), adds_up=False, dimensions=("order__paid_amount", *WHERE)
    ),
    replace(PLAIN, name="page_views", label="Page views", synonyms=("page visits",), dimensions=("page__page_path",)),
    _people("viewers", "Viewers", "page__page_path"),
    _people("buyers", "Buyers", "order__order_number", "people bought", "users bought", "customers ordered"),
    _people("subscribers", "Subscribers", "user__plan", "paying customers"),
    _people("feature_users", "Feature users", "feature__name"),
    replace(PLAIN, name="load_p95", label="Page load time p95", synonyms=(), format="milliseconds", adds_up=False),
    replace(PLAIN, name="load_time", label="Page load time", synonyms=(), format="milliseconds", adds_up=False),
    replace(PLAIN, name="exposed_users", label="Exposed users", synonyms=(), dimensions=("experiment__name",)),
)
WEEKDAYS = {"Monday": ("mondays",), "Tuesday": ("tuesdays",)}
DIMENSIONS = (
    Dimension("feature__name", "Feature", "", "categorical", (), {}, {"demo": ("exports", "dashboards")}),
    Dimension("order__paid_amount", "Amount paid", "", "categorical"),
    Dimension("order__order_number", "Order of the customer", "", "categorical"),
    Dimension("session__duration_seconds", "Seconds of the session", "", "categorical"),
    Dimension("session__entry", "Entry", "", "categorical"),
    Dimension("session__weekday", "Day of the week", "", "categorical", (), WEEKDAYS, {"demo": ("Monday", "Tuesday")}),
    Dimension(
        "order__weekday", "Day of the week", "", "categorical", (), {"Tuesday": ("tuesdays",)}, {"demo": ("Tuesday",)}
    ),
    Dimension("order__currency", "Currency", "", "categorical", (), {"USD": ("dollars",)}, {"demo": ("EUR", "USD")}),
    Dimension("experiment__name", "Experiment", "", "categorical", (), {}, {"demo": ("landing_page_story",)}),
)
SHOP = replace(
    CATALOGUE,
    version="names and neighbours",
    metrics={**CATALOGUE.metrics, **{metric.name: metric for metric in METRICS}},
    dimensions={**CATALOGUE.dimensions, **{dimension.name: dimension for dimension in DIMENSIONS}},
    projects={
        "demo": replace(
            CATALOGUE.projects["demo"],
            events=(*EVENTS, "subscription_upgraded"),
            event_synonyms={
                **EVENTS,
                "order_completed": (*EVENTS["order_completed"], "pay"),
                "subscription_upgraded": ("upgrade",),
            },
        )
    },
)


def ask(question: str) -> Understood | Refusal:
    return understand(question, SHOP, Context("demo", TODAY))


def remarks(question: str) -> tuple[str, ...]:
    found = ask(question)
    assert isinstance(found, Understood)
    return found.remarks


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        # Trial and paid are events, and the name of a metric has both.
        ("trial to paid conversion in May", f"trial_rate {MAY}"),
        ("trial to paid conversion by country", "trial_rate by user__country"),
        ("conversion from trial to order in May", f"funnel trial_started > order_completed {MAY}"),
        # Growth is compared where the question says with what, and is a metric of its own where it does not.
        ("year over year revenue growth", f"revenue {THIS_YEAR} compare year"),
        ("revenue growth in May vs last year", f"revenue {MAY} compare year"),
        ("revenue growth in May", f"revenue_growth_month by metric_time:month {MAY}"),
        # Money is that of what stands beside it.
        ("how many refunds and how much money", "refunds, refunded_revenue"),
        ("returns and money", "refunds, refunded_revenue"),
        ("orders and money in May", f"orders, revenue {MAY}"),
        (
            "sessions and money",
            "refused: It is not clear whose money is meant: say revenue, or what else is counted in money.",
        ),
        # An event by what people call it, where no metric is called so.
        ("how many upgrades last month", f"events where event__name = subscription_upgraded {MAY}"),
        ("upgrades by country", "events by user__country where event__name = subscription_upgraded"),
        # A story is nobody's business, but the name of an experiment may have it.
        (
            "exposed users in the landing page story experiment",
            "exposed_users where experiment__name = landing_page_story",
        ),
        ("tell me a story about revenue", "refused: Only this project's data can be asked about."),
        # A number behind best and worst, wherever they stand.
        ("revenue by country, worst 5", "revenue by user__country order revenue limit 5"),
        ("revenue by country, top 2000000", "refused: At most 100,000 rows are shown."),
        ("which device has the higher revenue", "revenue by session__device_type order -revenue limit 1"),
        # Those who did it twice are not those who came back in some week, but have a second order.
        ("how many users bought twice", "buyers where order__order_number >= 2"),
        ("how many people bought more than once", "buyers where order__order_number >= 2"),
        (
            "how many customers ordered at least 3 times in Germany",
            "buyers where (user__country = DE and order__order_number >= 3)",
        ),
        (
            "how many users bought twice in May",
            "refused: Whose how many-th order it was is known, not how often somebody ordered within some days.",
        ),
        (
            "how many sessions twice",
            "refused: How often somebody did it is known of orders alone: ask how many people ordered so often.",
        ),
        # People of what they do: those who viewed the page, used the feature, had the event.
        ("how many users visited the pricing page", "refused: It is not known what 'visited' means here."),
        ("users of the pricing page", "viewers where page__page_path = /pricing"),
        ("visits to the pricing page", "page_views where page__page_path = /pricing"),
        ("how many users used the export feature", "feature_users where feature__name = exports"),
        ("paying customers by feature", "refused: Subscribers cannot be told by feature."),
        ("how many people use each feature", "feature_users by feature__name"),
        ("how many people upgraded in May", f"active_users where event__name = subscription_upgraded {MAY}"),
        (
            "how many people upgraded and cancelled",
            "refused: It is not clear whether people did subscription_upgraded and subscription_cancelled each, or "
            "one of them: ask for one.",
        ),
        (
            "weekly retention of users who used the checkout feature",
            "refused: It is not known what 'who used', 'feature' means here.",
        ),
        # Single sessions are longer than 10 minutes; a load time above 2 seconds is one of a page.
        ("sessions longer than 10 minutes", "sessions where session__duration_seconds > 600"),
        ("sessions that lasted less than 1 hour", "sessions where session__duration_seconds < 3600"),
        ("takings from sessions longer than 10 minutes", "takings where session__duration_seconds > 600"),
        (
            "takings and sessions longer than 10 minutes",
            "takings, sessions where session__duration_seconds > 600",
        ),
        # Single orders are over 100 euros, and a revenue is that of a country; nothing is converted.
        ("orders over 100 euros in May", f"orders where order__paid_amount > 100 {MAY}"),
        ("orders worth at least €99.50", "orders where order__paid_amount >= 99.5"),
        ("countries with more than 1000 euros revenue", "revenue by user__country having revenue > 1000"),
        ("countries with more than 100 orders", "orders by user__country having orders > 100"),
        ("payers over 100 euros", "refused: What was paid for payers is not known: single orders have an amount."),
        ("sessions over 100 EUR", "refused: What was paid for sessions is not known: single orders have an amount."),
        *(
            (text, "refused: Money is told in EUR here, and no amount in USD is converted: say it in EUR.")
            for text in ("orders over 100 dollars", "countries with revenue above $1000")
        ),
        # No order was on a Monday; that takings have no days of the week would be a wrong reason.
        ("takings on Tuesdays", "takings where order__weekday = Tuesday"),
        ("takings on Mondays", "refused: Takings are known by day of the week: none is of mondays."),
        ("countries with page load time above 2 seconds", "load_time by user__country having load_time > 2000"),
        # A quantile apart from what it is of.
        ("p95 in Germany of page load time", "load_p95 where user__country = DE"),
        # How far it is looked whether they were back.
        (
            "day 7 retention of users who signed up in May",
            "retention signed_up > * per day cohorts until 2026-05-31 2026-05-01..",
        ),
    ],
)
def test_what_is_taken_for_what(question: str, expected: str) -> None:
    found = ask(question)
    assert (f"refused: {found.reason}" if isinstance(found, Refusal) else line(found.query)) == expected


def test_retention_is_looked_at_as_far_as_the_question_says() -> None:
    found = ask("week 4 retention of users who signed up in May")
    assert isinstance(found, Understood)
    assert isinstance(found.query, Retention)
    assert (str(found.query.period), found.query.periods) == ("week", 4)


@pytest.mark.parametrize(
    ("question", "remark"),
    [
        ("revenue in USD", "Only what was paid in USD; it is told in EUR, as all money is."),
        ("revenue not in dollars", "All but what was paid in USD; it is told in EUR, as all money is."),
    ],
)
def test_nothing_is_converted_to_a_currency_that_is_named(question: str, remark: str) -> None:
    assert remark in remarks(question)
    assert not any("told in" in said for said in remarks("revenue by currency"))


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("viewers by mood last month", "viewers last month"),
        ("moods of orders by channel in May", "orders by channel in May"),
        ("happy sessions per week", "sessions per week"),
        ("orders of smartphone users in Atlantis", "orders for device mobile"),
        ("sessions by country in May", "bounced sessions by country"),
        ("buyers by mood of feature last month", "buyers last month"),
        ("how many users bought twice in May", "buyers in May"),
        ("why did revenue fall in May", "revenue in May"),
        ("revenue on the weekend by country", "revenue last month"),
        ("sessions on weekends", "sessions by day of the week"),
        ("users who signed up but did not order", "funnel from signed up to order"),
        ("margin by country", "revenue by country"),
        ("the weather of tomorrow", "revenue last month"),
        ("share of sessions longer than 5 minutes", "sessions last month"),
    ],
)
def test_what_is_suggested_shares_what_was_understood_and_is_answered(question: str, first: str) -> None:
    found = ask(question)
    assert isinstance(found, Refusal)
    assert found.suggestions[0] == first
    assert [one for one in found.suggestions if isinstance(ask(one), Refusal)] == []
