"""Typing mistakes: what is corrected, what is not, and that it is told."""

from __future__ import annotations

import pytest

from semantic_layer.ask.understood import Refusal, Understood
from tests.unit.ask.telling import ask, line, told


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("reveneu", "revenue"),
        ("revnue by contry", "revenue by user__country"),
        ("oders in Germnay", "orders where user__country = DE"),
        ("sesions on moblie last wek", "sessions where session__device_type = mobile 2026-06-15..2026-06-21"),
        ("revenue in Febuary", "revenue 2026-02-01..2026-02-28"),
        ("revenue lastmonth", "revenue 2026-05-01..2026-05-31"),
        ("retension of sign-ups by moth", "retention signed_up > * per month"),
        ("funel from singup to purchse", "funnel signed_up > order_completed"),
        ("yestarday's revenue", "revenue 2026-06-23..2026-06-23"),
    ],
)
def test_typing_mistakes_are_corrected(question: str, expected: str) -> None:
    assert told(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "revenge by country",  # a word of its own
        "revenue by counties",
        "venues by country",
        "revenue by pln",  # short
        "revenue in mayy",
        "revenue foo",
        "revenue by xqzt",
        "revenue in Australia",  # not Austria
        "revenue in portland",  # not Poland
        "revenue from Bern",  # not been
        "revenue from Zag",  # not was: a name that nobody knows is none of the small words
    ],
)
def test_what_may_be_another_word_is_not(question: str) -> None:
    found = ask(question)
    if question.endswith(("pln", "mayy")):
        # One letter too few or too many of one word only.
        assert isinstance(found, Understood)
        return
    assert isinstance(found, Refusal)


def test_a_correction_is_told_and_makes_less_sure() -> None:
    found = ask("revnue by contry")
    assert isinstance(found, Understood)
    assert found.confidence == pytest.approx(0.81)
    assert found.remarks[:2] == ("Read 'revnue' as 'revenue'.", "Read 'contry' as 'country'.")
    exact = ask("revenue by country")
    assert isinstance(exact, Understood)
    assert exact.confidence == 1.0


def test_what_may_be_two_words_is_asked_back() -> None:
    """`paln` is as near to a plan as `plna`; a word between two others is neither."""
    found = ask("revenue by plam")
    assert isinstance(found, Understood)
    assert line(found.query) == "revenue by user__plan"
    unclear = ask("wau or mau by sessons and erors and pain")
    assert isinstance(unclear, Refusal)


def test_words_in_quotation_marks_are_never_corrected() -> None:
    assert told('orders where coupon is "SPRNG10"') == "orders where order__coupon = SPRNG10"
