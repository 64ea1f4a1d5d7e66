"""A small but real model: a straight line by least squares, through points that a test chooses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ml.trainable import Candidate, Evaluation, Gate
from warehouse.errors import MillraceError
from warehouse.settings import Settings


@dataclass
class Line:
    """Trained on `points`, judged on `newest`; slope and intercept are its model."""

    points: Sequence[tuple[float, float]]
    newest: Sequence[tuple[float, float]] = ((10, 20), (11, 22))
    name: str = "line"
    title: str = "A straight line"
    gate: Gate = field(default_factory=lambda: Gate("error", higher_is_better=False, at_least=5.0))
    written: list[tuple[str, date]] = field(default_factory=list)

    def train(self, settings: Settings, project: str, until: date) -> Candidate:
        if len(self.points) < 2:
            raise MillraceError("A line needs two points, there is one", hint="Wait for another day.")
        n = len(self.points)
        mean_x, mean_y = (sum(point[axis] for point in self.points) / n for axis in (0, 1))
        slope = sum((x - mean_x) * (y - mean_y) for x, y in self.points) / sum(
            (x - mean_x) ** 2 for x, _ in self.points
        )
        model = {"slope": slope, "intercept": mean_y - slope * mean_x}
        return Candidate(
            model=model,
            parameters={"points": n},
            evaluation=self.evaluate(settings, project, model, until),
            data_version=str(hash(tuple(self.points))),
            card="# A straight line\nFor tests.",
            plots={"line.png": b"\x89PNG"},
        )

    def evaluate(self, settings: Settings, project: str, model: Any, until: date) -> Evaluation:
        errors = [abs(model["slope"] * x + model["intercept"] - y) for x, y in self.newest]
        return Evaluation({"error": sum(errors) / len(errors)}, {"zero": {"error": 21.0}})

    def predict(self, settings: Settings, project: str, model: Any, version: str, day: date) -> int:
        self.written.append((version, day))
        return 1

    def dump(self, model: Any) -> bytes:
        return json.dumps(model).encode()

    def load(self, kept: bytes) -> Any:
        return json.loads(kept)
