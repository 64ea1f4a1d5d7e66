"""What people call the countries of which the data has ISO codes: Germany, German, UK for DE and GB."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from semantic_layer.ask.declared import read_yaml
from semantic_layer.ask.tokens import fold

NAMES = Path(__file__).parent / "country_names.txt"
ALIASES = Path(__file__).parent / "country_words.yaml"
CODE = re.compile("[A-Z]{2}")


def is_country(dimension: str, values: Sequence[str]) -> bool:
    return "country" in dimension.rpartition("__")[2] and any(CODE.fullmatch(value) for value in values)


def names_of_countries(code: str) -> tuple[str, ...]:
    if not CODE.fullmatch(code):
        return ()
    name = _territories().get(code)
    return (*((name,) if name else ()), *_aliases().get(code, ()))


def name_of(code: str) -> str:
    """Nothing where it is the code of no country."""
    return _territories().get(code, "")


@cache
def _territories() -> dict[str, str]:
    """Of a file, since Babel takes 40 ms for them, a tenth of a question."""
    lines = NAMES.read_text(encoding="utf-8").splitlines()
    return {code: name for code, _, name in (line.partition(" ") for line in lines)}


def names_by_babel() -> str:
    """What the file holds: `python -m semantic_layer.ask.countries` writes it anew."""
    from babel import Locale

    names = {code: name for code, name in Locale("en").territories.items() if CODE.fullmatch(code)}
    return "".join(f"{code} {name}\n" for code, name in sorted(names.items()))


@cache
def names_everywhere() -> frozenset[str]:
    """What all countries are called, folded: also those that no event came from."""
    return frozenset(fold(name) for code in _territories() for name in names_of_countries(code))


@cache
def _aliases() -> dict[str, list[str]]:
    aliases: dict[str, list[str]] = read_yaml(ALIASES)
    return aliases


if __name__ == "__main__":
    NAMES.write_text(names_by_babel(), encoding="utf-8")
