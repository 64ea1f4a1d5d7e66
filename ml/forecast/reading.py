"""What is forecast, read: metrics day by day through the semantic layer, and the size of the warehouse by its looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from ml.forecast.declared import Forecast
from ml.forecast.methods import METHODS
from ml.forecast.series import Floats, Series
from semantic_layer.metrics.answers import answer
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.models import METRIC_TIME, Grain, Grouping, MetricQuery
from semantic_layer.reader import Reader
from warehouse.connection import connect, failures_as_sentences
from warehouse.settings import Settings

ROLE = "modeler"
# Of the last look of each day, what each layer holds, and all of them together.
STORED = """
SELECT day, layer, sum(table_rows), sum(table_bytes)
FROM (
    SELECT toDate(observed_at, 'UTC') AS day, arrayJoin([splitByChar('.', toString(asset))[1], 'warehouse']) AS layer,
        table_rows, table_bytes
    FROM ops.table_storage
    WHERE observed_at IN (SELECT max(observed_at) FROM ops.table_storage GROUP BY toDate(observed_at, 'UTC'))
)
GROUP BY day, layer ORDER BY layer, day
"""


@dataclass(frozen=True)
class Subject:
    """One series of one project (none: of the warehouse), as far as it is known."""

    name: str  # metric:revenue, rows:marts, bytes:warehouse
    project: str
    series: Series
    horizon: int
    methods: tuple[str, ...]

    @property
    def last_day(self) -> date:
        assert self.series.start is not None
        return self.series.start + timedelta(days=len(self.series.values) - 1)

    def __str__(self) -> str:
        return f"{self.name} of {self.project or 'the warehouse'}"


def read_metric(
    settings: Settings,
    catalogue: Catalogue,
    forecast: Forecast,
    project: str,
    reader: Reader,
    until: date | None = None,
) -> Subject | None:
    """Until the last day that is over; None: there is no day."""
    facts, metric = catalogue.projects[project], catalogue.metrics[forecast.metric]
    query = MetricQuery(project=project, metrics=(forecast.metric,), by=(Grouping(name=METRIC_TIME, grain=Grain.DAY),))
    if facts.last_day is None:
        return None
    yesterday = (datetime.now(UTC).astimezone(ZoneInfo(facts.timezone)) - timedelta(days=1)).date()
    last = min(day for day in (facts.last_day, yesterday, until) if day)
    rows = [row for row in answer(settings, catalogue, query, reader=reader).rows if row[0] is not None]
    found = {day: float(value) for day, value in ((_day(row[0]), row[-1]) for row in rows) if value is not None}
    series = _series(found, last, 0.0 if metric.adds_up else np.nan, is_share=metric.format == "percent")
    if series is None:
        return None
    return Subject(forecast.series, project, series, forecast.horizon, forecast.methods)


def read_storage(settings: Settings, until: date | None = None) -> Iterator[Subject]:
    """Rows and bytes of each layer, and of all of them."""
    with closing(connect(settings, ROLE)) as client, failures_as_sentences("reading how the warehouse has grown"):
        rows = client.query(STORED).result_rows
    for layer in dict.fromkeys(row[1] for row in rows):
        for place, what in ((2, "rows"), (3, "bytes")):
            found = {row[0]: float(row[place]) for row in rows if row[1] == layer}
            series = _series(found, min(day for day in (max(found), until) if day), np.nan, piles_up=True)
            if series is not None:
                yield Subject(f"{what}:{layer}", "", series, 90, tuple(METHODS))


def _series(found: dict[date, float], last: date, without: float, **kind: bool) -> Series | None:
    days = [day for day in found if day <= last]
    if not days:
        return None
    first = min(days)
    values: Floats = np.full((last - first).days + 1, without)
    for day in days:
        values[(day - first).days] = found[day]
    return Series(values, (7,), first, **kind)


def _day(moment: Any) -> date:
    return moment.date() if isinstance(moment, datetime) else moment
