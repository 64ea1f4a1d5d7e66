"""Metrics asked as questions are: compiled from what dbt declares, run as the analyst."""

from __future__ import annotations

import json
from typing import Any

from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

from semantic_layer.clickhouse.compiler import Compiler
from semantic_layer.clickhouse.loader import load_manifest
from semantic_layer.metrics.catalogue import Dimension, Metric
from semantic_layer.metrics.declared import declared
from semantic_layer.reader import Reader
from tests.truths.conftest import LoadedWorld

PROJECTS = ("demo", "demo_mobile")


class Metrics:
    def __init__(self, built: LoadedWorld) -> None:
        path = built.instance.data_dir / "dbt" / "target" / "semantic_manifest.json"
        self.declared: dict[str, Metric]
        self.dimensions: dict[str, Dimension]
        self.declared, self.dimensions = declared(path)
        self.names = [metric["name"] for metric in json.loads(path.read_text())["metrics"]]  # the hidden as well
        self._compiler = Compiler(load_manifest(path))
        self._reader = Reader(built.instance.settings)
        self._timezones = {project: truth["timezone"] for project, truth in built.truths["projects"].items()}

    def rows(self, project: str, *metrics: str, by: tuple[str, ...] = (), **more: Any) -> list[list[Any]]:
        """Groupings first, then the metrics; times as text."""
        request = MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=by, **more)
        document = self._reader.document(self._compiler.compile(request, project, self._timezones[project]))
        columns = [column["name"] for column in document["meta"]]
        wanted = [columns.index(name) for name in (*by, *metrics)]
        return [[row[place] for place in wanted] for row in document["data"]]

    def of(self, project: str, *metrics: str, by: tuple[str, ...] = (), **more: Any) -> dict[Any, Any]:
        """By grouping (several as a tuple), the metric (several as a list); a time as its day."""
        found = {}
        for row in self.rows(project, *metrics, by=by, **more):
            key = tuple(str(v)[:10] if "metric_time" in name else v for v, name in zip(row, by, strict=False))
            values = row[len(by) :]
            found[key[0] if len(by) == 1 else key] = values[0] if len(metrics) == 1 else values
        return found

    def total(self, project: str, metric: str, **more: Any) -> Any:
        return self.of(project, metric, **more)[()]


DAY, WEEK, MONTH = (f"metric_time__{grain}" for grain in ("day", "week", "month"))
