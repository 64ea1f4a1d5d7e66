"""A small catalogue to ask of: what a build would have written for a shop."""

from __future__ import annotations

from datetime import date

from semantic_layer.metrics.catalogue import Catalogue, DeclaredFunnel, Dimension, Metric, ProjectFacts

TODAY = date(2026, 6, 24)  # a Wednesday
WHERE = ("user__country", "user__plan", "session__device_type", "session__channel")


def _metric(
    name: str, label: str, *synonyms: str, by: tuple[str, ...] = WHERE, good: str = "up", format: str = "number"
) -> Metric:
    return Metric(
        name=name,
        label=label,
        description=f"{label}.",
        kind="simple",
        owner="growth",
        format=format,
        good=good,
        synonyms=synonyms,
        dimensions=by,
        made_of="",
        grain="day",
        grains=("day", "week", "month", "quarter", "year"),
        adds_up=name
        in ("revenue", "orders", "sessions", "sign_ups", "page_views", "events", "errors", "bounced_sessions"),
    )


METRICS = (
    _metric("revenue", "Revenue", "sales", "turnover", "income", format="currency"),
    _metric("orders", "Orders", "purchases", by=(*WHERE, "order__coupon")),
    _metric("average_order_value", "Average order value", "AOV", "average order", "basket size", format="currency"),
    _metric("active_users", "Active users", "users", "people", "visitors"),
    _metric("weekly_active_users", "Weekly active users", "WAU"),
    _metric("monthly_active_users", "Monthly active users", "MAU", by=("user__country",)),
    _metric("sessions", "Sessions", "visits"),
    _metric("bounced_sessions", "Bounced sessions", "sessions bounced"),
    _metric("bounce_rate", "Bounce rate", good="down", format="percent"),
    _metric("sign_ups", "Sign-ups", "registrations", "new users", by=("user__country", "session__channel")),
    _metric("sign_up_rate", "Sign-up rate", "sign-up conversion rate", "conversion rate", format="percent"),
    _metric("purchase_rate", "Purchase rate", "purchase conversion rate", "conversion rate", format="percent"),
    _metric("monthly_recurring_revenue", "Monthly recurring revenue", "MRR", by=("user__plan",), format="currency"),
    _metric("page_views", "Page views", by=(*WHERE, "page__page_path", "page__load_ms"), good="neutral"),
    _metric("revenue_per_user", "Revenue per user", "ARPU", by=("user__country", "user__plan"), format="currency"),
    _metric("events", "Events", by=(*WHERE, "event__name")),
    _metric("errors", "Errors", good="down", by=("session__device_type", "app__version")),
)
DIMENSIONS = (
    Dimension(
        "user__country",
        "Country",
        "",
        "categorical",
        ("nation", "market"),
        {},
        {"demo": ("DE", "FR", "US", "GB", "IN")},
    ),
    Dimension(
        "user__plan", "Plan", "", "categorical", (), {"free": ("unpaid",)}, {"demo": ("free", "pro", "enterprise")}
    ),
    Dimension(
        "session__device_type",
        "Device",
        "",
        "categorical",
        ("platform",),
        {"mobile": ("phone", "smartphone")},
        {"demo": ("desktop", "mobile", "tablet")},
    ),
    Dimension(
        "session__channel",
        "Channel",
        "",
        "categorical",
        ("source of traffic",),
        {},
        {"demo": ("direct", "email", "organic_search", "paid_search")},
    ),
    Dimension("order__coupon", "Coupon", "", "categorical", (), {}, {"demo": ("SPRING10", "MAY")}),
    Dimension("page__page_path", "Page", "", "categorical", (), {}, {"demo": ("/", "/pricing", "/docs/first-steps")}),
    Dimension("page__load_ms", "Load time", "", "categorical", (), {}, {}),
    Dimension("app__version", "App version", "", "categorical", (), {}, {"demo": ("3.1", "3.2")}),
    Dimension("event__name", "Event", "", "categorical", (), {}, {"demo": ("product_viewed", "checkout_started")}),
)
EVENTS = {
    "page_viewed": ("page view", "view a page"),
    "product_viewed": ("product view",),
    "signup_started": (),
    "signed_up": ("signup", "sign up", "registration", "register"),
    "checkout_started": ("checkout",),
    "order_completed": ("order", "purchase", "buy", "place an order"),
    "subscription_cancelled": ("cancel", "cancellation", "churn"),
    "trial_started": ("trial",),
}
BIG = [{"path": "price", "operator": ">", "value": 100}]
FUNNELS = {
    "funnel_purchase": DeclaredFunnel(
        "Purchase",
        {
            "steps": [{"event": "product_viewed", "filters": BIG}, {"event": "order_completed", "filters": []}],
            "within_seconds": 7 * 86400,
            "order": "strict",
            "exclusions": [{"step": {"event": "trial_started", "filters": []}, "after": 1, "before": 2}],
        },
    ),
    "funnel_elsewhere": DeclaredFunnel(
        "Elsewhere",
        {
            "steps": [{"event": "signed_up", "filters": []}, {"event": "of_another_project", "filters": []}],
            "within_seconds": 86400,
            "order": "ordered",
            "exclusions": [],
        },
    ),
}
CATALOGUE = Catalogue(
    version="1",
    metrics={metric.name: metric for metric in METRICS},
    dimensions={dimension.name: dimension for dimension in DIMENSIONS},
    funnels=FUNNELS,
    projects={
        "demo": ProjectFacts(
            name="demo",
            timezone="Europe/Berlin",
            currency="EUR",
            first_day=date(2025, 10, 1),
            last_day=TODAY,
            events=tuple(EVENTS),
            properties={},
            event_synonyms=EVENTS,
        )
    },
)
