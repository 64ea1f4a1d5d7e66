"""Journeys as values: what the command line, the question matcher and a language model all produce. None of them writes
SQL; semantic_layer/journeys/rendering.py does, from these."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from warehouse.errors import WrongUsage

DEFAULT_WINDOW_SECONDS = 14 * 86400
MOST_STEPS, MOST_EXCLUSIONS = 10, 5  # together at most 15: they are bits beside a time in one 64-bit number
MOST_OVERLAPPING = 5  # steps in any order, where an event may match several: every subset of them is looked at
LONGEST_WINDOW_SECONDS = 3660 * 86400
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
# What a Date of ClickHouse holds, with room for a window behind it.
FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(2138, 12, 31)


class Operator(StrEnum):
    EQUAL = "="
    UNEQUAL = "!="
    GREATER = ">"
    AT_LEAST = ">="
    LESS = "<"
    AT_MOST = "<="
    CONTAINS = "~"
    PRESENT = "present"


class Order(StrEnum):
    ORDERED = "ordered"
    STRICT = "strict"
    UNORDERED = "unordered"


class Period(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Kind(StrEnum):
    RECURRING = "recurring"
    FIRST_TIME = "first_time"
    FIRST_EVER = "first_ever"


class Mode(StrEnum):
    ON = "on"
    ON_OR_AFTER = "on_or_after"


class Direction(StrEnum):
    NEXT = "next"
    PREVIOUS = "previous"


def _text(text: str) -> str:
    # Neither can be sent: ClickHouse reads a query up to its first NUL, and half a character is no UTF-8.
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(f"{text!r} is not a text")
    return text


def _path(path: str) -> str:
    # `^a` and `a.:Int64` are ClickHouse's own syntax for parts of a JSON column.
    if len(path) > 200 or any(re.match(r"$|[:^@]", part) or re.search(r"[`\\\[\]]", part) for part in path.split(".")):
        raise ValueError(f"{path!r} is not a path such as page.path, properties.price or price")
    return path


def _day_text(day: Any) -> Any:
    if isinstance(day, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", day):
        raise ValueError(f"{day!r} is not a day: write it as 2026-01-31")
    return day


def _day(day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"{day} is not between {FIRST_DAY} and {LAST_DAY}")
    return day


Text = Annotated[str, AfterValidator(_text)]
Path = Annotated[Text, AfterValidator(_path)]
Day = Annotated[date, BeforeValidator(_day_text), AfterValidator(_day)]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)


class Filter(_Value):
    path: Path
    operator: Operator
    value: int | float | str | None = None

    @model_validator(mode="after")
    def _value_fits(self) -> Self:
        if (self.value is None) != (self.operator is Operator.PRESENT):
            raise ValueError(f"the operator {self.operator} of {self.path} takes {'no' if self.value else 'a'} value")
        if isinstance(self.value, str):
            _text(self.value)
        if isinstance(self.value, float) and not math.isfinite(self.value):
            raise ValueError(f"{self.value} is not a number to compare with")
        if self.operator is Operator.CONTAINS and self.value == "":
            raise ValueError(f"{self.path}~ needs a text to look for")
        return self

    def __str__(self) -> str:
        # `a!` and `=` would be read as `a` and `!=`, as `>` and `=5` as `>=` and `5`.
        path = self.path + " " * self.path.endswith("!")
        if self.operator is Operator.PRESENT:
            return path
        # No more digits than a number is read with: else it would come back as a text.
        value = f"{self.value:.15g}" if isinstance(self.value, float) else str(self.value)
        if isinstance(self.value, str) and (re.search(r"[,\]'\"]|^[\s=]|\s$|^$", value) or _is_number(value)):
            value = "'" + value.replace("'", "''") + "'"
        return f"{path}{self.operator}{value}"


class Step(_Value):
    """An event by name (`*`: any), and what must hold of it."""

    event: Annotated[Text, Field(min_length=1, max_length=500)]
    filters: tuple[Filter, ...] = ()

    def __str__(self) -> str:
        return self.event + (f"[{','.join(map(str, self.filters))}]" if self.filters else "")


class Exclusion(_Value):
    """What must not happen after step `after` and before step `before`."""

    step: Step
    after: int
    before: int


class Journey(_Value):
    project: str
    first_day: Day | None = Field(None, alias="from")
    last_day: Day | None = Field(None, alias="to")

    @model_validator(mode="after")
    def _days_in_order(self) -> Self:
        if self.first_day and self.last_day and self.first_day > self.last_day:
            raise ValueError(f"from {self.first_day} is after to {self.last_day}: swap them")
        return self

    @property
    def mentioned(self) -> tuple[Step, ...]:
        """Every step that is asked about."""
        raise NotImplementedError

    @property
    def dimension(self) -> str | None:
        """What the answer is broken down by."""
        return None


class Funnel(Journey):
    steps: Annotated[tuple[Step, ...], Field(max_length=MOST_STEPS)]
    within_seconds: Annotated[int, Field(gt=0, le=LONGEST_WINDOW_SECONDS)] = DEFAULT_WINDOW_SECONDS
    order: Order = Order.ORDERED
    exclusions: Annotated[tuple[Exclusion, ...], Field(max_length=MOST_EXCLUSIONS)] = ()
    by: Path | None = None
    attribution: str = "first"
    histogram: bool = False
    bins: Annotated[int, Field(ge=1, le=1000)] | None = None
    trend: Period | None = None

    @model_validator(mode="after")
    def _steps_fit(self) -> Self:
        n = len(self.steps)
        if n < 2:
            raise ValueError(f"a funnel has at least two steps, this one has {n}: add --step EVENT")
        for exclusion in self.exclusions:
            if not 1 <= exclusion.after < exclusion.before <= n:
                raise ValueError(
                    f"the exclusion {exclusion.step}:{exclusion.after}-{exclusion.before} does not lie between two of "
                    f"the {n} steps: write {exclusion.step}:1-{n}, or less"
                )
        known = ("first", "last", *(f"step:{k}" for k in range(1, n + 1)))
        if self.attribution not in known:
            raise ValueError(f"attribution {self.attribution!r} is none of {', '.join(known)}")
        if self.overlapping and n > MOST_OVERLAPPING:
            raise ValueError(
                f"steps in any order of which one event may match several can be at most {MOST_OVERLAPPING}: "
                "name different events"
            )
        return self

    @property
    def mentioned(self) -> tuple[Step, ...]:
        return *self.steps, *(exclusion.step for exclusion in self.exclusions)

    @property
    def dimension(self) -> str | None:
        return self.by

    @property
    def valued_at(self) -> str | int:
        """first, last, or the number of the step whose value counts."""
        return int(self.attribution[5:]) if self.attribution.startswith("step:") else self.attribution

    @property
    def overlapping(self) -> bool:
        """Whether one event may match several of the steps, which matters where they come in any order."""
        events = [step.event for step in self.steps]
        return self.order is Order.UNORDERED and ("*" in events or len(set(events)) < len(events))


class Retention(Journey):
    """People began between `from` and `cohorts_until`; until `to` it is looked whether they were back."""

    start: Step
    returning: Step
    period: Period = Period.WEEK
    periods: Annotated[int, Field(ge=1, le=1000)] = 12
    kind: Kind = Kind.RECURRING
    mode: Mode = Mode.ON
    min_occurrences: Annotated[int, Field(ge=1)] = 1
    by: Path | None = None
    cohorts_until: Day | None = None

    @model_validator(mode="after")
    def _cohorts_are_in_the_range(self) -> Self:
        until = self.cohorts_until
        if until and self.first_day and until < self.first_day:
            raise ValueError(f"the last day of cohorts, {until}, is before from {self.first_day}")
        if until and self.last_day and until > self.last_day:
            raise ValueError(f"the last day of cohorts, {until}, is after to {self.last_day}")
        return self

    @property
    def mentioned(self) -> tuple[Step, ...]:
        return self.start, self.returning

    @property
    def dimension(self) -> str | None:
        return self.by


class Lifecycle(Journey):
    event: Step
    period: Period = Period.WEEK

    @property
    def mentioned(self) -> tuple[Step, ...]:
        return (self.event,)


class Stickiness(Journey):
    event: Step

    @property
    def mentioned(self) -> tuple[Step, ...]:
        return (self.event,)


class Paths(Journey):
    event: Step
    direction: Direction = Direction.NEXT
    depth: Annotated[int, Field(ge=1, le=10)] = 3
    top: Annotated[int, Field(ge=1, le=1000)] = 20
    pages: bool = False  # views are called by the path of their page

    @property
    def mentioned(self) -> tuple[Step, ...]:
        return (self.event,)


Made = TypeVar("Made", bound=BaseModel)


BOUNDS = {"greater_than_equal": "at least", "less_than_equal": "at most", "greater_than": "more than"}


def make(model: type[Made], values: Mapping[str, Any]) -> Made:
    """A journey from what somebody asked for; what does not fit is wrong usage, in a sentence."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"] if not str(part).startswith("function"))
        if first["type"].startswith("date"):
            message = f"{first['input']} is no day of the calendar; write it like 2026-01-31"
        elif first["type"] == "too_long":
            message = f"at most {first['ctx']['max_length']} are possible, not {first['ctx']['actual_length']}"
        elif first["type"] in BOUNDS:
            bound = next(iter(first["ctx"].values()))
            message = f"it must be {BOUNDS[first['type']]} {bound}, not {first['input']}"
        else:
            message = first["msg"].removeprefix("Value error, ")
        raise WrongUsage(f"{f'{where}: ' if where else ''}{message[0].upper()}{message[1:]}.") from error


def window_seconds(text: str | None) -> int:
    """30m, 12h, 14d, 2w; nothing, 0 and less mean the default."""
    match = re.fullmatch(r"([+-]?\d{1,9})([smhdw]?)", (text or "0").strip())
    if match and int(match[1]) <= 0:
        return DEFAULT_WINDOW_SECONDS
    if not match or not match[2]:
        near = f": write {match[1]}d for days" if match else ": write it as 30m, 12h, 14d or 2w"
        raise WrongUsage(f"{text!r} is not a window{near}.")
    seconds = int(match[1]) * UNIT_SECONDS[match[2]]
    if seconds > LONGEST_WINDOW_SECONDS:
        raise WrongUsage(f"The window {text} is too long: at most {LONGEST_WINDOW_SECONDS // 86400}d.")
    return seconds


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[+-]?[\d.]+([eE][+-]?\d+)?", text))
