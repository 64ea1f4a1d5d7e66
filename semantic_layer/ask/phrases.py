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
    CHANGE = auto()  # how did revenue change; whether up, to the better or either
    TREND = auto()  # how did revenue develop
    AVERAGE = auto()
    PARTS = auto()  # share of the total
    PEOPLE = auto()
    UNIT = auto()
    # Of journeys only
    FUNNEL = auto()
    SHARE = auto()  # what percentage of
    STARTS = auto()  # from the first step
    THEN = auto()  # to the next one
    WITHIN = auto()
    TAKES = auto()  # how long
    ANY_ORDER = auto()
    STRICTLY = auto()
    RETENTION = auto()
    RETURNS = auto()
    AGAIN = auto()
    FIRST_TIME = auto()
    OR_LATER = auto()
    LIFECYCLE = auto()
    STAGE = auto()  # new, returning, dormant
    STICKINESS = auto()
    ACTIVE_DAYS = auto()
    ACTIVE = auto()
    AFTER = auto()
    BEFORE = auto()
    PATHS = auto()
    GOES = auto()
    # Of follow-ups only
    LEADS = auto()  # and, what about, same for: it amends the question before
    CUE = auto()  # by, top, per: it may
    ADD = auto()
    REMOVE = auto()
    CONDITIONS = auto()
    GROUPINGS = auto()
    COMPARISON = auto()
    RANKING = auto()
    TIMES = auto()


class Quality(Enum):
    BEST = auto()
    WORST = auto()
    ANY = auto()  # of a change: up or down


Payload = bool | Comparator | Quality | Grain | None

GENERAL, OF_JOURNEYS, OF_FOLLOW_UPS = "grammar", "journey_grammar", "following_grammar"
LONGEST_PHRASE = 6
OF_SINGLE_ONES = {"maximum", "max", "minimum", "min"}


Phrases = dict[tuple[str, ...], tuple[tuple[Role, Payload], ...]]


@cache
def roles(*files: str) -> Phrases:
    """Phrase -> what it may do, by grammar.yaml and the files named; fillers last, since a word that can do something
    is looked at for that first."""
    found: Phrases = {}
    declared = [entry for file in (GENERAL, *files) for entry in _declared(file)]
    declared += ((Role.UNIT, unit, f"{unit}, {unit}s") for unit in Grain)
    if OF_JOURNEYS in files:  # whose rows have an order of their own, and an order is an event
        declared = [entry for entry in declared if entry[0] is not Role.SORTED]
    for role, payload, phrases in sorted(declared, key=lambda entry: entry[0] is Role.FILLER):
        for phrase in phrases.split(","):
            words = tuple(phrase.split())
            found[words] = (*found.get(words, ()), (role, payload))
    return found


def _declared(file: str) -> Iterator[tuple[Role, Payload, str]]:
    for name, phrases in read_yaml(Path(__file__).parent / f"{file}.yaml").items():
        role = Role[name.upper()]
        if isinstance(phrases, str):
            yield role, None, phrases
        else:
            for key, text in phrases.items():
                yield role, _payload(role, key), text


def _payload(role: Role, key: str | bool) -> Payload:
    if role is Role.COMPARATOR:
        return Comparator(str(key))
    return key if isinstance(key, bool) else Quality[key.upper()]


@cache
def grammar_words() -> frozenset[str]:
    return frozenset(word for phrase in roles(OF_JOURNEYS, OF_FOLLOW_UPS) for word in phrase)
