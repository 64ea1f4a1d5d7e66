"""How a formula is written: `count(order_completed) / unique(page_viewed[page.path=/pricing]) * 100`.

    formula   = product { ("+" | "-") product }
    product   = signed { ("*" | "/") signed }
    signed    = "-" signed | number | "(" formula ")" | aggregate
    aggregate = function "(" event { "[" filters "]" } [ "." property ] ")"

An event with its filters is a step of a journey (semantic_layer/journeys/grammar.py).
"""

from __future__ import annotations

import math
import re
from typing import Any

from semantic_layer.journeys.grammar import BadFilter, read_filters
from semantic_layer.journeys.models import Filter, Operator, Step, make
from semantic_layer.metrics.formulas.places import wrong
from semantic_layer.metrics.formulas.tree import (
    COUNTED,
    MEASURED,
    PERCENTILE,
    PLAIN_PATH,
    Aggregate,
    Calculation,
    Formula,
    Negative,
    Number,
    Span,
    aggregates,
    constant,
    divisors,
    parts,
)
from warehouse.errors import WrongUsage, nearest

LONGEST, DEEPEST, MOST_PARTS, MOST_AGGREGATES = 2000, 30, 200, 20
FUNCTIONS = (*COUNTED, *MEASURED, *(f"p{percent}" for percent in range(1, 100)))
FUNCTIONS_IN_WORDS = "count, unique, sum, avg, min, max, and percentiles such as p50 and p95"
OTHER_NAMES = {
    "median": "p50",
    "average": "avg",
    "mean": "avg",
    "distinct": "unique",
    "users": "unique",
    "total": "sum",
}
EXAMPLE = "count(order_completed) / count(checkout_started[plan=pro]) * 100, or p95(page_viewed.load_time_ms)"

NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
WORD = re.compile(r"[^\W\d]\w*")
EVENT = re.compile(r"[^\[\]().,'\"+*/%^=<>-]+")
OPERATORS = ("+", "-", "*", "/")
END = "an operator (+ - * /) or the end"
SIGNS = {"×": "*", "·": "*", "÷": "/", ":": "/", "−": "-", "–": "-", "—": "-", "**": "*", "//": "/"}


def parse_formula(text: str) -> Formula:
    text = re.sub(r"\s", " ", text)
    if not text.strip():
        raise WrongUsage("The formula is empty.", hint=f"Write it as {EXAMPLE}.")
    if len(text) > LONGEST:
        raise WrongUsage(f"The formula is {len(text):,} characters long; at most {LONGEST:,} are possible.")
    if unprintable := re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", text):
        raise WrongUsage(f"The formula has {unprintable[0]!r} in it, which is no text.")
    formula = _Parser(text).parse()
    _check(text, formula)
    return formula


def _check(text: str, formula: Formula) -> None:
    if not (found := aggregates(formula)):
        raise wrong(text, formula.span, "no event is named", f"Write it as {EXAMPLE}.")
    if len(found) > MOST_AGGREGATES:
        raise WrongUsage(f"The formula has {len(found)} aggregates; at most {MOST_AGGREGATES} are possible.")
    for part in parts(formula):
        value = constant(part)
        if (
            value is not None
            and not math.isfinite(value)
            and not (isinstance(part, Calculation) and part.operator == "/")
        ):
            raise wrong(text, part.span, "that is too large a number")
    for divisor in divisors(formula):
        if constant(divisor) == 0:
            raise wrong(text, divisor.span, "that is a division by zero")


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth, self.parts = text, 0, 0, 0

    def parse(self) -> Formula:
        formula = self._formula()
        if self._peek():
            raise self._unexpected(END)
        return formula

    def _formula(self) -> Formula:
        left = self._product()
        while (operator := self._peek()) in ("+", "-"):
            self._step_over(operator)
            right = self._product()
            left = Calculation(left, operator, right, Span(left.span.begin, right.span.end))
        return left

    def _product(self) -> Formula:
        left = self._signed()
        while (operator := self._peek()) in ("*", "/"):
            self._step_over(operator)
            right = self._signed()
            left = Calculation(left, operator, right, Span(left.span.begin, right.span.end))
        return left

    def _signed(self) -> Formula:
        self.parts += 1
        if self.parts > MOST_PARTS:
            raise WrongUsage(f"The formula has more than {MOST_PARTS} parts.", hint="Make two metrics of it.")
        sign = self._peek()
        begin = self.at
        if sign in ("-", "("):
            self.depth += 1
            if self.depth > DEEPEST:
                raise wrong(self.text, self._here(), f"it is more than {DEEPEST} parentheses and signs deep")
            self._step_over(sign)
            inner = self._signed() if sign == "-" else self._in_parentheses(begin)
            self.depth -= 1
            return Negative(inner, Span(begin, inner.span.end)) if sign == "-" else inner
        if number := NUMBER.match(self.text, self.at):
            return self._number(number)
        if word := WORD.match(self.text, self.at):
            return self._aggregate(word)
        raise self._unexpected("a number, a function or a (")

    def _in_parentheses(self, begin: int) -> Formula:
        inner = self._formula()
        if self._peek() != ")":
            raise self._not_closed(begin)
        self.at += 1
        return inner

    def _number(self, number: re.Match[str]) -> Number:
        self.at = number.end()
        span = Span(number.start(), number.end())
        if word := WORD.match(self.text, self.at):
            raise wrong(self.text, Span(span.begin, word.end()), f"{self.text[span.begin : word.end()]!r} is no number")
        return Number(float(number[0]), span)

    def _aggregate(self, word: re.Match[str]) -> Aggregate:
        function = word[0].lower()
        span = Span(word.start(), word.end())
        self.at = word.end()
        if function not in FUNCTIONS:
            raise self._no_function(word[0], span)
        if self._peek() != "(":
            raise wrong(
                self.text, span, f"behind {function} the event is missing", f"Write it as {_example(function)}."
            )
        opened = self.at
        self._step_over("(")
        event, event_span = self._event(function)
        filters = self._filters()
        path, path_span = self._path() if self._peek() == "." else ("", event_span)
        if (sign := self._peek()) != ")":
            calculates = sign in OPERATORS and "Calculate with aggregates: sum(order_completed.revenue) * 2."
            raise self._unexpected("a )") if sign and not calculates else self._not_closed(opened, calculates or "")
        self.at += 1
        step = self._made(Step, {"event": event, "filters": filters}, event_span)
        found = Aggregate(function, step, path, Span(span.begin, self.at), event_span, path_span)
        self._fits(found)
        return found

    def _event(self, function: str) -> tuple[str, Span]:
        sign = self._peek()
        begin = self.at
        if sign in ("'", '"'):
            return self._quoted(sign)
        if sign == "*":
            self.at += 1
            return sign, Span(begin, self.at)
        match = EVENT.match(self.text, self.at)
        if not match or not match[0].strip():
            if sign in (")", "["):
                raise wrong(
                    self.text, Span(begin, begin + 1), "here the event is missing", f"Write {_example(function)}."
                )
            raise self._unexpected("an event, or * for any")
        self.at = match.end()
        return match[0].strip(), Span(begin, begin + len(match[0].rstrip()))

    def _filters(self) -> list[Filter]:
        begin = self.at
        example = "Write it as page_viewed[page.path=/pricing]."
        try:
            filters, self.at = read_filters(self.text, self.at)
        except BadFilter as bad:
            raise wrong(self.text, Span(bad.at, bad.at + 1), f"here is {bad.what}", example) from bad
        except WrongUsage as error:
            raise wrong(self.text, Span(begin, begin + 1), error.message.rstrip("."), example) from error
        return filters

    def _path(self) -> tuple[str, Span]:
        self._step_over(".")
        sign = self._peek()
        begin = self.at
        if sign in ("'", '"'):
            path, span = self._quoted(sign)
        elif match := PLAIN_PATH.match(self.text, self.at):
            self.at = match.end()
            path, span = match[0], Span(begin, self.at)
        else:
            raise self._unexpected("a property")
        self._made(Filter, {"path": path, "operator": Operator.PRESENT}, span)
        return path, span

    def _fits(self, aggregate: Aggregate) -> None:
        function, step, path = aggregate.function, aggregate.step, aggregate.path
        if aggregate.is_of_numbers and not path:
            raise wrong(
                self.text,
                aggregate.span,
                f"{function} is of a property, and none is named",
                f"Write it as {_example(function)}.",
            )
        if function == "count" and path:
            raise wrong(
                self.text,
                aggregate.path_span,
                "count is of events, not of a property",
                f"Write count({step.event}[{path}]) for the events that have one, "
                f"unique({step.event}.{path}) for the different values.",
            )

    def _quoted(self, quote: str) -> tuple[str, Span]:
        begin = self.at
        match = re.compile(f"{quote}((?:[^{quote}]|{quote}{quote})*){quote}").match(self.text, begin)
        if not match:
            raise wrong(self.text, Span(begin, begin + 1), f"this {quote} is not closed")
        self.at = match.end()
        return match[1].replace(quote * 2, quote), Span(begin, self.at)

    def _made(self, model: Any, values: dict[str, Any], span: Span) -> Any:
        try:
            return make(model, values)
        except WrongUsage as error:
            raise wrong(self.text, span, error.message.removeprefix("path: ").rstrip(".")) from error

    def _peek(self) -> str:
        while self.text[self.at : self.at + 1] == " ":
            self.at += 1
        return self.text[self.at : self.at + 1]

    def _step_over(self, sign: str) -> None:
        self._peek()
        self.at += len(sign)
        self._peek()

    def _here(self) -> Span:
        return Span(self.at, self.at + 1)

    def _not_closed(self, begin: int, hint: str = "") -> WrongUsage:
        found = f": {self._seen()} stands where the ) should be" if self._peek() else ""
        return wrong(self.text, Span(begin, begin + 1), f"this ( is not closed{found}", hint)

    def _unexpected(self, expected: str) -> WrongUsage:
        seen = self._peek()
        if not seen:
            return wrong(self.text, self._here(), f"it ends where {expected} should be")
        if seen == ")":
            missing = "this ) closes nothing" if expected == END else f"here {expected} is missing"
            return wrong(self.text, self._here(), missing)
        two = self.text[self.at : self.at + 2]
        sign = SIGNS.get(two) or SIGNS.get(seen)
        hint = f"Write {sign}." if sign else {"%": "Write * 100.", ",": "Numbers are written as 1000.5."}.get(seen, "")
        return wrong(self.text, self._here(), f"{self._seen()} stands where {expected} should be", hint)

    def _seen(self) -> str:
        match = WORD.match(self.text, self.at) or NUMBER.match(self.text, self.at)
        return repr(match[0] if match else self.text[self.at])

    def _no_function(self, name: str, span: Span) -> WrongUsage:
        other = OTHER_NAMES.get(name.lower())
        meant = f"; here it is {other}" if other else nearest(name.lower(), (*FUNCTIONS, *OTHER_NAMES))
        called = self._peek() == "("
        return wrong(
            self.text,
            span,
            f"there is no function {name!r}{meant}" if called else f"{name!r} is no number and no function",
            f"Functions are {FUNCTIONS_IN_WORDS}." if called else f"Write it as {EXAMPLE}.",
        )


def _example(function: str) -> str:
    if function in COUNTED:
        return f"{function}(order_completed)"
    return f"{function}({'page_viewed.load_time_ms' if PERCENTILE.fullmatch(function) else 'order_completed.revenue'})"
