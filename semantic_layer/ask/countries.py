"""What people call the countries of which the data has ISO codes: Germany, German, UK for DE and GB."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from semantic_layer.ask.declared import read_yaml

ALIASES = Path(__file__).parent / "country_words.yaml"
CODE = re.compile("[A-Z]{2}")


def is_country(dimension: str, values: Sequence[str]) -> bool:
    return "country" in dimension.rpartition("__")[2] and any(CODE.fullmatch(value) for value in values)


def names_of_countries(code: str) -> tuple[str, ...]:
    if not CODE.fullmatch(code):
        return ()
    name = _territories().get(code)
    return (*((name,) if name else ()), *_aliases().get(code, ()))


@cache
def _territories() -> dict[str, str]:
    from babel import Locale

    return dict(Locale("en").territories)


@cache
def _aliases() -> dict[str, list[str]]:
    aliases: dict[str, list[str]] = read_yaml(ALIASES)
    return aliases
