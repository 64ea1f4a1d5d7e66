"""Typing mistakes: which known word an unknown one was meant to be, where there is only one that it can be."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from pathlib import Path

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
