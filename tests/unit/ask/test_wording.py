"""Numbers and periods in words."""

from __future__ import annotations

from datetime import date

import pytest

from semantic_layer.ask.wording import Span, inside, listed, percent, period_name, points, say_number, was, within


@pytest.mark.parametrize(
    ("value", "form", "said"),
    [
        (12340.4, "currency", "12,340 EUR"),
        (99.5, "currency", "99.50 EUR"),
        (5, "currency", "5 EUR"),
        (0.082, "percent", "8.2 %"),
        (0.4378, "percent", "43.8 %"),
        (1.2, "percent", "120 %"),
        (0.00123, "percent", "0.12 %"),
        (0, "percent", "0 %"),
        (1234567, "number", "1,234,567"),
        (2.345, "number", "2.3"),
        (0.0456, "number", "0.046"),
        (45, "seconds", "45 s"),
        (150, "seconds", "2.5 min"),
        (7200, "seconds", "2 h"),
        (840, "milliseconds", "840 ms"),
        (12_500, "milliseconds", "12.5 s"),
        (41.5, "score", "41.5"),
        (42.0, "score", "42"),
        (-300, "currency", "-300 EUR"),
    ],
)
def test_a_value_is_said_in_its_format(value: float, form: str, said: str) -> None:
    assert say_number(value, form, "EUR") == said


@pytest.mark.parametrize(
    ("first", "last", "name", "preposition"),
    [
        ("2026-03-01", "2026-03-31", "March 2026", "in"),
        ("2028-02-01", "2028-02-29", "February 2028", "in"),
        ("2026-04-01", "2026-06-30", "Q2 2026", "in"),
        ("2026-01-01", "2026-12-31", "2026", "in"),
        ("2026-03-05", "2026-03-05", "5 March 2026", "on"),
        ("2026-03-02", "2026-03-08", "the week of 2 March 2026", "in"),
        ("2026-03-03", "2026-03-09", "3 to 9 March 2026", "from"),
        ("2026-02-20", "2026-03-05", "20 February to 5 March 2026", "from"),
        ("2025-12-20", "2026-01-05", "20 December 2025 to 5 January 2026", "from"),
    ],
)
def test_days_have_the_name_of_their_period(first: str, last: str, name: str, preposition: str) -> None:
    span = Span(date.fromisoformat(first), date.fromisoformat(last))
    assert period_name(span) == name
    assert within(span) == f"{preposition} {name}"


def test_the_year_is_left_out_where_it_was_said() -> None:
    february = Span(date(2026, 2, 1), date(2026, 2, 28))
    assert period_name(february, beside=date(2026, 3, 1)) == "February"
    assert period_name(february, beside=date(2027, 3, 1)) == "February 2026"


def test_differences_of_shares_are_points() -> None:
    assert points(0.012) == "1.2 points"
    assert points(-0.01) == "1 point"
    assert percent(0.5) == "50 %"


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("Revenue", "Revenue was"),
        ("Orders", "Orders were"),
        ("Sessions per user", "Sessions per user were"),
        ("Return on ad spend", "Return on ad spend was"),
        ("Daily active users (DAU)", "Daily active users (DAU) were"),
        ("Churn status", "Churn status was"),
    ],
)
def test_labels_have_their_verb(label: str, said: str) -> None:
    assert was(label) == said


def test_labels_inside_of_a_sentence() -> None:
    assert [inside(label) for label in ("Bounce rate", "MRR", "D7 retention", "NPS")] == [
        "bounce rate",
        "MRR",
        "D7 retention",
        "NPS",
    ]
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
