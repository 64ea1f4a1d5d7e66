"""A small catalogue, by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

from semantic_layer.journeys.models import make
from semantic_layer.metrics.catalogue import Catalogue, Dimension, Metric, ProjectFacts
from semantic_layer.metrics.models import MetricQuery

GRAINS = ("hour", "day", "week", "month", "quarter", "year")


def metric(name: str, dimensions: tuple[str, ...], **more: Any) -> Metric:
    about = {"description": "", "kind": "simple", "owner": "shop", "format": "number", "good": "up", "made_of": ""}
    about |= {"label": name.replace("_", " ").capitalize(), "synonyms": (), "grains": GRAINS, **more}
    return Metric(name=name, dimensions=dimensions, grain=about["grains"][0], **about)


USERS = ("user__plan", "user__country", "user__signed_up_on", "user__age", "user__is_admin")
CATALOGUE = Catalogue(
    version="1",
    metrics={
        "orders": metric("orders", ("order__coupon", *USERS), synonyms=("purchases",)),
        "revenue": metric("revenue", ("order__coupon", *USERS), format="currency"),
        "sessions": metric("sessions", ("session__channel", *USERS), synonyms=("visits",)),
        "running": metric("running", USERS, grains=GRAINS[1:], every_day=True, needs_time=True),
        "so_far": metric("so_far", USERS, grains=GRAINS[1:], every_day=True),
    },
    dimensions={
        "order__coupon": Dimension("order__coupon", "Coupon", "", "categorical", type="LowCardinality(String)"),
        "session__channel": Dimension("session__channel", "Channel", "", "categorical", type="Enum8('a' = 1)"),
        "user__plan": Dimension(
            *("user__plan", "Plan", "", "categorical"),
            type="LowCardinality(Nullable(String))",
            values={"demo": ("free", "pro")},
            value_synonyms={"pro": ("professional",)},
        ),
        "user__country": Dimension("user__country", "Country", "", "categorical", type="String"),
        "user__age": Dimension("user__age", "Age", "", "categorical", type="Nullable(UInt8)"),
        "user__is_admin": Dimension("user__is_admin", "Admin", "", "categorical", type="Bool"),
        "user__signed_up_on": Dimension(
            "user__signed_up_on", "Sign-up", "", "time", type="Nullable(Date)", grain="day"
        ),
        "session__user__plan": Dimension("session__user__plan", "Plan", "", "categorical", type="String"),
    },
    projects={"demo": ProjectFacts("Demo", "UTC", "EUR", date(2026, 1, 2), date(2026, 6, 30), ("signed_up",), {})},
)


def asked(*metrics: str, **values: Any) -> MetricQuery:
    return make(MetricQuery, {"project": "demo", "metrics": metrics or ("orders",), **values})
