"""The one exception for failures we expect: a sentence for a person, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class MillraceError(Exception):
    """What was wrong and where, in one sentence; `hint` is the next step, where there is one."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class WrongUsage(MillraceError):
    """What a person asked for cannot be asked: exit code 2, as for an unknown option."""


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x' or 'y'?` for the known words closest to `word`, or nothing."""
    close = get_close_matches(word, list(known), n=2, cutoff=0.6)
    return f"; did you mean {' or '.join(repr(c) for c in close)}?" if close else ""
