"""A question cut into the largest pieces that are known: names of the catalogue, times, words that hold it together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from semantic_layer.ask.lexicon import LONGEST_TERM, Lexicon, Meaning
from semantic_layer.ask.phrases import LONGEST_PHRASE, Payload, Phrases, Role
from semantic_layer.ask.time_phrases import TimePhrase, TimeReader
from semantic_layer.ask.tokens import SKIPPED, Token, key_of


@dataclass(frozen=True)
class Item:
    """One piece, and everything that it can be. An item that can be nothing is an unknown word."""

    start: int
    end: int
    text: str
    meanings: tuple[Meaning, ...] = ()
    time: TimePhrase | None = None
    roles: tuple[tuple[Role, Payload], ...] = ()
    number: str = ""
    quoted: bool = False
    literal: str = ""  # what stands in quotation marks, as it was written
    raw: str = field(default="", compare=False)

    def has(self, role: Role) -> bool:
        return any(known is role for known, _ in self.roles)

    def payload(self, role: Role) -> Payload:
        return next(payload for known, payload in self.roles if known is role)

    def named(self, kind: str) -> tuple[Meaning, ...]:
        return tuple(meaning for meaning in self.meanings if meaning.kind == kind)

    @property
    def is_grammar(self) -> bool:
        """Whether it is a word that holds questions together, which a code in capitals (US) is not."""
        return bool(self.roles) and not (len(self.text) <= 3 and self.raw.isupper())

    @property
    def is_known(self) -> bool:
        return bool(self.meanings or self.time or self.roles or self.number or self.literal)


METRIC_KINDS = frozenset({"metric", "dimension", "value"})
JOURNEY_KINDS = frozenset({"event", "page", "dimension", "value", "funnel"})
EVENT_KINDS = METRIC_KINDS | {"event"}


def cut(
    tokens: Sequence[Token],
    lexicon: Lexicon,
    today: date,
    kinds: frozenset[str],
    grammar: Phrases,
    without: Collection[tuple[int, int]] = (),
) -> list[Item]:
    """The cut that covers the most words with the fewest pieces; `without` those that have been tried."""
    found = _candidates(tokens, lexicon, TimeReader(tokens, today), kinds, grammar)
    count = len(tokens)
    # From the end: (unknown words, pieces, pieces that are only fillers, words that are no names) of the rest, and the
    # piece that begins it: "average order by" is of an average order, not of an average and an order by.
    best: list[tuple[tuple[int, int, int, int], Item | None]] = [((0, 0, 0, 0), None)] * (count + 1)
    for i in range(count - 1, -1, -1):
        options = []
        for item in found[i]:
            if (item.start, item.end) in without:
                continue
            unknown, pieces, fillers, named = best[item.end][0]
            is_filler = not item.meanings and not item.time and item.roles[:1] and item.roles[0][0] is Role.FILLER
            named -= item.end - item.start if item.meanings else 0
            score = (unknown + (not item.is_known), pieces + 1, fillers + bool(is_filler), named)
            options.append((score, item))
        best[i] = min(options, key=lambda option: option[0])
    items: list[Item] = []
    while (i := items[-1].end if items else 0) < count:
        chosen = best[i][1]
        assert chosen
        items.append(chosen)
    return items


def _candidates(
    tokens: Sequence[Token], lexicon: Lexicon, reader: TimeReader, kinds: frozenset[str], grammar: Phrases
) -> list[list[Item]]:
    stems = [token.stem for token in tokens]
    shared = lexicon.elliptical(tokens) if "metric" in kinds else {}
    words = [token.text for token in tokens]
    all_candidates: list[list[Item]] = []
    # Where the next code of a country stands, which is part of no other phrase.
    codes = [
        next((at for at in range(i, len(tokens)) if tokens[at].kind == "code"), len(tokens)) for i in range(len(tokens))
    ]
    for i, token in enumerate(tokens):
        spans: dict[int, dict[str, object]] = {i + 1: {}}
        for end in range(i + 1, min(i + LONGEST_TERM, len(tokens)) + 1):
            known = lexicon.meanings(key_of(stems[i:end]), tokens[i:end])
            meanings = tuple(meaning for meaning in known if meaning.kind in kinds)
            if meanings:
                spans.setdefault(end, {})["meanings"] = meanings
        for end, meanings in _with_small_words(tokens, i, lexicon, kinds):
            spans.setdefault(end, {}).setdefault("meanings", meanings)
        if "metric" in kinds:
            for end in range(i + 1, i + 4):
                if (i, end) in shared and "meanings" not in spans.get(end, {}):
                    spans.setdefault(end, {})["meanings"] = shared[i, end]
        if not token.quoted and token.kind != "code":
            if (read := reader.read(i)) and read[0] <= codes[i]:
                spans.setdefault(read[0], {})["time"] = read[1]
            for end in range(i + 1, min(i + LONGEST_PHRASE, codes[i]) + 1):
                if known_roles := grammar.get(tuple(words[i:end])):
                    spans.setdefault(end, {})["roles"] = known_roles
        if token.quoted and (i == 0 or tokens[i - 1].quoted != token.quoted):
            whole = [other for other in tokens[i:] if other.quoted == token.quoted]
            spans.setdefault(i + len(whole), {})["literal"] = token.quotation
        if token.kind == "number":
            spans[i + 1]["number"] = token.text
        if token.kind == "comma":
            spans[i + 1]["roles"] = ((Role.AND, None), (Role.FILLER, None))
        if token.kind == "dash":
            spans[i + 1]["roles"] = ((Role.FILLER, None),)
        all_candidates.append([_item(tokens, i, end, what) for end, what in spans.items()])
    return all_candidates


def _with_small_words(
    tokens: Sequence[Token], begin: int, lexicon: Lexicon, kinds: frozenset[str]
) -> Iterator[tuple[int, tuple[Meaning, ...]]]:
    """Names between whose words small ones stand: how long do people stay on the site."""
    said: list[Token] = []
    for end in range(begin, min(begin + 2 * LONGEST_TERM, len(tokens))):
        if tokens[end].text in SKIPPED and tokens[end].kind != "code":
            if not said:
                return
            continue
        said.append(tokens[end])
        if 1 < len(said) < end + 1 - begin:
            known = lexicon.meanings(key_of(token.stem for token in said), said)
            if meanings := tuple(m for m in known if m.kind in kinds and m.kind in ("metric", "dimension")):
                yield end + 1, meanings


def _item(tokens: Sequence[Token], start: int, end: int, what: dict[str, object]) -> Item:
    part = tokens[start:end]
    return Item(
        start,
        end,
        " ".join(token.text for token in part),
        quoted=bool(part[0].quoted),
        raw=" ".join(token.raw for token in part),
        **what,  # type: ignore[arg-type]
    )
