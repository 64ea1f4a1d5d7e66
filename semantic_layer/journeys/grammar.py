"""How a step is written: EVENT, * for any, EVENT[path=value], EVENT[a=1,b>2][c~text][d]."""

from __future__ import annotations

import re

from semantic_layer.journeys.models import Exclusion, Filter, Operator, Step, make
from warehouse.errors import WrongUsage

OPERATOR = re.compile(r"!=|>=|<=|=|>|<|~")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
# Beyond it two integers may be one and the same Float64: such a number, an id most likely, is compared as a text.
EXACT_DIGITS = 15
BRACKETED = re.compile(r"\[.*\]|\[[^\]]*$")
SPAN = re.compile(r"(?P<step>.*):(?P<after>\d+)-(?P<before>\d+)")
EXAMPLE = "Write it as signup, * for any event, or page_viewed[page.path=/pricing,plan!='a, b']."


class BadFilter(Exception):
    """What a filter has that it may not have, and where in the text."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.what, self.at = what, at


def parse_step(text: str) -> Step:
    event, _, _ = text.partition("[")
    if not event.strip():
        raise WrongUsage(f"The step {text!r} names no event.", hint=EXAMPLE)
    if "]" in event:
        raise WrongUsage(f"The step {text!r} has a ] without a [ before it.", hint=EXAMPLE)
    try:
        filters, end = read_filters(text, len(event))
        if rest := text[end:]:
            raise BadFilter(f"{rest!r} where a [ should be", end)
    except BadFilter as bad:
        raise WrongUsage(f"The step {text!r} has {bad.what}.", hint=EXAMPLE) from bad
    return make(Step, {"event": event.strip(), "filters": filters})


def read_filters(text: str, at: int) -> tuple[list[Filter], int]:
    """All that stands in brackets from a place of a text on, and the place of what comes next."""
    reader = _Filters(text, at)
    return reader.parse(), reader.at


def parse_exclusion(text: str, steps: int) -> Exclusion:
    """EVENT, or EVENT:1-2 for `after step 1 and before step 2`."""
    match = SPAN.fullmatch(text)
    if not match:
        # No event has a colon in its name; a value in brackets may.
        if ":" in BRACKETED.sub("", text):
            raise WrongUsage(
                f"The exclusion {text!r} has no valid steps behind the colon.",
                hint="Write it as EVENT, or as EVENT:1-2 for between steps 1 and 2.",
            )
        return Exclusion(step=parse_step(text), after=1, before=steps)
    return Exclusion(step=parse_step(match["step"]), after=int(match["after"]), before=int(match["before"]))


class _Filters:
    def __init__(self, text: str, at: int) -> None:
        self.text, self.at = text, at

    def parse(self) -> list[Filter]:
        found: list[Filter] = []
        self._skip_blanks()
        while self._peek() == "[":
            self.at += 1
            found.append(self._filter())
            while self._peek() == ",":
                self.at += 1
                found.append(self._filter())
            self._skip_blanks()
            if self._peek() != "]":
                rest = self.text[self.at :]
                raise BadFilter(f"{rest!r} where a ] should be" if rest else "a [ that is not closed", self.at)
            self.at += 1
            self._skip_blanks()
        return found

    def _filter(self) -> Filter:
        path = self._until(r"!=|[=<>~,\]]").strip()
        if not path:
            raise BadFilter("a filter without a property", self.at)
        operator = OPERATOR.match(self.text, self.at)
        if operator is None:
            return make(Filter, {"path": path, "operator": Operator.PRESENT})
        self.at = operator.end()
        return make(Filter, {"path": path, "operator": operator[0], "value": self._value()})

    def _value(self) -> str | int | float:
        self._skip_blanks()
        quote = self._peek()
        if quote in ("'", '"'):
            # Doubled inside, as in SQL and CSV.
            quoted = re.compile(f"{quote}((?:[^{quote}]|{quote}{quote})*){quote}").match(self.text, self.at)
            if quoted is None:
                raise BadFilter(f"a value whose {quote} is not closed", self.at)
            self.at = quoted.end()
            return quoted[1].replace(quote * 2, quote)
        value = self._until(r"[,\]]").strip()
        if not value:
            raise BadFilter("a filter without a value; write '' for none", self.at)
        return number(value)

    def _until(self, stop: str) -> str:
        end = re.compile(stop).search(self.text, self.at)
        if end is None:
            raise BadFilter("a [ that is not closed", self.at)
        begin, self.at = self.at, end.start()
        return self.text[begin : self.at]

    def _skip_blanks(self) -> None:
        self.at = len(self.text) - len(self.text[self.at :].lstrip())

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]


def number(text: str) -> str | int | float:
    """What looks like a number is one."""
    if not NUMBER.fullmatch(text) or len(re.sub(r"\D", "", text.lower().partition("e")[0])) > EXACT_DIGITS:
        return text
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
