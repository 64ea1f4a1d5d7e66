"""Questions about journeys, and the journey that each must become."""

from __future__ import annotations

import pytest

from semantic_layer.ask.journey_dimensions import OF_ENTITIES, PATHS
from semantic_layer.journeys.rendering import dimensions
from tests.unit.ask.telling import told

MAY = "2026-05-01..2026-05-31"
ON_MOBILE = "funnel signed_up[device.type=mobile] > order_completed[device.type=mobile]"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        # funnels
        ("funnel from signup to purchase", "funnel signed_up > order_completed"),
        ("funnel from signup to purchase for mobile users last month", f"{ON_MOBILE} {MAY}"),
        (
            "conversion from product view to order within 7 days",
            "funnel product_viewed > order_completed within 604800",
        ),
        ("conversion from product view to order within a day", "funnel product_viewed > order_completed within 86400"),
        ("how many people go from signup to checkout in May", f"funnel signed_up > checkout_started {MAY}"),
        (
            "funnel: page view, signup, checkout, order",
            "funnel page_viewed > signed_up > checkout_started > order_completed",
        ),
        ("signup -> checkout -> purchase", "funnel signed_up > checkout_started > order_completed"),
        ("how many users register and then place an order", "funnel signed_up > order_completed"),
        ("drop-off between checkout and purchase", "funnel checkout_started > order_completed"),
        ("what share of people who start a checkout buy", "funnel checkout_started > order_completed"),
        ("how many people who signed up bought within 2 weeks", "funnel signed_up > order_completed"),
        ("conversion from the pricing page to signup", "funnel page_viewed[page.path=/pricing] > signed_up"),
        (
            "conversion from viewing /docs/first-steps to signup",
            "funnel page_viewed[page.path=/docs/first-steps] > signed_up",
        ),
        ("signup to purchase conversion by country", "funnel signed_up > order_completed by user.country"),
        ("funnel from signup to purchase per week", "funnel signed_up > order_completed trend week"),
        ("signup to order in any order", "funnel signed_up > order_completed unordered"),
        ("funnel directly from signup to order", "funnel signed_up > order_completed strict"),
        (
            "funnel from signup to order without cancelling",
            "funnel signed_up > order_completed without subscription_cancelled:1-2",
        ),
        ("how long does it take from signup to order", "funnel signed_up > order_completed histogram"),
        ("how long does it take people to order after signing up", "funnel signed_up > order_completed histogram"),
        (
            "funnel from signup to order not on mobile",
            "funnel signed_up[device.type!=mobile] > order_completed[device.type!=mobile]",
        ),
        # a funnel that is declared, by its name
        (
            "show the purchase funnel",
            "funnel product_viewed[price>100] > order_completed within 604800 strict without trial_started:1-2",
        ),
        (
            "purchase funnel on mobile by country in May within 2 days",
            "funnel product_viewed[price>100,device.type=mobile] > order_completed[device.type=mobile] within 172800 "
            f"strict without trial_started:1-2 by user.country {MAY}",
        ),
        (
            "purchase funnel and checkout",
            "refused: It names a declared funnel and events beside it: ask for one or the other.",
        ),
        ("elsewhere funnel", "refused: It is not known what 'elsewhere', 'funnel' means here."),
        # retention
        ("weekly retention", "retention * > * per week"),
        (
            "weekly retention of users who signed up in May",
            "retention signed_up > * per week cohorts until 2026-05-31 2026-05-01..",
        ),
        ("monthly retention of new sign-ups", "retention signed_up > * per month"),
        ("daily retention of pro users", "retention *[user.plan=pro] > * per day"),
        ("retention of new users", "retention * > * per week first_ever"),
        ("do people come back after ordering", "retention order_completed > * per week"),
        ("do people come back after their first order", "retention order_completed > * per week first_ever"),
        ("do customers buy again", "retention order_completed > order_completed per week"),
        ("how many people who ordered order again, by month", "retention order_completed > order_completed per month"),
        ("weekly retention by country", "retention * > * per week by user.country"),
        ("retention on or after each month", "retention * > * per month on_or_after"),
        # paths
        ("where do people go after pricing", "paths next page_viewed[page.path=/pricing]"),
        ("where do people go after the home page", "paths next page_viewed[page.path=/]"),
        ("what do users do before cancelling", "paths previous subscription_cancelled"),
        ("what happens after signing up on mobile", "paths next signed_up[device.type=mobile]"),
        ("top 5 paths after signup in May", f"paths next signed_up top 5 {MAY}"),
        ("what leads to an order", "paths previous order_completed"),
        ("next 5 steps after signup", "paths next signed_up depth 5"),
        # lifecycle and stickiness
        ("new, returning and dormant users per month", "lifecycle * per month"),
        ("lifecycle of people who order", "lifecycle order_completed per week"),
        ("stickiness", "stickiness *"),
        ("on how many days are people active in May", f"stickiness * {MAY}"),
        ("stickiness of ordering on mobile", "stickiness order_completed[device.type=mobile]"),
    ],
)
def test_a_question_becomes_its_journey(question: str, expected: str) -> None:
    assert told(question) == expected


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("funnel from signup", "at least two steps"),
        ("signup funnel", "at least two steps"),
        ("funnel from birth to signup", "'birth'"),
        ("funnel from signup to order by country and plan", "one dimension"),
        ("funnel from signup to order by channel", "which channel is not"),
        ("funnel from signup to order in Germany or France", "one value"),
        ("funnel from signup to order on mobile or in Germany", "`or`"),
        ("funnel from signup to order compared to last month", "not compared"),
        ("funnel from signup to order per quarter", "per day, week or month"),
        ("retention of dinosaurs", "'dinosaurs'"),
        ("where do people go after the moon landing", "'moon'"),
        ("where do people go after signup by country", "not broken down"),
        ("stickiness by country", "not broken down"),
        ("users who signed up but did not order", "a funnel tells how many went on"),
        ("what do people do after signup and before order", "refused"),
    ],
)
def test_what_is_no_journey_is_refused(question: str, why: str) -> None:
    told_ = told(question)
    assert told_.startswith("refused"), told_
    assert why in told_


def test_what_journeys_are_told_by_is_what_they_know() -> None:
    assert {*PATHS.values(), *OF_ENTITIES.values()} <= set(dimensions())
