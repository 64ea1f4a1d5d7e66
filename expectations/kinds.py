"""What can be expected of a table: the kinds of suites/*.yaml, and what each says of itself."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
TableName = Annotated[str, StringConstraints(pattern=r"^[a-z_]+\.[A-Za-z_][A-Za-z0-9_]*$")]
Severity = Literal["error", "warn"]
Dimension = Literal["completeness", "validity", "uniqueness", "timeliness", "consistency"]
Share = Annotated[float, Field(gt=0, le=1)]
Days = Annotated[int, Field(ge=1, le=400)]
Number = int | float

# Longer than any row of people's data: what lies beyond is as good as unknown.
LONGEST_CONDITION = 2000


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expectation(Strict):
    """What all have in common."""

    severity: Severity = "error"
    dimension: Dimension = "validity"
    why: Annotated[str, StringConstraints(min_length=1)]
    of_columns: ClassVar[tuple[str, ...]] = ()  # keys that name columns of the table

    @property
    def columns_used(self) -> list[tuple[str, str]]:
        """Each column of the table, behind the key that names it."""
        named = ((key, getattr(self, key)) for key in self.of_columns)
        return [(key, column) for key, one in named for column in ([one] if isinstance(one, str) else one)]


class _OfRows(Expectation):
    """Judges each row; `mostly` is the share of rows that must be right."""

    mostly: Share = 1.0


class _OfColumn(_OfRows):
    column: Name
    of_columns: ClassVar[tuple[str, ...]] = ("column",)


class Schema(Expectation):
    """The table has these columns with these types."""

    kind: Literal["schema"]
    dimension: Dimension = "consistency"
    columns: Annotated[dict[str, str], Field(min_length=1)]
    others: Literal["allowed", "refused"] = "allowed"


class Between(_OfColumn):
    """A value lies between two; either may be left out. NULL is not judged."""

    kind: Literal["between"]
    min: Number | None = None
    max: Number | None = None

    @model_validator(mode="after")
    def _a_range(self) -> Between:
        if self.min is None and self.max is None:
            raise ValueError("needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        return self


class Matches(_OfColumn):
    """A value looks like a regular expression of ClickHouse (RE2). NULL is not judged."""

    kind: Literal["matches"]
    regex: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_CONDITION)]

    @field_validator("regex")
    @classmethod
    def _can_be_read(cls, regex: str) -> str:
        try:
            re.compile(regex)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return regex


class OneOf(_OfColumn):
    """A value is one of these. NULL is not judged."""

    kind: Literal["one_of"]
    values: Annotated[list[str | int], Field(min_length=1)]


class Filled(_OfColumn):
    """A value is neither NULL nor an empty text: the rate of what is missing stays below 1 - mostly."""

    kind: Literal["filled"]
    dimension: Dimension = "completeness"


class References(_OfColumn):
    """A value is one of another table's column, of the same project. NULL and what `unless` names are not judged."""

    kind: Literal["references"]
    dimension: Dimension = "consistency"
    to: Annotated[str, StringConstraints(pattern=r"^[a-z_]+\.\w+\.\w+$")]
    unless: str | int | None = None


class Rows(_OfRows):
    """A condition over the columns of a row holds: SQL of ClickHouse, true or false; NULL is not judged."""

    kind: Literal["rows"]
    dimension: Dimension = "consistency"
    that: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_CONDITION)]


class Ordered(_OfRows):
    """One moment is not before another. NULL is not judged."""

    kind: Literal["ordered"]
    dimension: Dimension = "consistency"
    first: Name
    then: Name
    of_columns: ClassVar[tuple[str, ...]] = ("first", "then")


class Unique(Expectation):
    """No two rows have the same values in these columns."""

    kind: Literal["unique"]
    dimension: Dimension = "uniqueness"
    columns: Annotated[list[Name], Field(min_length=1)]
    of_columns: ClassVar[tuple[str, ...]] = ("columns",)


class _OverTime(Expectation):
    """Compares what came last with a trailing window."""

    window: Days = 56
    # Whose newest day (or moment) is today: a table that stopped cannot say so itself.
    against: Annotated[str, StringConstraints(pattern=r"^[a-z_]+\.\w+\.\w+$")] | None = None


class Distribution(_OverTime):
    """Values of the last days are distributed as those of the window before."""

    kind: Literal["distribution"]
    dimension: Dimension = "consistency"
    severity: Severity = "warn"
    column: Name
    statistic: Literal["psi", "ks"]
    at_most: Annotated[float, Field(gt=0)]
    day: Name = "local_date"
    days: Days = 7
    window: Days = 28
    at_least: Annotated[int, Field(ge=1)] = 200
    of_columns: ClassVar[tuple[str, ...]] = ("column", "day")


class Volume(_OverTime):
    """The last whole day has as many rows as days like it have had."""

    kind: Literal["volume"]
    dimension: Dimension = "completeness"
    severity: Severity = "warn"
    day: Name = "local_date"
    spreads: Annotated[float, Field(gt=0)] = 5
    of_columns: ClassVar[tuple[str, ...]] = ("day",)


class Freshness(_OverTime):
    """The newest row is no longer ago than rows used to be apart."""

    kind: Literal["freshness"]
    dimension: Dimension = "timeliness"
    severity: Severity = "warn"
    moment: Name
    times: Annotated[float, Field(gt=0)] = 2
    at_least_hours: Annotated[float, Field(gt=0)] = 24
    of_columns: ClassVar[tuple[str, ...]] = ("moment",)


AnyExpectation = Annotated[
    Schema
    | Between
    | Matches
    | OneOf
    | Filled
    | References
    | Rows
    | Ordered
    | Unique
    | Distribution
    | Volume
    | Freshness,
    Field(discriminator="kind"),
]
KINDS: dict[str, type[Expectation]] = {
    "schema": Schema,
    "between": Between,
    "matches": Matches,
    "one_of": OneOf,
    "filled": Filled,
    "references": References,
    "rows": Rows,
    "ordered": Ordered,
    "unique": Unique,
    "distribution": Distribution,
    "volume": Volume,
    "freshness": Freshness,
}
