"""Every metric by month, counted by hand from the rows of the facts."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from tests.truths.metric_facts import Facts, Months, Row, by_month, divided, mean, month, people, percentile

VIEWS = ("page_viewed", "screen_viewed")


def total(column: str) -> Callable[[list[Row]], Any]:
    return lambda rows: sum(getattr(row, column) or 0 for row in rows)


def average(column: str) -> Callable[[list[Row]], Any]:
    return lambda rows: mean(getattr(row, column) for row in rows)


def number_of(condition: Callable[[Row], Any]) -> Callable[[list[Row]], Any]:
    return lambda rows: sum(bool(condition(row)) for row in rows)


def by_hand(facts: Facts) -> dict[str, Callable[[], Months]]:
    def events(event: str) -> Callable[[], Months]:
        return lambda: by_month((row for row in facts.events if row.event == event), len)

    def of(rows: Callable[[], list[Row]], value: Callable[[list[Row]], Any]) -> Callable[[], Months]:
        return lambda: by_month(rows(), value)

    def ratio(above: str, below: str, times: int = 1) -> Callable[[], Months]:
        return lambda: divided(found[above](), found[below](), times)

    def per_spend(below: str) -> Callable[[], Months]:
        """Where no spend is recorded, what one costs is not known."""

        def made() -> Months:
            spend = found["marketing_spend"]()
            return divided(spend, {name: of for name, of in found[below]().items() if spend.get(name)})

        return made

    def sessions() -> list[Row]:
        return facts.sessions

    def views() -> list[Row]:
        return facts.views

    def orders() -> list[Row]:
        return facts.orders

    def movements() -> list[Row]:
        return _movements(facts)

    def newcomers() -> list[Row]:
        return _newcomers(facts)

    def sign_ups() -> list[Row]:
        return _sign_ups(facts)

    def converted(base: tuple[str, ...], goal: str, days: int) -> Callable[[], Months]:
        return lambda: _converted(facts, base, goal, timedelta(days=days))

    def moved(kind: str, sign: int = 1) -> Callable[[], Months]:
        return lambda: by_month(movements(), lambda rows: sum(sign * r.change for r in rows if r.kind == kind))

    def experiment(goal: str) -> Callable[[], Months]:
        done = {person: times[-1] for person, times in facts.times_of(goal).items()}
        return lambda: by_month(
            facts.exposures, lambda rows: mean(done.get(r.person_key, r.timestamp.min) >= r.timestamp for r in rows)
        )

    found: dict[str, Callable[[], Months]] = {
        # activity
        "events": of(lambda: facts.events, len),
        "active_users": of(lambda: [row for row in facts.events if row.person_id], people),
        "events_per_user": ratio("events", "active_users"),
        "daily_active_users": lambda: by_month(_days(facts), average("daily")),
        "weekly_active_users": lambda: by_month(_days(facts), lambda rows: rows[-1].weekly),
        "monthly_active_users": lambda: by_month(_days(facts), lambda rows: rows[-1].monthly),
        "stickiness": ratio("daily_active_users", "monthly_active_users"),
        "weekly_stickiness": ratio("daily_active_users", "weekly_active_users"),
        "sign_ups": events("signed_up"),
        "logins": events("logged_in"),
        "feature_uses": events("feature_used"),
        "feature_users": of(lambda: [r for r in facts.events if r.event == "feature_used" and r.person_id], people),
        "feature_adoption": ratio("feature_users", "active_users"),
        "searches": events("search_performed"),
        "invitations": events("teammate_invited"),
        "projects_created": events("project_created"),
        # sessions
        "sessions": of(sessions, len),
        "visitors": of(sessions, people),
        "engaged_sessions": of(sessions, number_of(lambda s: s.is_engaged)),
        "engagement_rate": ratio("engaged_sessions", "sessions"),
        "bounced_sessions": of(sessions, number_of(lambda s: s.is_bounce)),
        "bounce_rate": ratio("bounced_sessions", "sessions"),
        "converted_sessions": of(sessions, number_of(lambda s: s.is_converted)),
        "session_conversion_rate": ratio("converted_sessions", "sessions"),
        "session_duration": of(sessions, lambda rows: mean(s.duration_ms / 1000 for s in rows)),
        "median_session_duration": of(sessions, lambda rows: percentile((s.duration_ms / 1000 for s in rows), 0.5)),
        "events_in_sessions": of(sessions, total("events")),
        "events_per_session": ratio("events_in_sessions", "sessions"),
        "views_in_sessions": of(sessions, total("views")),
        "views_per_session": ratio("views_in_sessions", "sessions"),
        "sessions_per_user": ratio("sessions", "visitors"),
        "revenue_in_sessions": of(sessions, total("revenue")),
        "revenue_per_session": ratio("revenue_in_sessions", "sessions"),
        "error_sessions": of(sessions, number_of(lambda s: s.errors)),
        "error_rate": ratio("error_sessions", "sessions"),
        "errors_in_sessions": of(sessions, total("errors")),
        "errors_per_session": ratio("errors_in_sessions", "sessions"),
        # pages
        "page_views": of(views, len),
        "viewers": of(views, people),
        "entrances": of(views, number_of(lambda v: v.view_number == 1)),
        "exits": of(views, number_of(lambda v: v.is_exit)),
        "exit_rate": ratio("exits", "page_views"),
        "time_on_page": of(views, lambda rows: mean(v.time_on_page_ms and v.time_on_page_ms / 1000 for v in rows)),
        "page_load_time": of(views, average("load_time_ms")),
        "page_load_time_p50": of(views, lambda rows: percentile((v.load_time_ms for v in rows), 0.5)),
        "page_load_time_p95": of(views, lambda rows: percentile((v.load_time_ms for v in rows), 0.95)),
        "timed_page_views": of(views, number_of(lambda v: v.load_time_ms is not None)),
        "slow_page_views": of(views, number_of(lambda v: (v.load_time_ms or 0) > 2500)),
        "slow_page_rate": ratio("slow_page_views", "timed_page_views"),
        # errors
        "errors": of(lambda: facts.errors, len),
        "fatal_errors": of(lambda: facts.errors, number_of(lambda e: e.is_fatal)),
        "fatal_error_share": ratio("fatal_errors", "errors"),
        "users_with_errors": of(lambda: facts.errors, people),
        "active_users_with_errors": of(lambda: facts.errors, people),
        "user_error_rate": ratio("users_with_errors", "active_users"),
        # commerce
        "orders": of(orders, len),
        "revenue": of(orders, total("revenue")),
        "average_order_value": of(orders, average("revenue")),
        "median_order_value": of(orders, lambda rows: percentile((o.revenue for o in rows), 0.5)),
        "buyers": of(orders, people),
        "repeat_buyers": of(lambda: _repeated(orders()), people),
        "repeat_buyer_rate": ratio("repeat_buyers", "buyers"),
        "discounts": lambda: by_month(_discounted(orders()), total("taken_off")),
        "orders_per_buyer": ratio("orders", "buyers"),
        "revenue_per_buyer": ratio("revenue", "buyers"),
        "average_discount": lambda: by_month(_discounted(orders(), told=True), average("taken_off")),
        "arpu": ratio("revenue", "active_users"),
        "revenue_per_visitor": ratio("revenue", "visitors"),
        "buyer_rate": ratio("buyers", "active_users"),
        "items_ordered": of(orders, total("items_count")),
        "items_per_order": ratio("items_ordered", "orders"),
        "coupon_orders": of(orders, number_of(lambda o: o.coupon)),
        "coupon_rate": ratio("coupon_orders", "orders"),
        "product_revenue": of(lambda: facts.items, total("list_revenue")),
        "units_sold": of(lambda: facts.items, total("quantity")),
        "product_orders": of(lambda: facts.items, lambda rows: len({row.order_key for row in rows})),
        "refunds": of(lambda: facts.refunds, len),
        "refunded_revenue": of(lambda: facts.refunds, total("refunded_revenue")),
        "net_revenue": lambda: _less(found["revenue"](), found["refunded_revenue"]()),
        "refund_rate": ratio("refunds", "orders"),
        # subscriptions
        "mrr": lambda: by_month(balances(facts), lambda rows: rows[-1].revenue),
        "mrr_at_start": lambda: by_month(balances(facts), lambda rows: rows[0].revenue_before),
        "subscribers": lambda: by_month(balances(facts), lambda rows: rows[-1].count),
        "subscribers_at_start": lambda: by_month(balances(facts), lambda rows: rows[0].count_before),
        "net_new_subscribers": lambda: _less(found["subscribers"](), found["subscribers_at_start"]()),
        "arr": lambda: {name: value * 12 for name, value in found["mrr"]().items()},
        "arpa": ratio("mrr", "subscribers"),
        "new_mrr": moved("new"),
        "reactivation_mrr": moved("reactivation"),
        "expansion_mrr": moved("expansion"),
        "contraction_mrr": moved("contraction", -1),
        "churned_mrr": moved("churned", -1),
        "net_new_mrr": of(movements, total("change")),
        "new_customers": of(movements, number_of(lambda m: m.kind == "new")),
        "reactivated_customers": of(movements, number_of(lambda m: m.kind == "reactivation")),
        "churned_customers": of(movements, number_of(lambda m: m.kind == "churned")),
        "churn_rate": ratio("churned_customers", "subscribers_at_start"),
        "revenue_churn_rate": lambda: divided(
            _more(found["churned_mrr"](), found["contraction_mrr"]()), found["mrr_at_start"]()
        ),
        "net_revenue_retention": lambda: divided(
            _less(
                _more(found["mrr_at_start"](), found["expansion_mrr"]()),
                _more(found["churned_mrr"](), found["contraction_mrr"]()),
            ),
            found["mrr_at_start"](),
        ),
        "quick_ratio": lambda: divided(
            _more(found["new_mrr"](), found["reactivation_mrr"](), found["expansion_mrr"]()),
            _more(found["churned_mrr"](), found["contraction_mrr"]()),
        ),
        "ltv": lambda: divided(found["arpa"](), found["churn_rate"]()),
        "trials_started": events("trial_started"),
        "subscriptions_started": events("subscription_started"),
        "cancellations": events("subscription_cancelled"),
        "failed_payments": events("payment_failed"),
        # growth
        "new_users": of(newcomers, len),
        "returning_users": lambda: _less(found["active_users"](), found["new_users"]()),
        "retention_d1": of(newcomers, lambda rows: mean(_back(facts, row, 1) for row in rows)),
        "retention_d7": of(newcomers, lambda rows: mean(_back(facts, row, 7) for row in rows)),
        "retention_d30": of(newcomers, lambda rows: mean(_back(facts, row, 30) for row in rows)),
        "revenue_per_new_user_30d": of(newcomers, lambda rows: mean(_spent(facts, row, 30) for row in rows)),
        "revenue_per_new_user_90d": of(newcomers, lambda rows: mean(_spent(facts, row, 90) for row in rows)),
        "sign_up_rate": converted(VIEWS, "signed_up", 7),
        "signup_completion_rate": converted(("signup_started",), "signed_up", 1),
        "activated_users": of(sign_ups, number_of(lambda s: s.activated)),
        "activation_rate": of(sign_ups, lambda rows: mean(s.activated for s in rows if s.days > 6)),
        "paid_conversion_rate": of(sign_ups, lambda rows: mean(s.paid for s in rows if s.days > 29)),
        "onboarding_completions": events("onboarding_completed"),
        "trial_conversion_rate": converted(("trial_started",), "paid", 30),
        "checkout_conversion_rate": converted(("checkout_started",), "order", 1),
        "cart_conversion_rate": converted(("product_added",), "order", 1),
        "cart_abandonment_rate": lambda: {n: 1 - value for n, value in found["cart_conversion_rate"]().items()},
        "marketing_spend": of(lambda: facts.spend, total("cost")),
        "impressions": of(lambda: facts.spend, total("impressions")),
        "clicks": of(lambda: facts.spend, total("clicks")),
        "click_through_rate": ratio("clicks", "impressions"),
        "cost_per_click": ratio("marketing_spend", "clicks"),
        "cost_per_thousand_impressions": ratio("marketing_spend", "impressions", 1000),
        "cost_per_sign_up": per_spend("sign_ups"),
        "cac": per_spend("new_customers"),
        "roas": ratio("revenue", "marketing_spend"),
        # experiments
        "exposed_users": of(lambda: facts.exposures, people),
        "experiment_sign_up_rate": experiment("signed_up"),
        "experiment_activation_rate": experiment("onboarding_completed"),
        "experiment_order_rate": experiment("order_completed"),
        # feedback
        "nps_answers": of(lambda: facts.answers, len),
        "nps_promoters": of(lambda: facts.answers, number_of(lambda a: a.score > 8)),
        "nps_detractors": of(lambda: facts.answers, number_of(lambda a: a.score < 7)),
        "nps": lambda: divided(_less(found["nps_promoters"](), found["nps_detractors"]()), found["nps_answers"](), 100),
        "average_nps_answer": of(lambda: facts.answers, average("score")),
        "support_tickets": events("support_ticket_opened"),
        "tickets_per_user": ratio("support_tickets", "active_users"),
        # data quality
        "events_accepted": of(lambda: facts.received, len),
        "events_rejected": of(lambda: facts.rejected, len),
        "events_received": lambda: _more(found["events_accepted"](), found["events_rejected"]()),
        "acceptance_rate": ratio("events_accepted", "events_received"),
        "rejection_rate": ratio("events_rejected", "events_received"),
        "repeated_events": of(lambda: facts.received, number_of(lambda line: not line.is_first)),
        "duplicate_rate": ratio("repeated_events", "events_accepted"),
        "sound_events": of(lambda: facts.received, number_of(lambda line: line.is_first)),
        "data_quality_score": ratio("sound_events", "events_received", 100),
        "table_quality_score": of(lambda: facts.scores, average("score")),
    }
    return found


def _more(*parts: Months) -> Months:
    names = {name for part in parts for name in part}
    return {name: sum(part.get(name) or 0 for part in parts) for name in names}


def _less(whole: Months, part: Months) -> Months:
    return _more(whole, {name: -value for name, value in part.items()})


def _days(facts: Facts) -> Iterator[Row]:
    days = list(facts.active_on)
    for number, day in enumerate(days):
        weekly = set().union(*(facts.active_on[d] for d in days[max(0, number - 6) : number + 1]))
        monthly = set().union(*(facts.active_on[d] for d in days[max(0, number - 29) : number + 1]))
        yield SimpleNamespace(local_date=day, daily=len(facts.active_on[day]), weekly=len(weekly), monthly=len(monthly))


def _changes(facts: Facts) -> dict[str, dict[datetime, Any]]:
    """What each customer begins to pay less what ends, at each instant at which anything does."""
    found: dict[str, dict[datetime, Any]] = defaultdict(lambda: defaultdict(int))
    for row in facts.subscriptions:
        customer = row.person_id or row.subscription_id
        found[customer][row.started_at] += row.monthly_revenue
        if row.ended_at:
            found[customer][row.ended_at] -= row.monthly_revenue
    return found


def _repeated(orders: list[Row]) -> list[Row]:
    """Orders of those who had one before."""
    first: dict[int, tuple[datetime, str]] = {}
    for order in sorted(orders, key=lambda one: (one.ordered_at, one.order_id)):
        first.setdefault(order.person_key, (order.ordered_at, order.order_id))
    return [order for order in orders if (order.ordered_at, order.order_id) != first[order.person_key]]


def _discounted(orders: list[Row], told: bool = False) -> list[Row]:
    """At the rate of what was paid; `told`: also of orders that say that there was none."""
    return [
        SimpleNamespace(local_date=order.local_date, taken_off=order.discount * order.revenue / order.amount)
        for order in orders
        if order.revenue and (order.discount or (told and order.discount is not None))
    ]


def _movements(facts: Facts) -> list[Row]:
    found = []
    for changes in _changes(facts).values():
        pays, ever = 0, False
        for at, change in sorted(changes.items()):
            if not change:
                continue
            if not pays:
                kind = "reactivation" if ever else "new"
            elif pays + change == 0:
                kind = "churned"
            else:
                kind = "expansion" if change > 0 else "contraction"
            pays, ever = pays + change, True
            found.append(SimpleNamespace(local_date=facts.day(at), kind=kind, change=change))
    return found


def balances(facts: Facts) -> Iterator[Row]:
    """What is paid before and at the end of each day, from the first change on."""
    begins: dict[date, list[Any]] = defaultdict(list)
    for row in facts.subscriptions:
        begins[facts.day(row.started_at)].append((1, row.monthly_revenue))
        if row.ended_at:
            begins[facts.day(row.ended_at)].append((-1, -row.monthly_revenue))
    day, count, revenue = min(begins), 0, 0
    last = max(facts.last_day, *(row.local_date for row in (*facts.orders, *facts.spend)))
    while day <= last:
        before = (count, revenue)
        count += sum(change for change, _ in begins[day])
        revenue += sum(change for _, change in begins[day])
        yield SimpleNamespace(
            local_date=day, count=count, revenue=revenue, count_before=before[0], revenue_before=before[1]
        )
        day += timedelta(days=1)


def _newcomers(facts: Facts) -> list[Row]:
    return [SimpleNamespace(person_key=key, local_date=day) for key, day in facts.first_day_of.items()]


def _back(facts: Facts, person: Row, days: int) -> bool | None:
    day = person.local_date + timedelta(days=days)
    return person.person_key in facts.active_on[day] if day <= facts.last_day else None


def _spent(facts: Facts, person: Row, days: int) -> Any:
    end = person.local_date + timedelta(days=days)
    if end > facts.last_day + timedelta(days=1):
        return None
    mine = (order for order in facts.orders if order.person_key == person.person_key and order.local_date < end)
    return sum(order.revenue or 0 for order in mine)


def _payments(facts: Facts) -> dict[int, list[datetime]]:
    """When each person first began to pay for a subscription."""
    found: dict[int, list[datetime]] = {}
    for row in sorted(facts.subscriptions, key=lambda row: row.started_at):
        found.setdefault(row.person_key, [row.started_at])
    return found


def _sign_ups(facts: Facts) -> list[Row]:
    onboarded, paid = facts.times_of("onboarding_completed"), _payments(facts)
    found = []
    for person, (at, *_) in facts.times_of("signed_up").items():
        done, payments = onboarded.get(person, [None])[0], paid.get(person, [None])[0]
        found.append(
            SimpleNamespace(
                local_date=facts.day(at),
                days=(facts.last_day - facts.day(at)).days,
                activated=done is not None and at <= done <= at + timedelta(days=7),
                paid=payments is not None and at <= payments <= at + timedelta(days=30),
            )
        )
    return found


def _converted(facts: Facts, base: tuple[str, ...], goal: str, window: timedelta) -> Months:
    """A goal counts with the last base before it, if that is not longer ago than the window."""
    times: dict[int, list[datetime]] = defaultdict(list)
    for event in base:
        for person, those in facts.times_of(event).items():
            times[person] += those
    if goal == "paid":
        goals = _payments(facts)
    elif goal == "order":
        goals = defaultdict(list)
        for order in facts.orders:
            goals[order.person_key].append(order.ordered_at)
    else:
        goals = {person: those[:1] for person, those in facts.times_of(goal).items()}
    bases: dict[str, set[int]] = defaultdict(set)
    reached: dict[str, set[int]] = defaultdict(set)
    for person, those in times.items():
        those.sort()
        for at in those:
            bases[month(facts.day(at))].add(person)
        for at in goals.get(person, ()):
            before = bisect_right(those, at)
            if before and at - those[before - 1] < window:
                reached[month(facts.day(those[before - 1]))].add(person)
    return {name: len(reached[name]) / len(people) for name, people in bases.items()}
