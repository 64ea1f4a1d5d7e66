"""Questions that follow another one, which they amend."""

from __future__ import annotations

import pytest

from semantic_layer.ask.understood import Refusal, Understood
from tests.unit.ask.telling import ask, line

PURCHASE = "funnel product_viewed[price>100] > order_completed within 604800 strict without trial_started:1-2"
MAY = "2026-05-01..2026-05-31"


def follow(*questions: str) -> str:
    before: Understood | None = None
    for question in questions:
        found = ask(question, before)
        if isinstance(found, Refusal):
            return f"refused: {found.reason}"
        before = found
    assert before
    return line(before.query)


@pytest.mark.parametrize(
    ("questions", "expected"),
    [
        (("revenue in May", "and by country?"), f"revenue by user__country {MAY}"),
        (("revenue in May", "by country and week"), f"revenue by user__country, metric_time:week {MAY}"),
        (("revenue by country in May", "and by plan?"), f"revenue by user__country, user__plan {MAY}"),
        (("revenue by country in May", "by plan"), f"revenue by user__plan {MAY}"),
        (("revenue by week in May", "by day"), f"revenue by metric_time:day {MAY}"),
        (("revenue by country in May", "as a weekly trend"), f"revenue by user__country, metric_time:week {MAY}"),
        (("revenue in May", "only pro users"), f"revenue where user__plan = pro {MAY}"),
        (("revenue of pro users", "what about free?"), "revenue where user__plan = free"),
        (
            ("revenue of pro users", "what about mobile?"),
            "revenue where (user__plan = pro and session__device_type = mobile)",
        ),
        (("revenue in Germany", "also France"), "revenue where user__country = DE|FR"),
        (("revenue in Germany", "or France"), "revenue where user__country = DE|FR"),
        (("revenue in Germany", "vs France"), "revenue by user__country where user__country = DE|FR"),
        (("revenue", "not on mobile"), "revenue where session__device_type != mobile"),
        (("revenue in Germany on mobile", "remove the filter"), "revenue"),
        (("revenue in Germany on mobile", "remove the country filter"), "revenue where session__device_type = mobile"),
        (("revenue by country", "remove France"), "revenue by user__country where user__country != FR"),
        (("revenue by country", "drop France and Germany"), "revenue by user__country where user__country != FR|DE"),
        (("revenue in France", "remove France"), "revenue"),
        (("revenue in France on mobile", "drop France"), "revenue where session__device_type = mobile"),
        (("revenue in Germany and France", "remove France"), "revenue where user__country = DE"),
        (("revenue in Germany and France", "without France"), "revenue where user__country = DE"),
        (("revenue in May", "same for last year"), "revenue 2025-01-01..2025-12-31"),
        (("revenue in May", "and in April?"), "revenue 2026-04-01..2026-04-30"),
        (("revenue in May", "all time"), "revenue"),
        (("revenue in May", "compare with the previous period"), f"revenue {MAY} compare previous"),
        (("revenue in May", "compared to last year"), f"revenue {MAY} compare year"),
        (("revenue in May vs April", "without the comparison"), f"revenue {MAY}"),
        (("revenue in May vs April", "and in March?"), "revenue 2026-03-01..2026-03-31 compare previous"),
        (("revenue by country", "top 5"), "revenue by user__country order -revenue limit 5"),
        (("revenue by country", "the worst 3"), "revenue by user__country order revenue limit 3"),
        (("top 5 countries by revenue", "and orders?"), "orders by user__country order -orders limit 5"),
        (("top 5 countries by revenue", "in total"), "revenue"),
        (("top 5 countries by revenue", "remove the limit"), "revenue by user__country"),
        (("revenue by country", "sorted by orders"), "revenue, orders by user__country order -orders"),
        (
            ("revenue and orders by country sorted by orders", "lowest first"),
            "revenue, orders by user__country order orders",
        ),
        # Those that are shown stay as many.
        (("top 3 countries by revenue", "sorted by orders"), "revenue, orders by user__country order -orders limit 3"),
        (("top 3 countries by revenue", "lowest first"), "revenue by user__country order revenue limit 3"),
        (("top 3 countries by revenue", "remove the limit"), "revenue by user__country"),
        (
            ("revenue by country", "only those with more than 100 orders"),
            "revenue, orders by user__country having orders > 100",
        ),
        (("revenue by country in May", "what about orders?"), f"orders by user__country {MAY}"),
        (("revenue in May", "add orders"), f"revenue, orders {MAY}"),
        (("revenue by country in May", "how many sessions were there yesterday"), "sessions 2026-06-23..2026-06-23"),
        (("revenue by country", "and how many sessions were there in May?"), f"sessions {MAY}"),
        (("revenue by contry", "and by pln?"), "revenue by user__country, user__plan"),
        (
            ("share of revenue by country", "and in April?"),
            "revenue by user__country 2026-04-01..2026-04-30 share of total",
        ),
        (("share of revenue by country", "what about orders?"), "orders by user__country share of total"),
        (("share of revenue by country", "in total"), "revenue"),
        # journeys
        (
            ("funnel from signup to order", "only on mobile"),
            "funnel signed_up[device.type=mobile] > order_completed[device.type=mobile]",
        ),
        (("funnel from signup to order", "by country"), "funnel signed_up > order_completed by user.country"),
        (("funnel from signup to order", "and by country?"), "funnel signed_up > order_completed by user.country"),
        (("purchase funnel", "and by country?"), f"{PURCHASE} by user.country"),
        (("funnel from signup to order", "within 3 days"), "funnel signed_up > order_completed within 259200"),
        (("funnel from signup to order", "per week"), "funnel signed_up > order_completed trend week"),
        (("funnel from signup to order on mobile", "remove the filter"), "funnel signed_up > order_completed"),
        (("revenue last week", "and the week before?"), "revenue 2026-06-08..2026-06-14"),
        (("revenue in May", "the month before that"), "revenue 2026-04-01..2026-04-30"),
        (("revenue this week vs last week", "and the week before?"), "revenue 2026-06-15..2026-06-21 compare previous"),
        (("weekly retention of sign-ups", "monthly"), "retention signed_up > * per month"),
        (
            ("weekly retention of sign-ups", "in May"),
            "retention signed_up > * per week cohorts until 2026-05-31 2026-05-01..",
        ),
        (("where do people go after pricing", "and before?"), "paths previous page_viewed[page.path=/pricing]"),
        (
            ("where do people go after pricing on mobile", "remove the filter"),
            "paths next page_viewed[page.path=/pricing]",
        ),
        (("where do people go after pricing", "top 5"), "paths next page_viewed[page.path=/pricing] top 5"),
    ],
)
def test_a_follow_up_amends_the_question_before(questions: tuple[str, ...], expected: str) -> None:
    assert follow(*questions) == expected


@pytest.mark.parametrize(
    ("questions", "why"),
    [
        (("and by country?",), "no question before it"),
        (("only pro users", "top 5"), "no question before it"),
        (("revenue in May", "and in May?"), "not clear what of the question before it changes"),
        (("top 3 countries by revenue", "sorted by revenue"), "not clear what of the question before it changes"),
        (("revenue in May", "by mood"), "'mood'"),
        (("revenue in May", "and the week before?"), "not of one week"),
        (("monthly active users", "by plan"), "cannot be told by plan"),
        (("revenue in May", "vs France"), "nothing like it"),
        (("revenue in May", "top 5"), "does not say what"),
        # The first rows of countries and weeks are no first countries.
        (("top 5 countries by revenue", "per week"), "Of each week by itself nothing is ranked"),
        (("top 5 countries by revenue", "and by plan"), "Within each country or plan by itself nothing is ranked"),
        (("revenue by country", "top 5", "by month"), "Of each month by itself nothing is ranked"),
        (("revenue", "for the other project"), "one project"),
        (("revenue", "why?"), "Why"),
        (("funnel from signup to order", "compare with last month"), "not compared"),
        (("where do people go after pricing", "by country"), "not broken down"),
        (("weekly retention", "within 3 days"), "Only a funnel"),
    ],
)
def test_a_follow_up_that_cannot_be_meant_is_refused(questions: tuple[str, ...], why: str) -> None:
    told = follow(*questions)
    assert told.startswith("refused"), told
    assert why in told
