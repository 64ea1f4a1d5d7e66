"""Conditions on values that a dimension does not have, told by what it has: where plan is gold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from semantic_layer.ask.items import Item
from semantic_layer.ask.lexicon import Lexicon
from semantic_layer.ask.phrases import Role

SHOWN = 8


class MissingValue(NamedTuple):
    value: str
    sentence: str


def without_such_a_value(items: Sequence[Item], lexicon: Lexicon, project: str) -> MissingValue | None:
    for at, item in enumerate(items):
        names = [meaning.name for meaning in item.named("dimension")]
        value_at = at + 1
        while value_at < len(items) and (items[value_at].has(Role.IS) or items[value_at].has(Role.NOT)):
            value_at += 1
        if not names or value_at in (at + 1, len(items)):
            continue
        said = items[value_at]
        if said.is_grammar or said.literal or said.number or {one.name for one in said.named("value")} & set(names):
            continue
        dimensions = [lexicon.catalogue.dimensions[name] for name in names if name in lexicon.catalogue.dimensions]
        known = list(dict.fromkeys(value for one in dimensions for value in one.values.get(project, ())))
        if known:
            some = f"{', '.join(known[:SHOWN])}{' and others' if len(known) > SHOWN else ''}"
            return MissingValue(said.text, f"No {item.text} is {said.text!r}: there are {some}.")
    return None
