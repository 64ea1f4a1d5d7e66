"""Questions about metrics, and the query that each must become."""

from __future__ import annotations

import pytest

from semantic_layer.ask.understanding import Context, understand
from semantic_layer.ask.understood import Refusal
from tests.unit.ask.telling import ask, told
from tests.unit.ask.world import CATALOGUE, TODAY

MAY = "2026-05-01..2026-05-31"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        # names, labels, synonyms, singular and plural, however they are written together
        ("revenue", "revenue"),
        ("What was our revenue last month?", f"revenue {MAY}"),
        ("show me the turnover of May", f"revenue {MAY}"),
        ("AOV in May", f"average_order_value {MAY}"),
        ("average order values", "average_order_value"),
        ("signups", "sign_ups"),
        ("sign ups and sign-up rate", "sign_ups, sign_up_rate"),
        ("pageviews", "page_views"),
        ("page view", "page_views"),
        ("monthly recurring revenue", "monthly_recurring_revenue"),
        ("how many people visited us", "refused: It is not known what 'visited' means here."),
        ("how many users were there in May", f"active_users {MAY}"),
        ("weekly active users", "weekly_active_users"),
        ("active users per week", "active_users by metric_time:week"),
        ("revenue, orders and sessions in May", f"revenue, orders, sessions {MAY}"),
        ("revenue per user", "revenue_per_user"),
        ("what do users spend on average, the revenue per user", "refused: It is not known what 'spend' means here."),
        ("revenue per user on average", "revenue_per_user"),
        ("REVENUE BY COUNTRY", "revenue by user__country"),
        ("average order by country", "average_order_value by user__country"),
        # shares of a total
        ("share of revenue by country in May", f"revenue by user__country {MAY} share of total"),
        ("revenue share by channel", "revenue by session__channel share of total"),
        ("percentage of orders by country per month", "orders by user__country, metric_time:month share of total"),
        ("revenue by country as a percentage of total", "revenue by user__country share of total"),
        (
            "what share of revenue comes from Germany",
            "revenue by user__country where user__country = DE share of total",
        ),
        (
            "share of mobile sessions",
            "sessions by session__device_type where session__device_type = mobile share of total",
        ),
        (
            "share of orders in Germany and France by country",
            "orders by user__country where user__country = DE|FR share of total",
        ),
        (
            "which country has the largest share of revenue",
            "revenue by user__country share of total order -revenue limit 1",
        ),
        ("top 3 channels by share of sessions", "sessions by session__channel share of total order -sessions limit 3"),
        (
            "share of revenue",
            "refused: It asks for a share, and not of what in the total: add `by country`, `by channel` or another.",
        ),
        (
            "share of bounce rate by country",
            "refused: Bounce rate has no share of a total: its parts do not add up to a whole.",
        ),
        (
            "share of mobile sessions by country",
            "refused: It is not clear of what total the share is: ask for it without a condition.",
        ),
        (
            "share of mobile sessions in Germany",
            "refused: It is not clear of what total the share is: ask for it without a condition.",
        ),
        (
            "share of orders of pro users",
            "refused: It is not clear of which people the share is: ask for how many there are by country, or by plan.",
        ),
        (
            "share of revenue not from Germany",
            "refused: It is not clear what else is in the total: ask for the share of what there is, by its dimension.",
        ),
        (
            "share of revenue by country compared to last month",
            "refused: A share of the total is asked for, and is compared: ask for one of them.",
        ),
        ("what share of sessions had errors on mobile", "refused: It is not known what 'errors' means here."),
        (
            "what share of sessions bounced on mobile",
            "refused: It is not clear whether 'sessions bounced' is shared out, or is a share itself: ask for a rate.",
        ),
        (
            "what percentage of sessions bounced by device",
            "refused: It is not clear whether 'sessions bounced' is shared out, or is a share itself: ask for a rate.",
        ),
        ("what share of orders coupon by device", "refused: It is not known what 'orders coupon' means here."),
        ("share of bounced sessions by device", "bounced_sessions by session__device_type share of total"),
        # events that no metric is called after
        ("how many product viewed in May", f"events where event__name = product_viewed {MAY}"),
        ("how many checkout started in May", f"events where event__name = checkout_started {MAY}"),
        (
            "checkout_started on mobile by country",
            "events by user__country where (event__name = checkout_started and session__device_type = mobile)",
        ),
        (
            "product viewed and checkout started",
            "events by event__name where event__name = product_viewed|checkout_started",
        ),
        (
            "product viewed without checkout started",
            "refused: It is not known what 'without', 'checkout started' means here.",
        ),
        (
            "product viewed and revenue",
            "refused: It counts an event and asks for a metric as well: ask for one of them.",
        ),
        (
            "how many different product viewed",
            "refused: Of product_viewed it is known how often it happened, not of how many different ones.",
        ),
        ("average product viewed", "refused: Events are no average: say of what."),
        # groupings
        ("revenue by country", "revenue by user__country"),
        ("revenue by country and plan", "revenue by user__country, user__plan"),
        ("revenue per market", "revenue by user__country"),
        ("orders split by device per month", "orders by session__device_type, metric_time:month"),
        ("weekly orders by channel", "orders by metric_time:week, session__channel"),
        ("orders for each plan, each day", "orders by user__plan, metric_time:day"),
        ("break down sessions by platform", "sessions by session__device_type"),
        ("revenue over time in May", f"revenue by metric_time:day {MAY}"),
        ("revenue over time this year", "revenue by metric_time:week 2026-01-01..2026-06-24"),
        ("revenue trend since October 2025", "revenue by metric_time:month 2025-10-01..2026-06-24"),
        # conditions
        ("orders in Germany", "orders where user__country = DE"),
        ("orders in Germany and France", "orders where user__country = DE|FR"),
        ("orders in Germany or the UK", "orders where user__country = DE|GB"),
        ("German orders", "orders where user__country = DE"),
        ("orders in the US", "orders where user__country = US"),
        ("revenue from pro users", "revenue where user__plan = pro"),
        ("revenue from unpaid users", "revenue where user__plan = free"),
        ("revenue of pro users on smartphones", "revenue where (user__plan = pro and session__device_type = mobile)"),
        ("orders by pro users by country", "orders by user__country where user__plan = pro"),
        ("revenue where plan is pro", "revenue where user__plan = pro"),
        ("revenue where plan is not pro", "revenue where user__plan != pro"),
        ("revenue with plan = pro", "revenue where user__plan = pro"),
        ("revenue not in Germany", "revenue where user__country != DE"),
        ("revenue except Germany and France", "revenue where user__country != DE|FR"),
        ("revenue without the email channel", "revenue where session__channel != email"),
        (
            "revenue excluding mobile and Germany",
            "revenue where (session__device_type != mobile and user__country != DE)",
        ),
        ("non-mobile revenue", "revenue where session__device_type != mobile"),
        ("revenue from neither mobile nor tablet", "revenue where session__device_type != mobile|tablet"),
        ("revenue in Germany, not on mobile", "revenue where (user__country = DE and session__device_type != mobile)"),
        (
            "revenue in Germany but not on mobile",
            "revenue where (user__country = DE and session__device_type != mobile)",
        ),
        ("only mobile revenue", "revenue where session__device_type = mobile"),
        ("revenue on mobile or in Germany", "revenue where (session__device_type = mobile or user__country = DE)"),
        (
            "revenue on mobile in Germany or on desktop in France",
            "revenue where ((session__device_type = mobile and user__country = DE) or "
            "(session__device_type = desktop and user__country = FR))",
        ),
        ("orders with coupon SPRING10", "orders where order__coupon = SPRING10"),
        ('orders where coupon is "WINTER, 20"', "orders where order__coupon = WINTER, 20"),
        ("page views with load time above 1000", "page_views where page__load_ms > 1000"),
        ("page views with load time of at most 200", "page_views where page__load_ms <= 200"),
        ("errors of version 3.2", "errors where app__version = 3.2"),
        ("errors of 3.2", "refused: It is not known what '3.2' means here."),
        ("errors of app version 3.2", "errors where app__version = 3.2"),
        ("page views of /pricing", "page_views where page__page_path = /pricing"),
        ("page views of the pricing page", "page_views where page__page_path = /pricing"),
        ("mobile vs desktop revenue", "revenue by session__device_type where session__device_type = mobile|desktop"),
        ("compare revenue of Germany and France", "revenue by user__country where user__country = DE|FR"),
        # rankings
        ("top 5 countries by revenue", "revenue by user__country order -revenue limit 5"),
        ("bottom 3 channels by sign-up rate", "sign_up_rate by session__channel order sign_up_rate limit 3"),
        ("top country by revenue", "revenue by user__country order -revenue limit 1"),
        ("which channel has the highest revenue", "revenue by session__channel order -revenue limit 1"),
        ("which country had the fewest orders in May", f"orders by user__country {MAY} order orders limit 1"),
        ("best channel by bounce rate", "bounce_rate by session__channel order bounce_rate limit 1"),
        ("worst 2 channels by bounce rate", "bounce_rate by session__channel order -bounce_rate limit 2"),
        ("the 3 countries with the most orders", "orders by user__country order -orders limit 3"),
        ("countries ranked by revenue", "revenue by user__country order -revenue"),
        ("revenue by country, lowest first", "revenue by user__country order revenue"),
        ("revenue by country sorted by orders", "revenue, orders by user__country order -orders"),
        ("what was the best day for revenue in May", f"revenue by metric_time:day {MAY} order -revenue limit 1"),
        ("which month had the most sign-ups", "sign_ups by metric_time:month order -sign_ups limit 1"),
        # thresholds
        ("countries with more than 100 orders", "orders by user__country having orders > 100"),
        ("countries where revenue is at least 1,000", "revenue by user__country having revenue >= 1000"),
        ("channels with a bounce rate below 40%", "bounce_rate by session__channel having bounce_rate < 0.4"),
        ("channels with a bounce rate below 40 %", "bounce_rate by session__channel having bounce_rate < 0.4"),
        ("revenue by country with fewer than 10 orders", "revenue, orders by user__country having orders < 10"),
        ("days with between 10 and 20 orders", "orders by metric_time:day having orders >= 10, orders <= 20"),
        ("countries with over 2k revenue", "revenue by user__country having revenue > 2000"),
        # comparisons
        ("revenue in May compared to April", f"revenue {MAY} compare previous"),
        ("revenue in May vs the month before", f"revenue {MAY} compare previous"),
        ("revenue in May vs last year", f"revenue {MAY} compare year"),
        ("revenue in May compared to May 2025", f"revenue {MAY} compare year"),
        ("revenue last month vs the same month last year", f"revenue {MAY} compare year"),
        ("revenue this month vs last month", "revenue 2026-06-01..2026-06-24 compare month"),
        ("revenue this week vs last week", "revenue 2026-06-22..2026-06-24 compare week"),
        ("sessions, week over week", "sessions 2026-06-22..2026-06-24 compare week"),
        ("revenue this quarter compared to the quarter before", "revenue 2026-04-01..2026-06-24 compare quarter"),
        ("revenue this month vs the previous period", "revenue 2026-06-01..2026-06-24 compare month"),
        ("revenue per day this month vs last month", "revenue by metric_time:day 2026-06-01..2026-06-24 compare month"),
        (
            "revenue per week this month vs last month",
            "revenue by metric_time:week 2026-06-01..2026-06-24 compare previous",
        ),
        ("revenue yesterday vs the same day last week", "revenue 2026-06-23..2026-06-23 compare week"),
        ("revenue yesterday vs the same day last month", "revenue 2026-06-23..2026-06-23 compare month"),
        ("compare revenue of May and April", f"revenue {MAY} compare previous"),
        ("revenue last 7 days compared to the previous period", "revenue 2026-06-17..2026-06-23 compare previous"),
        ("revenue in April vs May", f"revenue {MAY} compare previous"),
        ("revenue Q1 2026 vs Q2 2026", "revenue 2026-04-01..2026-06-24 compare quarter"),
        ("revenue Nov to Jan vs Feb to Apr", "revenue 2026-02-01..2026-04-30 compare previous"),
        ("revenue last 30 days vs previous 30 days", "revenue 2026-05-25..2026-06-23 compare previous"),
        # days that follow each other are one: of a single figure each of them is told
        ("revenue in May and June", "revenue by metric_time:month 2026-05-01..2026-06-30"),
        ("revenue in June, April and in May", "revenue by metric_time:month 2026-04-01..2026-06-30"),
        ("revenue in Q1 and Q2", "revenue by metric_time:quarter 2026-01-01..2026-06-30"),
        ("orders per week in May and June", "orders by metric_time:week 2026-05-01..2026-06-30"),
        (
            "top 5 countries by revenue in May and June",
            "revenue by user__country 2026-05-01..2026-06-30 order -revenue limit 5",
        ),
        ("how did revenue change in May", f"revenue {MAY} compare previous"),
        ("sessions last 14 days vs the 14 days before", "sessions 2026-06-10..2026-06-23 compare previous"),
        (
            "which country grew the most in revenue in May",
            f"revenue by user__country {MAY} compare previous order -revenue__change limit 1",
        ),
        (
            "which channel declined the most in sessions in May",
            f"sessions by session__channel {MAY} compare previous order sessions__change limit 1",
        ),
        (
            "which 3 countries improved the least in revenue in May",
            f"revenue by user__country {MAY} compare previous order revenue__change limit 3",
        ),
        ("revenue last week, week over week", "revenue 2026-06-15..2026-06-21 compare previous"),
    ],
)
def test_a_question_becomes_its_query(question: str, expected: str) -> None:
    assert told(question) == expected


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("conversion rate by country", "Sign-up rate or Purchase rate"),
        ("average revenue", "no average"),
        ("orders on average per day", "no average"),
        ("sessions that had errors", "'errors'"),
        ("sessions orders", "'orders'"),
        ("median revenue", "'median'"),
        ("revenue per session", "'per'"),
        ("revenue per user per customer", "'per'"),
        ("revenue by mood", "what 'mood' means"),
        ("revenue by foo", "what 'foo' means"),
        ("monthly active users by plan", "cannot be told by plan"),
        ("errors by country", "cannot be told by country"),
        ("revenue of mobile users in Germany or of pro users", "`or`"),
        ("revenue in Germany and in France where country is US", "at once"),
        ("revenue not", "'not'"),
        ("revenue or", "'or'"),
        ("revenue or orders", "'or'"),
        ("revenue without", "'without'"),
        ("revenue never", "'never'"),
        ("revenue unless mobile", "'unless'"),
        ("revenue in May compared to January", "just before"),
        ("revenue vs the previous period", "which days"),
        ("revenue in April and June", "2026-04-01 to 2026-04-30 and"),
        ("orders longer than 10 minutes", "How long orders took is not known"),
        ("revenue in December 2026", "future"),
        ("revenue next month", "future"),
        ("revenue per hour", "not per hour"),
        ("highest revenue", "does not say what"),
        ("revenue in Spain", "no data of Spain"),
        ("returning customers in May", "stage of the lifecycle"),
        ("sessions last 14 days vs the 7 days before", "as many days"),
        ("which channel improved the most in bounce rate in May", "in points or relative"),
        ("which channel changed the most in sessions in May", "in which direction"),
        ("in which month did revenue grow the most", "from period to period"),
        ("longest sessions by country", "no time, of which longest is said"),
        ("largest orders by country", "Of single orders the largest"),
        ("maximum bounce rate by channel", "of single ones is not known"),
        ("revenue by country sorted by channel", "sorted by what is measured"),
        ("best page views by country", "neither better nor worse"),
        ("more than 100 orders", "does not say of what"),
        ("countries with orders above 5%", "no percentage"),
        ("yes", "'yes'"),
        ("by country", "no question before it"),
        ("in Germany", "nothing that is measured"),
        ("revenue on the weekend", "Weekends"),
        ("revenue 05/06/2026", "may be two days"),
        ("why did revenue drop", "Why"),
        ("forecast revenue for August", "future"),
        ("list the emails of all users", "who they are"),
        ("delete the orders of May", "nothing is changed"),
        ("what is the capital of France", "this project"),
        ("who are our best customers", "who they are"),
        ("how do I increase revenue", "for people to decide"),
        ("revenue of both projects", "one project"),
        ("top 3 countries by revenue per week in June", "Of each week by itself nothing is ranked"),
        ("top 3 plans by revenue in each country", "Within each plan or country by itself nothing is ranked"),
        ("best plan per country by revenue", "Within each plan or country by itself nothing is ranked"),
        ("which plan has the highest revenue in each country", "Within each plan or country by itself nothing is"),
        ("top 2 countries by revenue on mobile vs desktop", "Within each country or device"),
        ("top 3 and bottom 3 countries by revenue", "for the top and for the bottom"),
        ("top 3 countries by revenue sorted by orders", "ranked by one thing and sorted by another"),
        ("countries with the most revenue and fewest orders", "ranked by one thing and sorted by another"),
        ("lowest 3 channels by bounce rate, highest first", "sorted as they are chosen"),
        ("sessions by channel, smallest first, top 3", "for the top and for the bottom"),
        ("revenue at the end of May", "say which days"),
        ("orders in the beginning of 2026", "say which days"),
        ("countries where revenue dropped in May", "those that changed so"),
        ("revenue of everyone except pro users in Germany", "all of these people are left out, or only those there"),
        ("revenue excluding mobile users in Germany", "all of these people are left out, or only those there"),
        ("how much did revenue grow from May to June", "A change from one period to another"),
        ("which country grew the most in revenue from May to June?", "A change from one period to another"),
        ("change in orders between May and June", "A change from one period to another"),
        ("revenue where plan is gold", "No plan is 'gold': there are "),
        ("revenue where country is Narnia", "No country is 'narnia': there are "),
        ("orders where plan is not purple", "No plan is 'purple': there are "),
        ("which country had the most orders each month", "Of each month by itself nothing is ranked"),
        ("growth of orders", "not when"),
    ],
)
def test_what_is_not_known_or_not_clear_is_refused(question: str, why: str) -> None:
    told_ = told(question)
    assert told_.startswith("refused"), told_
    assert why in told_


def test_what_is_not_told_by_a_dimension_has_likes_that_are() -> None:
    found = understand("monthly active users by plan", CATALOGUE, Context("demo", TODAY))
    assert isinstance(found, Refusal)
    assert found.suggestions[0] == "active users by plan"


def test_unknown_words_are_named_as_they_were_written() -> None:
    """Also one that is corrected, and is known then and says nothing where it stands."""
    found = ask("orders contry Goblins")
    assert isinstance(found, Refusal)
    assert found.unknown_words == ("contry", "Goblins")
