"""What can be asked: metrics, dimensions and their values, as one light file that a build writes. Reading it imports
neither MetricFlow nor dbt."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class Metric:
    name: str
    label: str
    description: str
    kind: str  # simple, ratio, derived, cumulative, conversion
    owner: str
    format: str  # number, percent (of 1), currency, seconds, milliseconds, score
    good: str  # up, down; neutral where neither is better
    synonyms: tuple[str, ...]
    dimensions: tuple[str, ...]  # what it can be grouped and filtered by, as user__country
    made_of: str  # in words or as a formula, for people
    grain: str  # the finest grain of metric_time


@dataclass(frozen=True)
class Dimension:
    name: str  # as user__country
    label: str
    description: str
    kind: str  # categorical, time
    synonyms: tuple[str, ...] = ()
    value_synonyms: dict[str, tuple[str, ...]] = field(default_factory=dict)  # value -> what people call it
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)  # project -> its most frequent values


@dataclass(frozen=True)
class ProjectFacts:
    """What a project has: the words and days that questions may use."""

    name: str
    timezone: str
    currency: str
    first_day: date | None
    last_day: date | None
    events: tuple[str, ...]  # names, the most frequent first
    properties: dict[str, tuple[str, ...]]  # event -> paths of its properties
    # event -> what people call it (marts.dim_event_types.synonyms)
    event_synonyms: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Catalogue:
    version: str  # of declarations and data: another one, another answer
    metrics: dict[str, Metric]
    dimensions: dict[str, Dimension]
    projects: dict[str, ProjectFacts]
