"""What a watch counts: rows of time and value, of metrics by the semantic layer, of models by themselves."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from monitoring.watch.declared import Watch
from semantic_layer.metrics.answers import answer
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.models import METRIC_TIME, Grain, Grouping, MetricQuery
from semantic_layer.reader import Reader
from warehouse.settings import Settings

Row = tuple[Any, ...]  # when it begins by the clock of the project, the dimensions, the value
Rows = Callable[..., list[Row]]


def rows_of(settings: Settings, catalogue: Catalogue, watch: Watch, project: str, reader: Reader) -> Rows:
    """By any of the dimensions of the watch."""

    def of_metric(*by: str) -> list[Row]:
        groupings = (Grouping(name=METRIC_TIME, grain=Grain(watch.grain)), *(Grouping(name=name) for name in by))
        query = MetricQuery(project=project, metrics=(watch.name,), by=groupings)
        return [row for row in answer(settings, catalogue, query, reader=reader).rows if row[0] is not None]

    def of_model(*by: str) -> list[Row]:
        sql = model_sql(watch, project, catalogue.projects[project].timezone, by)
        return [(date.fromisoformat(row[0]), *row[1:-1], int(row[-1])) for row in reader.rows(sql)]

    return of_metric if watch.kind == "metric" else of_model


def model_sql(watch: Watch, project: str, timezone: str, by: tuple[str, ...] = ()) -> str:
    """Names are those of the project's own files and of its manifest."""
    day, reached = "local_date", "true"
    entries = "uniqExact(person_key)" if watch.step else "count()"  # who enters on two days takes a step once
    if watch.step > 1:
        # By the day of the step, not of the entry: of an entry of yesterday nobody knows yet where it leads.
        milliseconds = f"toInt64(1000 * arraySum(arraySlice(step_seconds, 1, {watch.step})))"
        taken = f"entered_at + toIntervalMillisecond({milliseconds})"
        day, reached = f"toDate({taken}, '{timezone}')", f"steps_reached >= {watch.step}"
    moment = day if watch.grain == "day" else f"toMonday({day})"
    columns = "".join(f", toString({name}) AS {name}" for name in by)
    return (
        f"SELECT toString({moment}) AS moment{columns}, {entries} AS entries FROM marts.{watch.name} "
        f"WHERE project_id = '{project}' AND {reached} GROUP BY ALL ORDER BY moment"
    )


def as_number(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def as_text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
