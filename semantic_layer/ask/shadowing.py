"""Values that would hide what every question is made of: whoever names a campaign "revenue last month", "by country" or
"germany" must not make these questions of others ones about it. They count in quotation marks only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

from semantic_layer.ask.countries import name_of, names_everywhere
from semantic_layer.ask.phrases import Role, grammar_words, roles
from semantic_layer.ask.time_phrases import time_words
from semantic_layer.ask.time_points import LAST, MONTHS, THIS, UNITS
from semantic_layer.ask.tokens import fold

OF_TIMES = frozenset({*LAST, *THIS, *UNITS, *MONTHS, "today", "yesterday"})


class Shadows:
    """`names`: the words of metrics and dimensions."""

    def __init__(self, names: Collection[str]) -> None:
        self._known = frozenset(names) | grammar_words() | time_words()
        self._names = frozenset(names)

    def hides(self, value: str, words: Sequence[str]) -> bool:
        if fold(value) in names_everywhere():
            return True
        if len(value) == 2 and name_of(value.upper()) and value != "no":
            return True
        if len(words) < 2 or not all(word in self._known or word.isdecimal() for word in words):
            return False
        # "About us" is made of small words as well; what asks for something has one of these.
        return any(word in OF_TIMES or word in _groupings() for word in words)


@cache
def _groupings() -> frozenset[str]:
    """by, per, top: words of one kind only."""
    return frozenset(
        phrase[0]
        for phrase, known in roles().items()
        if len(phrase) == 1 and any(role in (Role.BY, Role.TOP, Role.SORTED) for role, _ in known)
    )
