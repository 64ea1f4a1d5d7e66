"""One spelling for every name: snake_case, for events and for the keys of properties and context."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

_LONGEST_REMEMBERED = 128
_ASCII_OR_BLANK = re.compile(r"[\x00-\x7f\s]+")


def snake_case(name: str) -> str:
    """`Product Viewed`, `productViewed`, `$product-viewed` and `product:viewed` are all `product_viewed`.

    Letters, digits and combining marks of every script stay; everything else parts words. A capital starts a
    word after a small letter, and the last capital of a run does where a small letter follows (`HTTPRequest`
    is `http_request`); after a digit only a capitalised word does (`step2Completed` is `step2_completed`, but
    `2FA` stays `2fa`). A name with nothing to keep gives the empty string.
    """
    if len(name) <= _LONGEST_REMEMBERED:  # names repeat endlessly; a hostile long one must not fill the memory
        return _remembered(name)
    return _spell(name)


def signs_beyond_ascii(name: str) -> str:
    """What names an event that has neither letter nor digit, as an emoji does; ASCII signs name nothing."""
    return _ASCII_OR_BLANK.sub("_", name).strip("_")


def snake_keys(value: Any) -> Any:
    """`value` with every key of every object in it in snake_case; values stay as they are.

    Where two keys of one object become the same name, the one that already had that name keeps it, and the
    other stays under its own spelling: nothing is overwritten.
    """
    if type(value) is dict:
        renamed = {}
        for key, inner in value.items():
            kind = type(inner)
            renamed[snake_key(key)] = snake_keys(inner) if kind is dict or kind is list else inner
        return renamed if len(renamed) == len(value) else _without_collisions(value)
    if type(value) is list:
        return [snake_keys(item) if type(item) is dict or type(item) is list else item for item in value]
    return value


def snake_key(key: str) -> str:
    """The name of a property: as `snake_case`, and `_` for a key made of signs only, which still needs a name."""
    return (_remembered(key) if len(key) <= _LONGEST_REMEMBERED else _spell(key)) or "_"


def _without_collisions(value: dict[str, Any]) -> dict[str, Any]:
    taken = {key for key in value if snake_key(key) == key}
    renamed = {}
    for key, inner in value.items():
        name = snake_key(key)
        if name != key:
            if name in taken:
                name = key
            taken.add(name)
        renamed[name] = snake_keys(inner)
    return renamed


def _spell(name: str) -> str:
    # NFC, so that a letter typed as base and accent is the same name as the composed letter.
    text = unicodedata.normalize("NFC", name)
    spelled: list[str] = []
    previous = ""
    for position, char in enumerate(text):
        if not (char.isalnum() or unicodedata.category(char)[0] == "M"):
            previous = ""
            if spelled and spelled[-1] != "_":
                spelled.append("_")
            continue
        if char.isupper() and previous:
            capitalised = text[position + 1 : position + 2].islower()
            if previous.islower() or (capitalised and (previous.isupper() or previous.isdigit())):
                spelled.append("_")
        spelled.append(char)
        previous = char
    # Lower-casing can leave a decomposed letter (U+0130 becomes i and a dot): compose again.
    return unicodedata.normalize("NFC", "".join(spelled).lower()).strip("_")


_remembered = lru_cache(maxsize=16_384)(_spell)
