"""Questions that were once answered with a number of something else, since a word of theirs was passed over or read as
another: each is read as it is meant, or refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from semantic_layer.ask.metric_tables import metric_table
from semantic_layer.ask.phrasing import with_labels
from semantic_layer.ask.understood import Refusal, Understood
from semantic_layer.metrics.catalogue import Dimension, Metric
from semantic_layer.metrics.models import Comparator, Comparison, MetricQuery
from tests.unit.ask.telling import ask, line, told
from tests.unit.ask.world import CATALOGUE, WHERE

MAY = "2026-05-01..2026-05-31"


def _metric(
    name: str,
    label: str,
    *synonyms: str,
    by: tuple[str, ...] = WHERE,
    format: str = "number",
    adds_up: bool = False,
    made_of: str = "",
    description: str = "",
    at_the_end: bool = False,
) -> Metric:
    grains = ("day", "week", "month", "quarter", "year")
    return Metric(
        name,
        label,
        description or f"{label}.",
        "simple",
        "growth",
        format,
        "up",
        synonyms,
        by,
        made_of,
        "day",
        grains,
        adds_up=adds_up,
        at_the_end=at_the_end,
    )


MORE = (
    _metric("session_duration", "Session duration", "average session duration", format="seconds"),
    _metric("daily_active_users", "Daily active users", "DAU", by=(), description="The average of the days."),
    _metric("units_sold", "Units sold", "products sold", adds_up=True),
    _metric("refunds", "Refunds", "returns", adds_up=True),
    _metric("refunded_revenue", "Refunded revenue", "how much we refunded", format="currency", adds_up=True),
    _metric("churned_customers", "Churned customers", "customers churned", adds_up=True),
    _metric("returning_users", "Returning users", "people who come back", made_of="active_users - new_users"),
    _metric("page_load_time", "Page load time", "load time", by=("page__page_path",), format="milliseconds"),
    _metric("subscribers", "Subscribers", at_the_end=True),
    _metric("churn_rate", "Churn rate", format="percent", description="Usually asked per month."),
    _metric("activation", "Activation", format="percent", made_of="Share of people, of those whose 7 days are over"),
    _metric("experiment_rate", "Order rate in experiments", by=("experiment__variant", "experiment__name")),
    _metric("logins", "Logins", by=("event__weekday", "event__hour_of_day"), adds_up=True),
    _metric("tickets", "Tickets", by=("event__weekday",), adds_up=True),
)
DIMENSIONS = (
    Dimension("experiment__variant", "Variant", "", "categorical", (), {}, {"demo": ("control", "treatment")}),
    Dimension("experiment__name", "Experiment", "", "categorical", (), {}, {"demo": ("button_colour", "bundle")}),
    # A page, and a screen of an app that is called so
    Dimension("page__page_path", "Page", "", "categorical", (), {}, {"demo": ("/", "/pricing", "Pricing")}),
    Dimension("event__weekday", "Day of the week", "", "categorical", ("weekday",), {}, {"demo": ("Monday",)}),
    Dimension("event__hour_of_day", "Hour of the day", "", "categorical", ("hour of day",), {}, {"demo": ("08",)}),
)
FACTS = CATALOGUE.projects["demo"]
WORLD = replace(
    CATALOGUE,
    projects={
        "demo": replace(
            FACTS,
            events=(*FACTS.events, "ticket_opened"),
            event_synonyms={**FACTS.event_synonyms, "ticket_opened": ("open a ticket",)},
        )
    },
    version="of dropped words",
    metrics={**CATALOGUE.metrics, **{metric.name: metric for metric in MORE}},
    dimensions={**CATALOGUE.dimensions, **{dimension.name: dimension for dimension in DIMENSIONS}},
)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        # A number that belongs to a ranking or a threshold is no length of time.
        (
            "sessions by channel top 2 last week",
            "sessions by session__channel 2026-06-15..2026-06-21 order -sessions limit 2",
        ),
        (
            "sessions excluding mobile by country top 3 last month",
            f"sessions by user__country where session__device_type != mobile {MAY} order -sessions limit 3",
        ),
        ("countries with orders over 50 last month", f"orders by user__country having orders > 50 {MAY}"),
        ("countries by revenue top 5 May", f"revenue by user__country {MAY} order -revenue limit 5"),
        ("countries with revenue over 2000", "revenue by user__country having revenue > 2000"),
        ("revenue 3 last months", "revenue 2026-03-01..2026-05-31"),
        ("revenue over 2 last weeks", "revenue 2026-06-08..2026-06-21"),
        ("revenue over 2025", "revenue 2025-01-01..2025-12-31"),
        # Codes of countries that are small words
        ("revenue in the us", "revenue where user__country = US"),
        ("revenue in us", "revenue where user__country = US"),
        ("orders from us in May", f"orders where user__country = US {MAY}"),
        ("us revenue", "revenue where user__country = US"),
        ("REVENUE IN THE US", "revenue where user__country = US"),
        ("revenue in IN", "revenue where user__country = IN"),
        ("revenue not in the us", "revenue where user__country != US"),
        ("orders from anywhere but Germany", "orders where user__country != DE"),
        ("page views of pricing", "page_views where page__page_path = /pricing|Pricing"),
        ("page views of the pricing page", "page_views where page__page_path = /pricing"),
        ("show us revenue IN Germany", "revenue where user__country = DE"),
        # What a metric is: a bare number is a percentage of what is one, and how much was refunded is money.
        ("channels with bounce rate over 40", "bounce_rate by session__channel having bounce_rate > 0.4"),
        ("average DAU in May", f"daily_active_users {MAY}"),
        ("how much did we refund in May", f"refunded_revenue {MAY}"),
        ("how many refunds in May", f"refunds {MAY}"),
        ("how many users churned in May", f"churned_customers {MAY}"),
        ("logins by weekday and hour", "logins by event__weekday, event__hour_of_day"),
        ("order rate in experiments by variant", "experiment_rate by experiment__variant, experiment__name"),
        (
            "order rate in experiments by variant of bundle",
            "experiment_rate by experiment__variant where experiment__name = bundle",
        ),
        # Whether people come back is asked of retention.
        ("do people come back", "retention * > * per week"),
        ("subscribers as of 15 May", "subscribers 2026-05-15..2026-05-15"),
        ("returning users in May", f"returning_users {MAY}"),
        # A lifecycle has whole periods.
        ("lifecycle since 1 May", "lifecycle * per week 2026-04-27..2026-06-24"),
        ("new and churned users per week", "lifecycle * per week"),
        # `through` is no arrow by itself.
        ("funnel from signup via checkout to order", "funnel signed_up > checkout_started > order_completed"),
    ],
)
def test_read_as_it_is_meant(question: str, expected: str) -> None:
    assert told(question, WORLD) == expected


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("orders over 50 last month", "does not say of what"),
        ("orders first 3 last month", "'first'"),
        ("revenue in IT", "no data of Italy"),
        ("revenue in BE", "no data of Belgium"),
        ("revenue in IS by month", "no data of Iceland"),
        ("revenue in DE and IT", "no data of Italy"),
        ("revenue in de, fr and it", "no data of Italy"),
        ("REVENUE IN IT", "no data of Italy"),
        ("sessions on TV", "'TV'"),
        ("orders through the pricing page", "cannot be told by pricing page"),
        ("how many people sign up via checkout", "'checkout'"),
        ("sum of bounce rate", "there is no sum of it"),
        ("number of bounce rate", "there is no number of it"),
        ("total DAU in May", "there is no sum of it"),
        ("total session duration", "there is no sum of it"),
        ("session duration in total", "there is no sum of it"),
        ("number of different products sold", "not how many different ones"),
        ("how many active users right now", "say which"),
        ("how many users do we have now", "say which"),
        ("channels with bounce rate over 0.4", "0.4 % or 40 %"),
        ("returning users", "say which"),
        ("value of sign-ups", "asks for a value"),
        ("number of revenue", "there is no number of it"),
        ("last orders", "'last'"),
        ("total page load time", "there is no sum of it"),
        ("how much did orders bring", "ask how many"),
        ("channels with share of sessions over 10", "threshold on a share"),
        ("channels with more than 10 percent of revenue", "threshold on a share"),
        ("orders into checkout", "'checkout'"),
        ("open tickets", "'open'"),
        ("how many days have data", "days"),
        ("number of days with orders", "days"),
        ("revenue as of 15 May", "As of a day, at the beginning"),
        ("funnel from signup to order as of May", "As of a day, at the beginning"),
        ("highest DAU in May", "add `per day`"),
        ("tickets by weekday and hour", "hour of the day"),
    ],
)
def test_refused_with_what_to_ask_instead(question: str, reason: str) -> None:
    found = ask(question, None, WORLD)
    assert isinstance(found, Refusal), line(found.query)
    assert reason in found.reason
    assert found.suggestions


@pytest.mark.parametrize(
    ("before", "question", "expected"),
    [
        ("revenue without pro", "also free", "revenue where user__plan != pro|free"),
        ("revenue without pro", "and without free", "revenue where user__plan != pro|free"),
        ("revenue without pro", "only free", "revenue where user__plan = free"),
        ("revenue of pro users", "without pro", "revenue where user__plan != pro"),
        (
            "funnel from signup to order without mobile",
            "also tablet",
            "funnel signed_up[device.type!=mobile,device.type!=tablet] > "
            "order_completed[device.type!=mobile,device.type!=tablet]",
        ),
        ("lifecycle without mobile", "without tablet", "lifecycle *[device.type!=mobile,device.type!=tablet] per week"),
        ("lifecycle", "since 5 May", "lifecycle * per week 2026-05-04..2026-06-24"),
    ],
)
def test_what_follows_changes_what_it_says(before: str, question: str, expected: str) -> None:
    first = ask(before)
    assert isinstance(first, Understood)
    found = ask(question, first)
    assert isinstance(found, Understood)
    assert line(found.query) == expected


@pytest.mark.parametrize(
    ("before", "question", "reason"),
    [
        ("revenue by country", "per user", "'per'"),
        ("revenue in May", "average by country", "no average"),
        ("revenue in May", "and sum of bounce rate", "there is no sum of it"),
        ("revenue in May", "as of 15 May", "As of a day, at the beginning"),
        ("funnel from signup to order on mobile", "also tablet", "one value of device type"),
    ],
)
def test_what_follows_is_refused_where_it_would_lose_a_word(before: str, question: str, reason: str) -> None:
    first = ask(before)
    assert isinstance(first, Understood)
    found = ask(question, first)
    assert isinstance(found, Refusal), line(found.query)
    assert reason in found.reason


def test_a_metric_that_cannot_be_told_so_is_not_told_without() -> None:
    """ "and MRR?" after revenue by country is not all of it, of all days; and the refusal has words of people."""
    first = ask("revenue by device in May")
    assert isinstance(first, Understood)
    found = ask("and MRR?", first)
    assert isinstance(found, Refusal)
    assert found.reason == "Monthly recurring revenue cannot be told by device."
    assert found.suggestions


def test_of_a_single_event_more_is_neither_better_nor_worse() -> None:
    """More users are better, and more of those who cancelled are not."""
    users = MetricQuery(project="demo", metrics=("active_users",))
    cancelled = Comparison(dimension="event__name", operator=Comparator.EQUAL, values=("subscription_cancelled",))
    for query, good in ((users, "up"), (users.model_copy(update={"where": cancelled}), "neutral")):
        table = metric_table(query, CATALOGUE, [("active_users", "UInt64")], [(5,)])
        assert table.columns[0].good == good


def test_messages_for_those_who_write_queries_are_told_in_labels() -> None:
    message = "monthly_recurring_revenue cannot be told by user__country; it can by user__plan."
    assert with_labels(message, CATALOGUE) == "Monthly recurring revenue cannot be told by country; it can by plan."
    assert with_labels("session__channel has no value 'x__y'.", CATALOGUE) == "Channel has no value 'x__y'."


@pytest.mark.parametrize(
    ("question", "remark"),
    [
        ("churn rate", "Churn rate is usually told of a month: ask `churn rate per month`."),
        ("churn rate in May", None),
        ("churn rate per week", None),
    ],
)
def test_days_that_matter_are_told(question: str, remark: str | None) -> None:
    found = ask(question, None, WORLD)
    assert isinstance(found, Understood)
    assert [one for one in found.remarks if "usually" in one] == ([remark] if remark else [])


def test_no_value_hides_what_questions_are_made_of() -> None:
    """A campaign, or an address, may be called anything by anybody."""
    hostile = ("revenue last month", "by country", "germany", "DE", "top 5", "per week", "summer sale", "about us")
    paths = ("/pricing", "/by-country", "/last-month", "/top-3", "By country")
    plain = {**CATALOGUE.dimensions, "session__campaign": Dimension("session__campaign", "Campaign", "", "categorical")}
    named = dict(plain)
    named["session__campaign"] = replace(plain["session__campaign"], values={"demo": hostile})
    named["page__page_path"] = replace(plain["page__page_path"], values={"demo": paths})
    metrics = {
        name: replace(metric, dimensions=(*metric.dimensions, "session__campaign", "page__page_path"))
        for name, metric in CATALOGUE.metrics.items()
    }
    world = replace(CATALOGUE, version="hostile", metrics=metrics, dimensions=named)
    for question in (
        "revenue last month",
        "sessions by country",
        "orders in Germany",
        "orders in DE per week",
        "top 5 countries by revenue",
        "funnel from signup to order by country last month",
    ):
        assert told(question, world) == told(question, replace(world, version="plain", dimensions=plain)), question
        assert not told(question, world).startswith("refused")
    assert told("sessions of summer sale", world) == "sessions where session__campaign = summer sale"
    assert told('sessions where campaign is "by country"', world) == "sessions where session__campaign = by country"
