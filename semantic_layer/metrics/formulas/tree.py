"""A formula as a value: numbers, aggregates of events, and what is calculated of them. Printed, it is one again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from semantic_layer.journeys.models import Step

COUNTED = ("count", "unique")  # of events and people; nothing is 0 of them
MEASURED = ("sum", "avg", "min", "max")
PERCENTILE = re.compile(r"p([1-9]\d?)")
# What stands for itself; anything else is written in quotes.
PLAIN_EVENT = re.compile(r"\*|[^\s\[\]().,'\"+*/%^=<>-]+")
PLAIN_PATH = re.compile(r"[^\s\[\]().,'\"+*/%^=<>-]+(\.[^\s\[\]().,'\"+*/%^=<>-]+)*")


@dataclass(frozen=True)
class Span:
    """A piece of the formula's text: what a message points at."""

    begin: int = 0
    end: int = 0


NOWHERE = Span()


@dataclass(frozen=True)
class Number:
    value: float
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        return repr(self.value).removesuffix(".0")


@dataclass(frozen=True)
class Aggregate:
    """`count(page_viewed[page.path=/pricing])`: what is made of the events that a step matches."""

    function: str
    step: Step
    path: str = ""  # of the property; count never has one, unique may
    span: Span = field(default=NOWHERE, compare=False, repr=False)
    event_span: Span = field(default=NOWHERE, compare=False, repr=False)
    path_span: Span = field(default=NOWHERE, compare=False, repr=False)

    @property
    def percentile(self) -> float | None:
        match = PERCENTILE.fullmatch(self.function)
        return int(match[1]) / 100 if match else None

    @property
    def is_of_numbers(self) -> bool:
        return self.function not in COUNTED

    @property
    def is_zero_of_nothing(self) -> bool:
        return self.function in (*COUNTED, "sum")

    def __str__(self) -> str:
        filters = f"[{','.join(map(str, self.step.filters))}]" if self.step.filters else ""
        path = f".{_written(self.path, PLAIN_PATH)}" if self.path else ""
        return f"{self.function}({_written(self.step.event, PLAIN_EVENT)}{filters}{path})"


@dataclass(frozen=True)
class Negative:
    of: Formula
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        return f"-{_inside(self.of, _STRENGTH['-1'])}"


@dataclass(frozen=True)
class Calculation:
    left: Formula
    operator: str  # + - * /
    right: Formula
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    def __str__(self) -> str:
        strength = _STRENGTH[self.operator]
        # From left to right: a - b - c is (a - b) - c.
        return f"{_inside(self.left, strength)} {self.operator} {_inside(self.right, strength + 1)}"


Formula = Number | Aggregate | Negative | Calculation

_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2, "-1": 3}


def _inside(formula: Formula, strength: int) -> str:
    """As a part of something that binds so strongly."""
    match formula:
        case Calculation():
            own = _STRENGTH[formula.operator]
        case Negative():
            own = _STRENGTH["-1"]
        case _:
            return str(formula)
    return str(formula) if own >= strength else f"({formula})"


def _written(name: str, plain: re.Pattern[str]) -> str:
    return name if plain.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def parts(formula: Formula) -> Iterator[Formula]:
    """The formula and all that it is made of, from left to right."""
    yield formula
    match formula:
        case Negative():
            yield from parts(formula.of)
        case Calculation():
            yield from parts(formula.left)
            yield from parts(formula.right)


def aggregates(formula: Formula) -> list[Aggregate]:
    """Each once, in the order of the formula."""
    return list(dict.fromkeys(part for part in parts(formula) if isinstance(part, Aggregate)))


def divisors(formula: Formula) -> list[Formula]:
    return [part.right for part in parts(formula) if isinstance(part, Calculation) and part.operator == "/"]


def constant(formula: Formula) -> float | None:
    """The value of what has no aggregate in it; infinite where it is none."""
    match formula:
        case Number():
            return formula.value
        case Negative():
            value = constant(formula.of)
            return None if value is None else -value
        case Calculation():
            left, right = constant(formula.left), constant(formula.right)
            return None if left is None or right is None else _calculated(left, formula.operator, right)
    return None


def _calculated(left: float, operator: str, right: float) -> float:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    return left / right if right else float("inf")
