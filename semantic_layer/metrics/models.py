"""A question about metrics as a value: what flags, the question matcher and a language model all produce. None of them
writes SQL: semantic_layer/metrics/compiling.py has it made, from these."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from semantic_layer.journeys.models import Day, Text

METRIC_TIME = "metric_time"
MOST_METRICS, MOST_GROUPINGS, MOST_VALUES, MOST_ROWS = 20, 10, 1000, 100_000
DEEPEST_CONDITION = 5


class Grain(StrEnum):
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Comparator(StrEnum):
    EQUAL = "="
    UNEQUAL = "!="
    GREATER = ">"
    AT_LEAST = ">="
    LESS = "<"
    AT_MOST = "<="


class Compare(StrEnum):
    PREVIOUS = "previous"  # the period of the same length just before
    WEEK = "week"  # the same days a week before, and so on
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


def _name(name: str) -> str:
    if not name.isascii() or not name.replace("_", "").isalnum() or name[0].isdigit():
        raise ValueError(f"{name!r} is not a name such as revenue or user__country")
    return name


Name = Annotated[Text, Field(min_length=1, max_length=200), AfterValidator(_name)]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


class Grouping(_Value):
    """A dimension to group by, as `user__country` or `metric_time`; a time dimension at a grain."""

    name: Name
    grain: Grain | None = None

    def __str__(self) -> str:
        return f"{self.name}:{self.grain}" if self.grain else self.name


class Comparison(_Value):
    """A dimension and what it is compared with. `=` holds for any of several values, `!=` for none of them; where a
    value is missing only `!=` holds."""

    kind: Literal["comparison"] = "comparison"
    dimension: Name
    operator: Comparator = Comparator.EQUAL
    values: Annotated[tuple[Text | int | float, ...], Field(min_length=1, max_length=MOST_VALUES)]

    @model_validator(mode="after")
    def _values_fit(self) -> Self:
        if len(self.values) > 1 and self.operator not in (Comparator.EQUAL, Comparator.UNEQUAL):
            raise ValueError(f"{self.dimension} {self.operator} takes one value, not {len(self.values)}")
        if any(isinstance(value, float) and not math.isfinite(value) for value in self.values):
            raise ValueError(f"{self.dimension} is compared with what is no number")
        return self


class Missing(_Value):
    """A dimension without a value: none is known, or an empty text."""

    kind: Literal["missing"] = "missing"
    dimension: Name


class All(_Value):
    kind: Literal["all"] = "all"
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=MOST_VALUES)]


class Any(_Value):
    kind: Literal["any"] = "any"
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=MOST_VALUES)]


class Not(_Value):
    kind: Literal["not"] = "not"
    condition: Condition


Condition = Annotated[Comparison | Missing | All | Any | Not, Field(discriminator="kind")]


PREVIOUS, CHANGE, SHARE = "__previous", "__change", "__share"  # columns behind that of a metric


class Threshold(_Value):
    """What must hold of a metric in a row of the result: `orders > 100`."""

    metric: Name
    operator: Comparator
    value: int | float


class Ordering(_Value):
    """By a metric or a grouping of the query, or where it is compared by the change of a metric, `orders__change`."""

    name: Name
    descending: bool = False


class MetricQuery(_Value):
    project: str
    metrics: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MOST_METRICS)]
    by: Annotated[tuple[Grouping, ...], Field(max_length=MOST_GROUPINGS)] = ()
    where: Condition | None = None
    having: tuple[Threshold, ...] = ()
    first_day: Day | None = Field(None, alias="from")
    last_day: Day | None = Field(None, alias="to")
    compare: Compare | None = None
    # Beside each metric its part of the total. Conditions on what it is grouped by choose rows of it, not of the total.
    share: Literal["total"] | None = None
    order: tuple[Ordering, ...] = ()
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.first_day and self.last_day and self.first_day > self.last_day:
            raise ValueError(f"from {self.first_day} is after to {self.last_day}: swap them")
        if self.share and (self.compare or not self.by):
            reason = "and is compared: ask for one of them" if self.compare else "and by nothing: group by a dimension"
            raise ValueError(f"a share of the total is asked for, {reason}")
        if self.where is not None and _depth(self.where) > DEEPEST_CONDITION:
            raise ValueError(f"conditions inside of conditions at most {DEEPEST_CONDITION} deep")
        named = {*self.metrics, *(grouping.name for grouping in self.by)}
        changes = {f"{metric}{CHANGE}" for metric in self.metrics} if self.compare else set()
        ordered = (ordering.name for ordering in self.order if ordering.name not in changes)
        for name in (*ordered, *(threshold.metric for threshold in self.having)):
            if name not in named:
                raise ValueError(f"{name!r} is neither a metric nor a grouping of the query: ask for it as well")
        return self


def _depth(condition: Condition) -> int:
    match condition:
        case Not():
            return 1 + _depth(condition.condition)
        case All() | Any():
            return 1 + max(_depth(inner) for inner in condition.conditions)
    return 1
