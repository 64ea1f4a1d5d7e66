"""Typing mistakes: which known word an unknown one was meant to be, where there is only one that it can be."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from semantic_layer.ask.countries import names_everywhere
from semantic_layer.ask.declared import read_yaml
from semantic_layer.ask.lexicon import Lexicon
from semantic_layer.ask.phrases import grammar_words
from semantic_layer.ask.time_phrases import time_words
from semantic_layer.ask.tokens import Token, stem

ENGLISH = Path(__file__).parent / "english_words.txt"
NAMES = Path(__file__).parent / "names.txt"
SHORTEST = 3  # letters; in shorter words one letter is too much of the word
SLIPS = Path(__file__).parent / "slips.yaml"
MOST_CANDIDATES = 20
MOST_WAYS = 8


@dataclass(frozen=True)
class Mended:
    tokens: list[Token]
    corrections: tuple[tuple[str, str], ...]  # what was written, what it was read as


@cache
def english_words() -> frozenset[str]:
    """Also names of people, places and countries: of those that no data has, nothing is told."""
    lines = "\n".join(file.read_text(encoding="utf-8") for file in (ENGLISH, NAMES)).split("\n")
    return frozenset(word for word in lines if word and word[0] != "#") | names_everywhere()


@cache
def slips() -> dict[str, str]:
    """Words of their own that nobody means who asks for numbers: moth for month."""
    found: dict[str, str] = read_yaml(SLIPS)
    return found


def corrections(word: str, known: Collection[str]) -> list[str]:
    """The nearest known words; several where they are equally near. None for what is a word of its own, a short word,
    or nothing like a word."""
    if len(word) < SHORTEST or not re.fullmatch(r"[a-z]+", word):
        return []
    if word in slips():
        return [slips()[word]]
    if word in english_words():
        return []
    from rapidfuzz import process
    from rapidfuzz.distance import OSA, Indel

    allowed = 1 if len(word) < 7 else 2
    shortest = max(len(word) - allowed, SHORTEST) if len(word) > SHORTEST else SHORTEST + 1  # wek is week, foo not for
    candidates = [one for one in known if shortest <= len(one) <= len(word) + allowed]
    found = process.extract(word, candidates, scorer=OSA.distance, score_cutoff=allowed, limit=MOST_CANDIDATES)
    # The first letter is seldom mistyped: a word that begins otherwise counts one more, and none in a short word.
    ranked = sorted(
        (
            distance + (one[0] != word[0]),
            sorted(one) != sorted(word),  # letters in the wrong order are the likeliest mistake
            -round(Indel.normalized_similarity(one, word), 2),
            one,
        )
        for one, distance, _ in found
    )
    return [entry[-1] for entry in ranked if entry[0] <= allowed and entry[:-1] == ranked[0][:-1]]


def mend(tokens: Sequence[Token], lexicon: Lexicon) -> list[Mended]:
    """With typing mistakes corrected, in every way that is equally likely; nothing where there are none."""
    known = lexicon.words | grammar_words() | time_words()
    known |= {f"{word}s" for word in lexicon.words}
    of_names = lexicon.words_of_values | time_words()
    ways: list[list[list[Token]]] = []
    for place, token in enumerate(tokens):
        options = [[token]]
        if token.kind == "word" and not token.quoted and token.text not in known and token.stem not in known:
            # What is written as a name is one, and no small word that would be passed over.
            meant = of_names if place and token.raw[0].isupper() and not token.raw.isupper() else known
            found = corrections(token.text, meant) or _split(token.text, known)
            stems = {stem(phrase): phrase for phrase in found}
            options = [
                [replace(token, text=word, raw=word) for word in phrase.split()] for phrase in stems.values()
            ] or options
        ways.append(options)
    changed = [place for place, options in enumerate(ways) if options[0] != [tokens[place]]]
    if not changed or math.prod(map(len, ways)) > MOST_WAYS:
        return []
    return [
        Mended(
            [token for part in way for token in part],
            tuple((tokens[place].raw, " ".join(token.text for token in way[place])) for place in changed),
        )
        for way in itertools.product(*ways)
    ]


def _split(word: str, known: Collection[str]) -> list[str]:
    """lastmonth is last month, where it can be cut in one way only."""
    if word in english_words():
        return []
    cuts = [f"{word[:at]} {word[at:]}" for at in range(2, len(word) - 2) if word[:at] in known and word[at:] in known]
    return cuts if len(cuts) == 1 else []
