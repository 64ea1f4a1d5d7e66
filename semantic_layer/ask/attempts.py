"""One way of reading a question, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from semantic_layer.journeys.models import Journey
from semantic_layer.metrics.models import MetricQuery


@dataclass
class Attempt:
    kind: str  # metrics, funnel, retention, paths, lifecycle, stickiness
    query: MetricQuery | Journey | None = None
    uncovered: list[str] = field(default_factory=list)
    problem: str = ""
    is_settled: bool = False  # no other cut of the same words is tried
    suggestions: tuple[str, ...] = ()
    remarks: list[str] = field(default_factory=list)
    sureness: float = 1.0

    @property
    def succeeded(self) -> bool:
        return self.query is not None and not self.uncovered and not self.problem
