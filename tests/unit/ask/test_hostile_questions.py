"""Whatever is asked: never an error, never a word passed over, nothing of it taken for anything but words."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from semantic_layer.ask.declined import declined
from semantic_layer.ask.lexicon import lexicon_of
from semantic_layer.ask.phrases import grammar_words
from semantic_layer.ask.time_phrases import time_words
from semantic_layer.ask.tokens import tokenise
from semantic_layer.ask.understood import Refusal, Understood
from semantic_layer.metrics.models import MetricQuery
from tests.unit.ask.telling import ask, line, told
from tests.unit.ask.world import CATALOGUE

LEXICON = lexicon_of(CATALOGUE, "demo")
KNOWN = sorted(LEXICON.words | grammar_words() | time_words())
NONSENSE = (
    "zorp",
    "blick",
    "quux",
    "Ünsinn",
    "収益",
    "выручка",
    "🙈",
    "';",
    "{{",
    "}}",
    "--",
    "$(x)",
    "\\",
    "|",
    "\x00",
)
CHANGES_MEANING = ("not", "without", "never", "except", "unless", "or", "nor", "neither", "if", "than", "average", "no")


@pytest.mark.parametrize(
    "question",
    [
        "",
        " \t\n",
        "?",
        "...",
        "'",
        '"',
        '""""',
        "🙈",
        "revenue 🙈",
        "収益 by 国",
        "выручка по странам",
        "الإيرادات",
        "revenue; drop table users",
        "revenue -- comment",
        "revenue' or '1'='1",
        "revenue where country = 'DE' or 1=1",
        "{{ Dimension('user__country') }} revenue",
        "{% raw %} revenue {% endraw %}",
        "revenue by ${country}",
        "revenue by `country`; select 1",
        "revenue \x00 by country",
        "revenue\\",
        "a" * 10_000,
        "revenue " * 60,
        "revenue by " * 30,
        "1" * 400,
        "revenue in " + "9" * 300,
        "last " + "9" * 200 + " days revenue",
        "revenue last 99999 years",
        "revenue in week 99",
        "revenue on 2026-99-99",
        "revenue on 0000-00-00",
        "revenue in 9999",
        "top " + "9" * 30 + " countries by revenue",
        "top 0 countries by revenue",
        "top -5 countries by revenue",
        "countries with more than 1" + "0" * 300 + " orders",
        "((((((((((revenue))))))))))",
        "revenue\u202eyrtnuoc yb",
        "revenue\u200bby country",
        "\ud800 revenue",
        "İ revenue ß ﬁ",
    ],
)
def test_hostile_input_is_refused_or_understood_and_never_an_error(question: str) -> None:
    found = ask(question)
    assert isinstance(found, Understood | Refusal)
    if isinstance(found, Refusal):
        assert found.reason


@pytest.mark.parametrize(
    "question",
    [
        "revenue; drop table users",
        "revenue' or '1'='1",
        "{{ Dimension('user__country') }} revenue",
        "revenue by ${country}",
        "revenue 🙈",
        "収益 by 国",
        "top 0 countries by revenue",
        "a" * 10_000,
        "revenue " * 70,
    ],
)
def test_such_input_is_refused(question: str) -> None:
    assert isinstance(ask(question), Refusal)


def test_what_stands_in_quotation_marks_is_a_value_as_it_is_written() -> None:
    assert (
        told('orders where coupon is "x\'; DROP TABLE y --{{z}}"')
        == "orders where order__coupon = x'; DROP TABLE y --{{z}}"
    )


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
@example("¨")  # is nothing but a space, once it is read
def test_any_text_is_understood_or_refused(question: str) -> None:
    assert isinstance(ask(question), Understood | Refusal)


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(KNOWN), min_size=1, max_size=12))
def test_any_words_of_the_language_are_understood_or_refused(words: list[str]) -> None:
    found = ask(" ".join(words))
    assert isinstance(found, Understood | Refusal)
    if isinstance(found, Understood):
        assert 0 < found.confidence <= 1
        assert line(found.query)


QUESTIONS = (
    "revenue by country last month",
    "top 5 countries by revenue",
    "orders of pro users in Germany per week",
    "funnel from signup to order on mobile",
    "weekly retention of sign-ups in May",
    "where do people go after pricing",
    "new, returning and dormant users per month",
    "countries with more than 100 orders",
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(QUESTIONS), st.sampled_from(NONSENSE), st.integers(0, 12))
def test_a_word_that_nothing_knows_is_never_passed_over(question: str, word: str, place: int) -> None:
    words = question.split()
    words.insert(min(place, len(words)), word)
    found = ask(" ".join(words))
    # Punctuation says nothing; everything else must be known.
    if any(token.text not in question for token in tokenise(word)):
        assert isinstance(found, Refusal), line(found.query)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(QUESTIONS), st.sampled_from(CHANGES_MEANING), st.integers(0, 12))
def test_a_word_that_changes_the_meaning_changes_the_answer(question: str, word: str, place: int) -> None:
    before = ask(question)
    assert isinstance(before, Understood)
    words = question.split()
    words.insert(min(place, len(words)), word)
    found = ask(" ".join(words))
    assert isinstance(found, Refusal) or found.query != before.query, " ".join(words)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(QUESTIONS), st.sampled_from(QUESTIONS))
def test_a_question_after_another_is_understood_as_it_is_alone(first: str, second: str) -> None:
    before, alone = ask(first), ask(second)
    assert isinstance(before, Understood)
    assert isinstance(alone, Understood)
    after = ask(second, before)
    assert isinstance(after, Understood)
    assert after.query == alone.query


def test_suggestions_are_questions_that_are_understood() -> None:
    for question in ("profit", "conversion rate", "revenue by mood", "", "delete all", "funnel from signup"):
        found = ask(question)
        assert isinstance(found, Refusal)
        assert found.suggestions, question
        for suggestion in found.suggestions:
            assert isinstance(ask(suggestion), Understood), suggestion


def test_the_words_of_the_catalogue_are_no_reason_to_decline() -> None:
    assert not declined(tokenise("sessions from email"), LEXICON)
    assert declined(tokenise("the email of a user"), LEXICON)
    assert isinstance(ask("sessions from email"), Understood)


def test_asking_twice_gives_the_same() -> None:
    first, second = ask("revenue by country last month"), ask("revenue by country last month")
    assert first == second
    assert isinstance(first, Understood)
    assert isinstance(first.query, MetricQuery)
