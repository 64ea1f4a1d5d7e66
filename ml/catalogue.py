"""The models that there are. A line each, which says all that Dagster must know: a module is imported only when its
model is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from ml.trainable import Trainable
from warehouse.errors import WrongUsage, nearest


@dataclass(frozen=True)
class Model:
    name: str  # as its object has it
    where: str  # module:object
    reads: tuple[str, ...]  # marts that it learns from
    writes: tuple[str, ...]  # tables of the database ml that it writes what it says into


# In the order of training.
_MODELS: tuple[Model, ...] = (
    Model("churn", "ml.churn.training:CHURN", ("feat_user_daily", "dim_projects"), ("churn",)),
    Model("lifetime", "ml.lifetime.model:LIFETIME", ("fct_orders",), ("lifetime_values",)),
    Model(
        "forecast",
        "ml.forecast.model:FORECAST",
        ("fct_events", "fct_orders", "fct_page_views", "fct_sessions"),
        ("forecasts", "forecast_backtests"),
    ),
    Model(
        "segments", "ml.segments.model:SEGMENTS", ("dim_users", "fct_events"), ("segment_members", "segment_profiles")
    ),
    Model(
        "recommendations",
        "ml.recommendations.model:RECOMMENDATIONS",
        ("dim_users", "fct_events", "fct_order_items", "fct_orders"),
        ("recommendations",),
    ),
)
MODELS = {model.name: model for model in _MODELS}


def trainable(name: str) -> Trainable:
    if name not in MODELS:
        raise WrongUsage(
            f"No model is called {name!r}{nearest(name, MODELS)}.", hint=f"There are: {', '.join(MODELS) or 'none'}."
        )
    module, _, attribute = MODELS[name].where.partition(":")
    return cast(Trainable, getattr(import_module(module), attribute))


def chosen(names: Iterable[str]) -> list[Trainable]:
    """Those that are named, in the order of training; all where none is."""
    wanted = set(names)
    for name in wanted:
        trainable(name)
    return [trainable(name) for name in MODELS if not wanted or name in wanted]
