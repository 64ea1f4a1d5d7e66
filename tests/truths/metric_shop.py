"""Questions about metrics on the built world, and the same by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

from semantic_layer.journeys.models import make
from semantic_layer.metrics.answers import Answer, answer
from semantic_layer.metrics.catalogue import Catalogue, load_catalogue
from semantic_layer.metrics.conditions import parse_condition
from semantic_layer.metrics.models import MetricQuery
from semantic_layer.reader import Reader
from tests.support import Instance
from warehouse.settings import Settings

Rows = list[tuple[Any, ...]]


class Shop:
    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.settings: Settings = instance.settings
        self.catalogue: Catalogue = load_catalogue(self.settings)
        self.reader = Reader(self.settings)

    def query(self, *metrics: str, **values: Any) -> MetricQuery:
        where = values.pop("where", None)
        asked = {"project": "demo", "metrics": metrics, "where": where and parse_condition(where), **values}
        return make(MetricQuery, asked)

    def ask(self, *metrics: str, cache: bool = False, **values: Any) -> Answer:
        return answer(self.settings, self.catalogue, self.query(*metrics, **values), cache=cache)

    def rows(self, *metrics: str, **values: Any) -> Rows:
        return [tuple(map(plain, row)) for row in self.ask(*metrics, **values).rows]

    def by_hand(self, sql: str) -> Rows:
        return [tuple(map(plain, row)) for row in self.instance.rows(sql)]


def plain(value: Any) -> Any:
    """Money as floats of few places, since sums of it are made in another order here than there."""
    if isinstance(value, str | int | date) or value is None:
        return value
    return round(float(value), 6)


def time(grain: str) -> dict[str, str]:
    return {"name": "metric_time", "grain": grain}
