"""How a condition is written: `user__plan = 'pro' and not (order__coupon in ('A', 'B') or user__country is null)`.

Its values are all that is free text in it, and they stay values: no part of it is ever SQL.
"""

from __future__ import annotations

import re
from typing import NoReturn

from semantic_layer.journeys.grammar import number
from semantic_layer.journeys.models import make
from semantic_layer.metrics.models import All, Any, Comparator, Comparison, Condition, Missing, Not, Threshold
from warehouse.errors import WrongUsage

LONGEST = 100_000
DEEPEST = 50  # parentheses in parentheses
EXAMPLE = "Write it as user__plan = 'pro', or user__plan in ('pro', 'free') and not session__channel = 'email'."
TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<text>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")"
    r"|(?P<day>\d{4}-\d{2}-\d{2}(?![\w.]))"
    r"|(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?(?![\w.]))"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign><=|>=|!=|<>|==|=|<|>|\(|\)|,)"
    r")",
    re.ASCII,
)
OPERATORS = {str(operator): operator for operator in Comparator} | {"<>": Comparator.UNEQUAL, "==": Comparator.EQUAL}
WORDS = ("and", "or", "not", "in", "is", "null", "true", "false")


def parse_condition(text: str) -> Condition:
    """What a person wrote behind --where."""
    return _Parser(text, "condition").condition()


def parse_threshold(text: str) -> Threshold:
    """What a person wrote behind --having: `orders > 100`."""
    parser = _Parser(text, "threshold")
    comparison = parser.comparison()
    parser.expect_end()
    if not isinstance(comparison, Comparison) or isinstance(comparison.values[0], str) or len(comparison.values) > 1:
        raise WrongUsage(f"--having compares a metric with one number, not {shown(text)}.", hint="As in orders > 100.")
    return Threshold(metric=comparison.dimension, operator=comparison.operator, value=comparison.values[0])


def equality(dimension: str, value: str) -> str:
    """As a person would write it: a quote in quotes is written twice."""
    doubled = value.replace("'", "''")
    return f"{dimension} = '{doubled}'"


def all_of(conditions: list[Condition]) -> Condition | None:
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    return make(All, {"conditions": conditions})


def shown(text: str) -> str:
    """As much of what somebody wrote as a message can hold."""
    return repr(text if len(text) <= 60 else text[:57] + "…")


class _Parser:
    def __init__(self, text: str, what: str) -> None:
        if len(text) > LONGEST:
            raise WrongUsage(f"The {what} has {len(text):,} characters: at most {LONGEST:,} are read.")
        self.text, self.what = text, what
        self.kind, self.token, self.begin, self.end = "", "", 0, 0
        self.depth = 0
        self._next()

    def condition(self) -> Condition:
        found = self._any()
        self.expect_end()
        return found

    def expect_end(self) -> None:
        if self.kind:
            self._wrong(f"{shown(self.token)} is not expected there", "Conditions are joined by and, or.")

    def _any(self) -> Condition:
        parts = [self._all()]
        while self._word("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else make(Any, {"conditions": parts})

    def _all(self) -> Condition:
        parts = [self._negated()]
        while self._word("and"):
            parts.append(self._negated())
        return parts[0] if len(parts) == 1 else make(All, {"conditions": parts})

    def _negated(self) -> Condition:
        self.depth += 1
        if self.depth > DEEPEST:
            self._wrong(f"it is more than {DEEPEST} deep", "Use fewer parentheses.")
        try:
            if self._word("not"):
                return make(Not, {"condition": self._negated()})
            if self._sign("("):
                inner = self._any()
                if not self._sign(")"):
                    self._wrong("a ( is not closed")
                return inner
            return self.comparison()
        finally:
            self.depth -= 1

    def comparison(self) -> Condition:
        if self.kind != "name" or self.token.lower() in WORDS:
            if not self.kind:
                self._wrong("a dimension is missing at its end" if self.text.strip() else "it is empty")
            self._wrong(f"{shown(self.token)} stands where a dimension should")
        name = self.token
        self._next()
        if self._word("is"):
            negative = self._word("not")
            if not self._word("null"):
                self._wrong(f"behind {name} is, null or not null is missing")
            missing = make(Missing, {"dimension": name})
            return make(Not, {"condition": missing}) if negative else missing
        negative = self._word("not")
        if self._word("in"):
            return self._made(name, Comparator.UNEQUAL if negative else Comparator.EQUAL, self._list(name))
        if negative or self.kind != "sign" or self.token not in OPERATORS:
            after = f", not {shown(self.token)}" if self.kind else ""
            self._wrong(f"behind {name} one of =, !=, <, <=, >, >=, in, not in, is is expected{after}")
        operator = OPERATORS[self.token]
        self._next()
        return self._made(name, operator, [self._value(name)])

    def _made(self, name: str, operator: Comparator, values: list[str | int | float]) -> Condition:
        return make(Comparison, {"dimension": name, "operator": operator, "values": values})

    def _list(self, name: str) -> list[str | int | float]:
        if not self._sign("("):
            self._wrong(f"behind {name} in, a list in parentheses is missing", "As in user__plan in ('pro', 'free').")
        values = [self._value(name)]
        while self._sign(","):
            values.append(self._value(name))
        if not self._sign(")"):
            self._wrong(f"the list of {name} is not closed")
        return values

    def _value(self, name: str) -> str | int | float:
        kind, token = self.kind, self.token
        if kind == "name" and token.lower() in ("true", "false"):
            self._next()
            return token.lower()
        if kind == "name" and token.lower() == "null":
            self._wrong("nothing equals null", f"Write {name} is null, or {name} is not null.")
        if kind == "name":
            self._wrong(f"{shown(token)} is not in quotes", f"Write a text as '{token[:50]}'.")
        if kind not in ("text", "number", "day"):
            self._wrong(f"a value of {name} is missing", "A text is in quotes, as 'pro'; a number is not.")
        self._next()
        if kind == "text":
            return token[1:-1].replace(token[0] * 2, token[0])
        return token if kind == "day" else number(token)

    def _word(self, word: str) -> bool:
        return self._take(self.kind == "name" and self.token.lower() == word)

    def _sign(self, sign: str) -> bool:
        return self._take(self.kind == "sign" and self.token == sign)

    def _take(self, is_there: bool) -> bool:
        if is_there:
            self._next()
        return is_there

    def _next(self) -> None:
        self.begin = self.end
        if not self.text[self.end :].strip():
            self.kind, self.token = "", ""
            return
        match = TOKEN.match(self.text, self.end)
        if match is None:
            self._unreadable()
        self.kind, self.token = str(match.lastgroup), match[str(match.lastgroup)]
        self.begin, self.end = match.start(str(match.lastgroup)), match.end()

    def _unreadable(self) -> NoReturn:
        rest = self.text[self.end :].lstrip()
        self.begin = len(self.text) - len(rest)
        if rest[0] in "'\"":
            self._wrong(f"a {rest[0]} is not closed")
        self._wrong(f"{rest[0]!r} has no meaning in it")

    def _wrong(self, why: str, hint: str = EXAMPLE) -> NoReturn:
        where = f" at character {self.begin + 1}" if self.text.strip() else ""
        raise WrongUsage(f"The {self.what} {shown(self.text)} cannot be read{where}: {why}.", hint=hint)
