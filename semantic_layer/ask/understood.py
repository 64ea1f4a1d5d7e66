"""What a question was understood as, by whichever route; or why it is not answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from semantic_layer.journeys.models import Journey
from semantic_layer.metrics.models import MetricQuery

Route = Literal["matcher", "llm", "cache", "declared"]


@dataclass(frozen=True)
class Understood:
    query: MetricQuery | Journey
    confidence: float
    route: Route
    remarks: tuple[str, ...] = ()  # what was assumed, in sentences for the person who asked


@dataclass(frozen=True)
class Refusal:
    reason: str
    unknown_words: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()  # questions that can be answered
    is_final: bool = False  # no other route is to try it: it asks for persons, for the future, or to change something
