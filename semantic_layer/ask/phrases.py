"""The words that hold a question together, by what they do in it: grammar.yaml lists them. A word that is in none of
them and names nothing of the catalogue makes a question refused."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from functools import cache
from pathlib import Path

from semantic_layer.ask.declared import read_yaml
from semantic_layer.metrics.models import Comparator, Grain


class Role(Enum):
    FILLER = auto()
    COUNT = auto()  # how many, number of
    BY = auto()
    AND = auto()
    OR = auto()
    NOT = auto()
    ONLY = auto()
    IS = auto()
    HAVING = auto()  # countries with, users who have
    WHICH = auto()
    COMPARATOR = auto()
    BETWEEN = auto()
    TOP = auto()  # top 5, bottom 3; whether descending
    BEST = auto()  # highest: True, lowest: False; best and worst depend on the metric
    SORTED = auto()
    DIRECTION = auto()
    VERSUS = auto()
    CHANGE = auto()  # how did revenue change
    PEOPLE = auto()
    UNIT = auto()


class Quality(Enum):
    BEST = auto()
    WORST = auto()


Payload = bool | Comparator | Quality | Grain | None

WORDS = Path(__file__).parent / "grammar.yaml"
LONGEST_PHRASE = 6


@cache
def roles() -> dict[tuple[str, ...], tuple[tuple[Role, Payload], ...]]:
    """Phrase -> what it may do; fillers last, since a word that can do something is looked at for that first."""
    found: dict[tuple[str, ...], tuple[tuple[Role, Payload], ...]] = {}
    declared = sorted(_declared(), key=lambda entry: entry[0] is Role.FILLER)
    for role, payload, phrases in declared:
        for phrase in phrases.split(","):
            words = tuple(phrase.split())
            found[words] = (*found.get(words, ()), (role, payload))
    return found


def _declared() -> Iterator[tuple[Role, Payload, str]]:
    for name, phrases in read_yaml(WORDS).items():
        role = Role[name.upper()]
        if isinstance(phrases, str):
            yield role, None, phrases
        else:
            for key, text in phrases.items():
                yield role, _payload(role, key), text
    for unit in Grain:
        yield Role.UNIT, unit, f"{unit}, {unit}s"


def _payload(role: Role, key: str | bool) -> Payload:
    if role is Role.COMPARATOR:
        return Comparator(str(key))
    return key if isinstance(key, bool) else Quality[key.upper()]


@cache
def grammar_words() -> frozenset[str]:
    return frozenset(word for phrase in roles() for word in phrase)
