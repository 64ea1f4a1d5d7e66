"""Commands for people to copy into a terminal."""

from __future__ import annotations

import re
import shlex


def command(*words: str) -> str:
    return " ".join(map(_word, words))


def _word(word: str) -> str:
    """In double quotes where no shell reads anything in them: SQL and conditions are full of single ones."""
    quoted = shlex.quote(word)
    return f'"{word}"' if quoted != word and not re.search(r'["$`\\!]', word) else quoted
