"""Questions that no word of the catalogue makes answerable: why, forecasts, persons, commands, other subjects."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from semantic_layer.ask.declared import read_yaml
from semantic_layer.ask.lexicon import Lexicon
from semantic_layer.ask.tokens import Token

PHRASES = Path(__file__).parent / "declined.yaml"


def declined(tokens: Sequence[Token], lexicon: Lexicon) -> str:
    """The reason where it is such a question, else nothing. What the catalogue itself calls something so (a channel
    `email`) is no reason; a phrase that begins with ^ only begins a question."""
    words = [token.text for token in tokens]
    for phrase, reason in _reasons():
        starts = (0,) if phrase[0] == "^" else range(len(words) - len(phrase) + 1)
        wanted = [*phrase[1:]] if phrase[0] == "^" else [*phrase]
        for start in starts:
            part = tokens[start : start + len(wanted)]
            said = words[start : start + len(wanted)] == wanted and not all(token.quoted for token in part)
            if said and not lexicon.meanings("".join(wanted), part):
                return reason
    return ""


@cache
def _reasons() -> tuple[tuple[tuple[str, ...], str], ...]:
    return tuple(
        (tuple(phrase.replace("^", "^ ").split()), entry["reason"])
        for entry in read_yaml(PHRASES)
        for phrase in entry["phrases"].split(",")
    )
