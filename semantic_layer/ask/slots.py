"""What a question was found to say, before it is decided what exactly is meant by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from semantic_layer.ask.calendar_days import Days
from semantic_layer.ask.lexicon import Meaning
from semantic_layer.ask.phrases import Quality
from semantic_layer.ask.time_phrases import Against
from semantic_layer.metrics.models import Comparator, Condition, Grain

Alternatives = tuple[Meaning, ...]


@dataclass(frozen=True)
class Mention:
    """A name as it was said, and what it may mean."""

    text: str
    meanings: Alternatives
    is_plural: bool = False


@dataclass(frozen=True)
class Group:
    """To group by: a dimension, or a period of time."""

    dimension: Mention | None = None
    grain: Grain | None = None
    over_time: bool = False


@dataclass(frozen=True)
class Clause:
    """One condition: values of a dimension, which may be named."""

    text: str
    operator: Comparator
    values: tuple[Alternatives, ...] = ()
    constants: tuple[str | int | float, ...] = ()  # numbers, and texts in quotation marks
    dimension: Mention | None = None
    joined_by: Literal["and", "or"] = "and"
    is_contrast: bool = False  # Germany versus France


@dataclass(frozen=True)
class Limit:
    """A threshold of a metric."""

    metric: Mention | None
    operator: Comparator
    value: int | float
    is_percent: bool = False
    seconds: float | None = None  # of the unit of time it is told in
    money: str = ""  # the currency that is named


@dataclass
class Slots:
    metrics: list[Mention] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    clauses: list[Clause] = field(default_factory=list)
    events: list[Mention] = field(default_factory=list)  # that are counted by their names
    kept: list[Condition] = field(default_factory=list)  # of the question before
    limits: list[Limit] = field(default_factory=list)
    ranges: list[Days] = field(default_factory=list)
    against: Against | None = None
    doers: Mention | None = None  # the people who did them, who are counted instead
    joined: Grain | None = None  # May and June: the unit of days that follow each other
    times: int | None = None  # twice: at least so often
    counts: bool = False  # how many
    counts_people: bool = False  # how many users
    asks_where: bool = False  # where are they from
    direction: bool | Quality | None = None  # whether descending
    order_by: Mention | None = None
    top: int | None = None
    is_ranking: bool = False
    asks_for_one: bool = False  # which country, the best day
    contrasts: bool = False  # compare, versus
    changes: bool = False  # how did it change
    from_to: bool = False  # from May to June: the days of both, or the change from one to the other
    changed: bool | Quality = Quality.ANY  # whether it rose, fell, became better
    superlative: str = ""  # longest sessions, largest order: the word before what is measured
    people: bool = False
    shares: bool = False  # of the total
    averages: bool = False  # on average
    made: dict[str, set[str]] = field(default_factory=dict)  # of a metric, as it was said: sum of, number of
    now: bool = False  # currently
    as_of: bool = False  # as of 15 May
    stems: set[str] = field(default_factory=set)  # of all its words
    uncovered: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    sureness: float = 1.0
