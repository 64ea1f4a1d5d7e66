"""A definition is tried on the warehouse before it is kept: planned by MetricFlow, run by ClickHouse."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

from semantic_layer.metrics.formulas.words import EVENT_TYPES
from semantic_layer.metrics.models import METRIC_TIME
from semantic_layer.reader import QueryRefused, Reader
from warehouse.errors import MillraceError
from warehouse.projects import load_projects
from warehouse.settings import Settings

DAYS, ROWS = 7, 100  # that it works shows in a few days as well as in all


def try_out(settings: Settings, reader: Reader, manifest: Path, metric: str, dimensions: Sequence[str]) -> None:
    """The metric by all its dimensions, and by itself, over the last days with events."""
    from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

    from semantic_layer.clickhouse.compiler import Compiler
    from semantic_layer.clickhouse.loader import load_manifest

    project, last = _project_and_day(reader)
    projects = load_projects(settings)
    timezone = projects[project].timezone if project in projects else "UTC"
    compiler = Compiler(load_manifest(manifest))
    for by in ([f"{METRIC_TIME}__day", *dimensions], []):
        request = MetricFlowQueryRequest.create(
            metric_names=[metric],
            group_by_names=by,
            limit=ROWS,
            time_constraint_start=datetime.combine(last - timedelta(days=DAYS - 1), time()),
            time_constraint_end=datetime.combine(last, time()),
        )
        try:
            sql = compiler.compile(request, project, timezone)
        except Exception as error:  # MetricFlow has no class of its own for what it cannot plan
            told = " ".join(str(error).split())[:500]
            raise MillraceError(f"MetricFlow cannot plan {metric} by {', '.join(by) or 'nothing'}: {told}") from error
        try:
            reader.rows(sql)
        except QueryRefused as error:
            raise MillraceError(f"{metric} by {', '.join(by) or 'nothing'}: {error.message}") from error


def _project_and_day(reader: Reader) -> tuple[str, date]:
    """The project with the latest event."""
    rows = reader.rows(f"select project_id, max(last_seen_on) as day from {EVENT_TYPES} group by 1 order by day desc")
    project, day = rows[0] if rows and rows[0][1] else ("", "2000-01-07")
    return project, date.fromisoformat(day)
