"""Typing mistakes: which known word an unknown one was meant to be, where there is only one that it can be."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from semantic_layer.ask.lexicon import Lexicon
from semantic_layer.ask.phrases import grammar_words
from semantic_layer.ask.time_phrases import time_words
from semantic_layer.ask.tokens import Token, singular

ENGLISH = Path(__file__).parent / "english_words.txt"
SHORTEST = 4  # letters; in shorter words one letter is too much of the word
MOST_CANDIDATES = 20


@cache
def english_words() -> frozenset[str]:
    text = ENGLISH.read_text(encoding="utf-8")
    return frozenset(word for word in text.split("\n") if word and word[0] != "#")


def corrections(word: str, known: Collection[str]) -> list[str]:
    """The nearest known words; several where they are equally near. None for what is a word of its own, a short word,
    or nothing like a word."""
    if len(word) < SHORTEST or not re.fullmatch(r"[a-z]+", word) or word in english_words():
        return []
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    allowed = 1 if len(word) < 8 else 2
    candidates = [one for one in known if len(one) >= SHORTEST and abs(len(one) - len(word)) <= allowed]
    found = process.extract(word, candidates, scorer=OSA.distance, score_cutoff=allowed, limit=MOST_CANDIDATES)
    # The first letter is seldom mistyped: a word that begins otherwise counts one more.
    ranked = [(distance + (one[0] != word[0]), one) for one, distance, _ in found]
    if not ranked:
        return []
    best = min(ranked)[0]
    return sorted({one for distance, one in ranked if distance == best and best <= allowed})


def mend(tokens: Sequence[Token], lexicon: Lexicon) -> tuple[list[Token], list[tuple[str, str]]]:
    """With typing mistakes corrected, where it is clear what was meant; and what was corrected."""
    known = lexicon.words | grammar_words() | time_words()
    known |= {f"{word}s" for word in lexicon.words}
    better: list[Token] = []
    mended: list[tuple[str, str]] = []
    for token in tokens:
        if token.kind != "word" or token.quoted or token.text in known or token.stem in known:
            better.append(token)
            continue
        found = corrections(token.text, known)
        stems = {singular(word) for word in found}
        words = found[0].split() if len(stems) == 1 else _split(token.text, known) if not found else []
        if words:
            mended.append((token.raw, " ".join(words)))
        better += [replace(token, text=word, raw=word) for word in words] or [token]
    return better, mended


def _split(word: str, known: frozenset[str] | set[str]) -> list[str]:
    """lastmonth is last month, where it can be cut in one way only."""
    cuts = [[word[:at], word[at:]] for at in range(2, len(word) - 2) if word[:at] in known and word[at:] in known]
    return cuts[0] if len(cuts) == 1 else []
