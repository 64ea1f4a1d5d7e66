"""From a question in plain English to what is asked, or to why it is not answered. No model of language, no SQL: every
word that says something must be known, and the pieces must fit together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from semantic_layer.ask.attempts import Attempt
from semantic_layer.ask.declined import declined
from semantic_layer.ask.items import Item, cut
from semantic_layer.ask.lexicon import Lexicon, lexicon_of
from semantic_layer.ask.metric_questions import build
from semantic_layer.ask.metric_reader import MetricReader
from semantic_layer.ask.phrases import grammar_words
from semantic_layer.ask.resolution import Assumptions, Unclear
from semantic_layer.ask.spelling import corrections
from semantic_layer.ask.suggestions import nearest_questions
from semantic_layer.ask.time_phrases import time_words
from semantic_layer.ask.time_points import Unreadable
from semantic_layer.ask.tokens import LONGEST_QUESTION, Token, singular, tokenise
from semantic_layer.ask.understood import Refusal, Understood
from semantic_layer.metrics.catalogue import Catalogue

MOST_WORDS = 80
METRIC_KINDS = frozenset({"metric", "dimension", "value"})


@dataclass(frozen=True)
class Context:
    """Of whom and when a question is asked. `today` is the newest day that can be asked for: the day in the project's
    timezone, or the last one with data."""

    project: str
    today: date
    previous: Understood | None = None  # the question before, which this one may amend


def understand(question: str, catalogue: Catalogue, context: Context) -> Understood | Refusal:
    if len(question) > LONGEST_QUESTION:
        return Refusal(f"The question is longer than {LONGEST_QUESTION} characters: ask for one thing at a time.")
    tokens = tokenise(question)
    if not tokens or len(tokens) > MOST_WORDS:
        reason = "There is no question." if not tokens else f"The question has more than {MOST_WORDS} words."
        return Refusal(reason, suggestions=nearest_questions((), catalogue))
    lexicon = lexicon_of(catalogue, context.project)
    if reason := declined(tokens, lexicon):
        return Refusal(reason, suggestions=nearest_questions(tokens, catalogue))
    try:
        attempts = _attempts(tokens, lexicon, context)
        mended: list[tuple[str, str]] = []
        if not any(attempt.succeeded for attempt in attempts):
            better, mended = _mended(tokens, lexicon)
            if mended:
                attempts = _attempts(better, lexicon, context)
    except Unreadable as error:
        return Refusal(str(error), suggestions=nearest_questions(tokens, catalogue))
    for attempt in attempts:
        if attempt.succeeded and attempt.query:
            corrected = [f"Read {wrong!r} as {right!r}." for wrong, right in mended]
            sureness = attempt.sureness * 0.9 ** len(mended)
            return Understood(attempt.query, round(sureness, 3), "matcher", (*corrected, *attempt.remarks))
    return _refusal(tokens, attempts, catalogue)


def _attempts(tokens: list[Token], lexicon: Lexicon, context: Context) -> list[Attempt]:
    return [_metrics(tokens, lexicon, context)]


def _metrics(tokens: list[Token], lexicon: Lexicon, context: Context) -> Attempt:
    items: list[Item] = cut(tokens, lexicon, context.today, METRIC_KINDS)
    slots = MetricReader(items).read()
    attempt = Attempt("metrics", uncovered=slots.uncovered)
    if slots.problems:
        attempt.problem = slots.problems[0]
    if slots.uncovered:
        return attempt
    assumed = Assumptions()
    try:
        attempt.query = build(slots, lexicon.catalogue, context.project, context.today, assumed)
    except Unclear as error:
        attempt.problem, attempt.suggestions = error.reason, error.suggestions
    attempt.remarks, attempt.sureness = assumed.remarks, assumed.sureness
    return attempt


def _mended(tokens: list[Token], lexicon: Lexicon) -> tuple[list[Token], list[tuple[str, str]]]:
    """With typing mistakes corrected, where it is clear what was meant; and what was corrected."""
    known = lexicon.words | grammar_words() | time_words()
    known |= {f"{word}s" for word in lexicon.words}
    better: list[Token] = []
    mended: list[tuple[str, str]] = []
    for token in tokens:
        if token.kind != "word" or token.quoted or token.text in known or token.stem in known:
            better.append(token)
            continue
        found = corrections(token.text, known)
        stems = {singular(word) for word in found}
        words = found[0].split() if len(stems) == 1 else _split(token.text, known) if not found else []
        if words:
            mended.append((token.raw, " ".join(words)))
        better += [replace(token, text=word, raw=word) for word in words] or [token]
    return better, mended


def _split(word: str, known: frozenset[str] | set[str]) -> list[str]:
    """lastmonth is last month, where it can be cut in one way only."""
    cuts = [[word[:at], word[at:]] for at in range(2, len(word) - 2) if word[:at] in known and word[at:] in known]
    return cuts[0] if len(cuts) == 1 else []


def _refusal(tokens: list[Token], attempts: list[Attempt], catalogue: Catalogue) -> Refusal:
    best = min(attempts, key=lambda attempt: len(attempt.uncovered))
    suggestions = best.suggestions or nearest_questions(tokens, catalogue)
    if best.uncovered:
        words = tuple(dict.fromkeys(best.uncovered))
        listed = ", ".join(repr(word) for word in words[:8])
        return Refusal(f"It is not known what {listed} means here.", words, suggestions)
    return Refusal(best.problem or "The question is not understood.", (), suggestions)
