"""Questions that no word of the catalogue makes answerable: why, forecasts, persons, commands, other subjects."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from semantic_layer.ask.declared import read_yaml
from semantic_layer.ask.lexicon import LONGEST_TERM, Lexicon
from semantic_layer.ask.tokens import Token, key_of

PERSONS = {
    "users",
    "customers",
    "people",
    "subscribers",
    "buyers",
    "members",
    "visitors",
    "persons",
    "clients",
    "shoppers",
}
PHRASES = Path(__file__).parent / "declined.yaml"


def declined(tokens: Sequence[Token], lexicon: Lexicon) -> str:
    """The reason where it is such a question, else nothing. What the catalogue itself calls something so (a channel
    `email`) is none. In the file ^ marks what only begins a question, ! what is a reason whatever the catalogue has."""
    words = [token.text for token in tokens]
    if personal := _asks_for_persons(words):
        return personal
    for marks, phrase, reason in _reasons():
        starts = (0,) if "^" in marks else range(len(words) - len(phrase) + 1)
        for start in starts:
            part = tokens[start : start + len(phrase)]
            said = words[start : start + len(phrase)] == phrase and not all(token.quoted for token in part)
            if said and ("!" in marks or not _is_named(tokens, start, start + len(phrase), lexicon)):
                return reason
    return ""


def _is_named(tokens: Sequence[Token], begin: int, end: int, lexicon: Lexicon) -> bool:
    """Whether the catalogue calls something so, or by a name that has these words in it: a story is none, but the
    experiment landing_page_story is."""
    for first in range(max(0, end - LONGEST_TERM), begin + 1):
        for last in range(end, min(len(tokens), first + LONGEST_TERM) + 1):
            part = tokens[first:last]
            if lexicon.meanings(key_of(token.stem for token in part), part):
                return True
    return False


def _asks_for_persons(words: list[str]) -> str:
    """list churned customers; but not: list countries by customers."""
    begin = words.index("list") + 1 if "list" in words[:4] else None
    for word in words[begin : begin + 5] if begin is not None else ():
        if word in ("by", "per", "with", "where"):
            return ""
        if word in PERSONS:
            return next(reason for _, phrase, reason in _reasons() if phrase == ["list", "users"])
    return ""


@cache
def _reasons() -> tuple[tuple[str, list[str], str], ...]:
    found = []
    for entry in read_yaml(PHRASES):
        for phrase in entry["phrases"].split(","):
            words = phrase.split()
            bare = words[0].lstrip("^!")
            found.append((words[0].removesuffix(bare), [bare, *words[1:]], entry["reason"]))
    return tuple(found)
