"""What a digest tells, as plain values: everything else is how it is told."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Self

NOTABLE = 2.0  # robust deviations, from which on a change is one to explain


@dataclass(frozen=True)
class Part:
    """A segment's part in what a metric is off by."""

    segment: str
    value: float
    expected: float
    share: float


@dataclass(frozen=True)
class Change:
    """A watched metric on the day."""

    metric: str
    label: str
    format: str  # as the metric declares it
    value: float
    day_before: float | None
    week_before: float | None  # the same day of the week
    expected: float | None
    deviations: float | None  # from what was expected, in robust standard deviations of what it was off by before
    is_good: bool | None  # None: it is as expected, or neither way is good
    parts: tuple[Part, ...] = ()

    @property
    def is_notable(self) -> bool:
        return self.deviations is not None and abs(self.deviations) >= NOTABLE


@dataclass(frozen=True)
class Item:
    """Something to look at, and how."""

    kind: str  # anomaly, alert, incident, quality, experiment
    text: str
    command: str


@dataclass(frozen=True)
class Digest:
    project: str
    day: date
    currency: str
    changes: tuple[Change, ...]  # the most unusual first
    items: tuple[Item, ...]
    prose: str = ""  # in other words, by a language model, where one is asked

    @property
    def notable(self) -> list[Change]:
        return [change for change in self.changes if change.is_notable]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "day": str(self.day)}

    @classmethod
    def of_json(cls, told: dict[str, Any]) -> Self:
        changes = (
            Change(**{**change, "parts": tuple(Part(**part) for part in change["parts"])}) for change in told["changes"]
        )
        items = tuple(Item(**item) for item in told["items"])
        return cls(**{**told, "day": date.fromisoformat(told["day"]), "changes": tuple(changes), "items": items})
