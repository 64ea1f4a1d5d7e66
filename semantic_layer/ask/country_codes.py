"""Codes of countries that are small words as well: "revenue in the us", "in IT" are of countries, and no word to pass
over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from semantic_layer.ask.countries import name_of
from semantic_layer.ask.phrases import Role, roles
from semantic_layer.ask.tokens import Token

PLACED = {"in", "from", "within", "outside", "inside"}  # before a country, also one in small letters
JOINED = {"and", "or", "vs", "versus", "not", "except", "excluding", "without", "nor", "only", ",", "&"}
OF_COUNTRIES = PLACED | JOINED | {"for", "of", "the"}
ENDS = {"by", "per", "and", "or", "vs", "versus", ",", "&", "last", "this", "since", "over", "compared"}
# In capitals they may stand for emphasis, where what they lead to follows: revenue IN Germany BY month.
LEADING = {"in", "by", "at", "to", "as", "do", "is", "so"}
PREPOSITIONS = {"in", "by", "at", "to", "as"}
# "bought from us" and "show us customers" are of the shop.
DEALINGS = {
    "buy",
    "buys",
    "bought",
    "buying",
    "order",
    "ordered",
    "purchase",
    "purchased",
    "subscribed",
    "heard",
    "get",
}
GIVING = {"show", "give", "tell", "get", "gets", "let", "send", "bring", "brings", "brought", "cost", "costs", "make"}
GIVING |= {"made", "makes", "pay", "pays", "paid", "visit", "visits", "visited", "visiting", "reach", "reached", "join"}
GIVING |= {
    "joined",
    "left",
    "leave",
    "find",
    "found",
    "use",
    "used",
    "recommend",
    "contact",
    "contacted",
    "help",
    "earn",
}
GIVING |= {"won", "lost", "lose", "ask", "asked", "like"}
US_AFTER = GIVING | {"between", "among", "about", "with", "for", "to", "by", "on"}


def with_codes(tokens: Sequence[Token]) -> list[Token]:
    """The same, with such words marked as codes, in capitals; those that only lead to something in small letters."""
    return [_read(tokens, at) for at in range(len(tokens))]


def _read(tokens: Sequence[Token], at: int) -> Token:
    token = tokens[at]
    if _is_code(tokens, at):
        return replace(token, kind="code", raw=token.text.upper())
    is_emphasis = token.kind == "word" and token.text in LEADING and token.raw.isupper() and not token.quoted
    return replace(token, raw=token.text) if is_emphasis else token


def is_placed(tokens: Sequence[Token], word: str) -> bool:
    """Whether such a code stands where countries do: "on TV" is nothing of Tuvalu."""
    return any(token.raw == word and (not at or tokens[at - 1].text in OF_COUNTRIES) for at, token in enumerate(tokens))


def _is_code(tokens: Sequence[Token], at: int) -> bool:
    token = tokens[at]
    if token.kind != "word" or token.quoted or len(token.text) != 2 or not name_of(token.text.upper()):
        return False
    before = [one.text for one in tokens[max(at - 3, 0) : at]]
    after = tokens[at + 1].text if at + 1 < len(tokens) else ""
    if token.text == "us" and not token.raw.isupper():
        return _is_united_states(before, after)
    if (token.text,) not in roles():
        return False  # no small word: it is known, or not
    place = before[-1] if before else ""
    if token.raw.isupper():
        leads = token.text in LEADING and after not in {"", *ENDS}
        leads = leads and not (token.text in PREPOSITIONS and not before)
        return place not in GIVING and (place in OF_COUNTRIES or not leads)
    return (not after or after in ENDS) and (place in PLACED or _is_of_a_list(tokens, at))


def _is_of_a_list(tokens: Sequence[Token], at: int) -> bool:
    """in de, fr and it: of several countries."""
    words = [one.text for one in tokens[:at]]
    others = 0
    while words and (words[-1] in JOINED or name_of(words[-1].upper())) and words[-1] not in PLACED:
        others += words.pop() not in JOINED
    return others > 0 and words[-1:] != [] and words[-1] in PLACED


def _is_united_states(before: list[str], after: str) -> bool:
    place = before[-1] if before else ""
    if place == "the":
        return True
    if place in {"in", "from", "of"}:
        return not DEALINGS & {*before[-2:-1]}
    if any(role is Role.PEOPLE for role, _ in roles().get((after,), ())):
        return place not in US_AFTER  # us customers
    return not place or place in JOINED | PLACED
