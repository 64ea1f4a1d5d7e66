"""What every model of this room is to the registry: something that is trained, judged and asked.

A model is a module of its own with an object of this shape; ml/catalogue.py lists them. The registry keeps what
`dump` gives, so that no model is ever unpickled, and nothing but what it kept itself is ever loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on days that it was not trained on."""

    metrics: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # the same metrics of simpler ways
    segments: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # the same metrics, `country=DE` alone
    window: tuple[date, date] | None = None  # first and last of these days; only what has the same one is compared


@dataclass(frozen=True)
class Candidate:
    """A model that was trained, and what speaks for it; nothing of it is kept yet."""

    model: Any
    parameters: Mapping[str, str | int | float | bool]
    evaluation: Evaluation  # on the newest window, which it has not seen
    data_version: str  # the same data give the same one
    card: str  # Markdown: what it is for, what it was made of, what it cannot do
    plots: Mapping[str, bytes] = field(default_factory=dict)  # PNG by name of the file


@dataclass(frozen=True)
class Gate:
    """What a candidate must do to take the champion's place; `metric` decides, on the newest window. It must beat every
    baseline as well."""

    metric: str
    higher_is_better: bool = True
    at_least: float | None = None  # or at most, where lower is better
    limits: Mapping[str, float] = field(default_factory=dict)  # what other metrics may be at most: calibration_error
    segment_tolerance: float = 0.05  # by how much a segment may be worse than with the champion
    may_be_a_baseline: bool = False  # it falls back on a simple way where nothing is better: as good is enough then
    is_mean_of_segments: bool = False  # the metric is: champion and candidate are compared by those that both know


class Trainable(Protocol):
    name: str  # of the registered model: churn, segments …
    title: str

    @property
    def gate(self) -> Gate: ...

    def train(self, settings: Settings, project: str, until: date) -> Candidate:
        """Of all that was known at the end of `until`. Too little of it: a MillraceError that says what is missing."""

    def evaluate(self, settings: Settings, project: str, model: Any, until: date) -> Evaluation:
        """On the newest window whose outcome is known at `until`: the candidate's and the champion's are compared."""

    def predict(self, settings: Settings, project: str, model: Any, version: str, day: date) -> int:
        """Write what it says at the end of `day` into the database ml; how many rows."""

    def dump(self, model: Any) -> bytes: ...

    def load(self, kept: bytes) -> Any: ...


@dataclass(frozen=True)
class Sample:
    """What a model sees and says at the end of a day: compared with those of the training, drift is told by it."""

    features: Mapping[str, Sequence[Any]]  # by name: numbers (None: unknown) or words, one per row
    predictions: Sequence[float]


@runtime_checkable
class Watched(Protocol):
    """A trainable whose inputs and predictions are watched for drift; of the others only the performance is."""

    def sample(self, settings: Settings, project: str, model: Any, day: date) -> Sample: ...


@runtime_checkable
class Online(Protocol):
    """A trainable that `millrace serve` asks about one user at a time."""

    def answer(self, client: Client, project: str, model: Any, user_id: str) -> Mapping[str, Any] | None:
        """By features read by key, in a few milliseconds; None: nobody has this id. `client` reads as modeler."""
