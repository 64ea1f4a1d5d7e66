"""Requests into SQL by MetricFlow itself, which takes a second to import: here, or in the resident compiler."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from semantic_layer.metrics.models import METRIC_TIME, Grain

if TYPE_CHECKING:
    from semantic_layer.clickhouse.compiler import Compiler

HOURLY = f"{METRIC_TIME}__{Grain.HOUR}"


class NotPlanned(Exception):
    """MetricFlow cannot answer it; in a sentence."""


def compiler_of(manifest: Path) -> Compiler:
    import logging

    from semantic_layer.clickhouse.compiler import Compiler
    from semantic_layer.clickhouse.loader import load_manifest

    logging.getLogger("metricflow").setLevel(logging.CRITICAL)
    logging.getLogger("metricflow_semantics").setLevel(logging.CRITICAL)
    return Compiler(load_manifest(manifest))


def planned(compiler: Compiler, request: dict[str, Any], project: str, timezone: str) -> str:
    from metricflow.engine.metricflow_engine import MetricFlowQueryRequest
    from metricflow_semantics.errors.error_classes import InformativeUserError, SemanticException

    try:
        return compiler.compile(
            MetricFlowQueryRequest.create(
                metric_names=request["metrics"],
                group_by_names=request["group_by"],
                where_constraints=request["where"] or None,
                time_constraint_start=_instant(request["first_day"]),
                time_constraint_end=_end(request["last_day"], request["group_by"]),
            ),
            project,
            timezone,
        )
    except (InformativeUserError, SemanticException) as error:
        raise NotPlanned(_sentence(str(error))) from error


def _instant(day: str | None) -> datetime | None:
    return datetime.fromisoformat(day) if day else None


def _end(day: str | None, group_by: Sequence[str]) -> datetime | None:
    """MetricFlow ends a range with the period of its last instant: by hour that would be the first hour of the day."""
    last = _instant(day)
    return last and (datetime.combine(last, time(23, 59, 59)) if HOURLY in group_by else last)


def _sentence(text: str) -> str:
    """The first of the reasons that MetricFlow gives, over many lines."""
    _, _, reason = text.partition("Message:")
    paragraphs = [" ".join(part.split()) for part in (reason or text).split("\n\n") if part.strip()]
    return paragraphs[0][:500] if paragraphs else "no reason given"
