"""What times in words mean, day by day. Today is Wednesday, 24 June 2026, unless a case says otherwise."""

from __future__ import annotations

from datetime import date

import pytest

from semantic_layer.ask.time_phrases import Range, TimeReader
from semantic_layer.ask.time_points import Unreadable
from semantic_layer.ask.tokens import tokenise
from tests.unit.ask.world import TODAY


def days(text: str, today: date = TODAY) -> str:
    """All of the text as one range of days."""
    tokens = tokenise(text)
    found = TimeReader(tokens, today).read(0)
    assert found, text
    assert found[0] == len(tokens), f"{text}: read up to word {found[0]} only"
    assert isinstance(found[1], Range)
    return f"{found[1].days.first or ''}..{found[1].days.last or ''}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("today", "2026-06-24..2026-06-24"),
        ("yesterday", "2026-06-23..2026-06-23"),
        ("the day before yesterday", "2026-06-22..2026-06-22"),
        ("last day", "2026-06-23..2026-06-23"),
        ("3 days ago", "2026-06-21..2026-06-21"),
        ("a week ago", "2026-06-15..2026-06-21"),
        ("two months ago", "2026-04-01..2026-04-30"),
        ("last 7 days", "2026-06-17..2026-06-23"),
        ("in the last 7 days", "2026-06-17..2026-06-23"),
        ("over the past seven days", "2026-06-17..2026-06-23"),
        ("previous 30 days", "2026-05-25..2026-06-23"),
        ("last 30d", "2026-05-25..2026-06-23"),
        ("the 2 last weeks", "2026-06-08..2026-06-21"),
        ("last 4 weeks", "2026-05-25..2026-06-21"),
        ("past 3 months", "2026-03-01..2026-05-31"),
        ("last 2 quarters", "2025-10-01..2026-03-31"),
        ("last 2 years", "2024-01-01..2025-12-31"),
        ("this week", "2026-06-22..2026-06-24"),
        ("last week", "2026-06-15..2026-06-21"),
        ("the week before last", "2026-06-08..2026-06-14"),
        ("this month", "2026-06-01..2026-06-24"),
        ("so far this month", "2026-06-01..2026-06-24"),
        ("this month so far", "2026-06-01..2026-06-24"),
        ("the current month", "2026-06-01..2026-06-24"),
        ("last month", "2026-05-01..2026-05-31"),
        ("this quarter", "2026-04-01..2026-06-24"),
        ("last quarter", "2026-01-01..2026-03-31"),
        ("this year", "2026-01-01..2026-06-24"),
        ("last year", "2025-01-01..2025-12-31"),
        ("year to date", "2026-01-01..2026-06-24"),
        ("YTD", "2026-01-01..2026-06-24"),
        ("quarter to date", "2026-04-01..2026-06-24"),
        ("mtd", "2026-06-01..2026-06-24"),
        ("week to date", "2026-06-22..2026-06-24"),
        ("in March", "2026-03-01..2026-03-31"),
        ("in the month of March", "2026-03-01..2026-03-31"),
        ("in Mar 2025", "2025-03-01..2025-03-31"),
        ("in March of last year", "2025-03-01..2025-03-31"),
        ("in June", "2026-06-01..2026-06-30"),
        ("in July", "2025-07-01..2025-07-31"),
        ("last June", "2025-06-01..2025-06-30"),
        ("last May", "2026-05-01..2026-05-31"),
        ("in February", "2026-02-01..2026-02-28"),
        ("February 2024", "2024-02-01..2024-02-29"),
        ("on 5 May", "2026-05-05..2026-05-05"),
        ("on May 5th, 2025", "2025-05-05..2025-05-05"),
        ("on the 5th of May 2025", "2025-05-05..2025-05-05"),
        ("on 24 June", "2026-06-24..2026-06-24"),
        ("on 25 June", "2025-06-25..2025-06-25"),
        ("29 February", "2024-02-29..2024-02-29"),
        ("on 2026-05-05", "2026-05-05..2026-05-05"),
        ("on 31.12.2025", "2025-12-31..2025-12-31"),
        ("12/31/2025", "2025-12-31..2025-12-31"),
        ("31/12/2025", "2025-12-31..2025-12-31"),
        ("2026/05/04", "2026-05-04..2026-05-04"),
        ("Q1 2026", "2026-01-01..2026-03-31"),
        ("2026 Q1", "2026-01-01..2026-03-31"),
        ("in Q1", "2026-01-01..2026-03-31"),
        ("in Q3", "2025-07-01..2025-09-30"),
        ("Q4 last year", "2025-10-01..2025-12-31"),
        ("the first quarter of 2026", "2026-01-01..2026-03-31"),
        ("the second quarter of last year", "2025-04-01..2025-06-30"),
        ("H1 2025", "2025-01-01..2025-06-30"),
        ("the first half of 2026", "2026-01-01..2026-06-30"),
        ("second half of last year", "2025-07-01..2025-12-31"),
        ("first half of March", "2026-03-01..2026-03-15"),
        ("second half of February", "2026-02-16..2026-02-28"),
        ("in 2025", "2025-01-01..2025-12-31"),
        ("the year 2025", "2025-01-01..2025-12-31"),
        ("first 10 days of March", "2026-03-01..2026-03-10"),
        ("last 10 days of March", "2026-03-22..2026-03-31"),
        ("the week of 5 May", "2026-05-04..2026-05-10"),
        ("week 1 of 2026", "2025-12-29..2026-01-04"),
        ("calendar week 53 of 2020", "2020-12-28..2021-01-03"),
        ("on Monday", "2026-06-22..2026-06-22"),
        ("on Wednesday", "2026-06-24..2026-06-24"),
        ("last Wednesday", "2026-06-17..2026-06-17"),
        ("since 5 May", "2026-05-05..2026-06-24"),
        ("since May", "2026-05-01..2026-06-24"),
        ("since last week", "2026-06-15..2026-06-24"),
        ("between Monday and Wednesday", "2026-06-22..2026-06-24"),
        ("from Tuesday to yesterday", "2026-06-23..2026-06-23"),
        ("since the beginning of the year", "2026-01-01..2026-06-24"),
        ("since the start of 2025", "2025-01-01..2026-06-24"),
        ("from 5 May", "2026-05-05..2026-06-24"),
        ("from March", "2026-03-01..2026-03-31"),
        ("from March onwards", "2026-03-01..2026-06-24"),
        ("after 5 May", "2026-05-06..2026-06-24"),
        ("before 5 May", "..2026-05-04"),
        ("until the end of March", "..2026-03-31"),
        ("between 1 and 15 March", "2026-03-01..2026-03-15"),
        ("between 1 March and 15 April 2025", "2025-03-01..2025-04-15"),
        ("from 1 to 15 March", "2026-03-01..2026-03-15"),
        ("March 1 to 15", "2026-03-01..2026-03-15"),
        ("March 1-15", "2026-03-01..2026-03-15"),
        ("1–15 March 2025", "2025-03-01..2025-03-15"),
        ("from January to March", "2026-01-01..2026-03-31"),
        ("Jan-Mar 2025", "2025-01-01..2025-03-31"),
        ("from November to February", "2025-11-01..2026-02-28"),
        ("from 20 December to 10 January", "2025-12-20..2026-01-10"),
        ("between 2026-03-01 and 2026-03-15", "2026-03-01..2026-03-15"),
        ("from 2026-03-01 to 2026-03-15", "2026-03-01..2026-03-15"),
        ("from Q1 to Q2 2025", "2025-01-01..2025-06-30"),
        ("from May until today", "2026-05-01..2026-06-24"),
        ("of all time", ".."),
    ],
)
def test_days(text: str, expected: str) -> None:
    assert days(text) == expected


@pytest.mark.parametrize(
    ("today", "text", "expected"),
    [
        ("2026-01-01", "yesterday", "2025-12-31..2025-12-31"),
        ("2026-01-01", "last month", "2025-12-01..2025-12-31"),
        ("2026-01-01", "last quarter", "2025-10-01..2025-12-31"),
        ("2026-01-01", "this week", "2025-12-29..2026-01-01"),
        ("2026-01-01", "last 3 months", "2025-10-01..2025-12-31"),
        ("2026-03-31", "last month", "2026-02-01..2026-02-28"),
        ("2024-03-31", "last month", "2024-02-01..2024-02-29"),
        ("2024-02-29", "a year ago", "2023-01-01..2023-12-31"),
        ("2026-06-22", "this week", "2026-06-22..2026-06-22"),
        ("2026-06-21", "this week", "2026-06-15..2026-06-21"),
        ("2026-06-21", "last week", "2026-06-08..2026-06-14"),
        ("2026-06-22", "last Monday", "2026-06-15..2026-06-15"),
        ("2026-05-01", "in May", "2026-05-01..2026-05-31"),
        ("2026-04-30", "in May", "2025-05-01..2025-05-31"),
        ("2026-04-01", "this quarter", "2026-04-01..2026-04-01"),
        ("2026-12-31", "this year", "2026-01-01..2026-12-31"),
        ("2028-02-29", "in February", "2028-02-01..2028-02-29"),
        ("2028-02-29", "29 February", "2028-02-29..2028-02-29"),
    ],
)
def test_days_at_the_edges_of_months_weeks_and_years(today: str, text: str, expected: str) -> None:
    assert days(text, date.fromisoformat(today)) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("05/06/2026", "may be two days"),
        ("30 February", "no day"),
        ("2026-02-30", "no day"),
        ("31.4.2026", "no day"),
        ("tomorrow", "future"),
        ("next month", "future"),
        ("on the weekend", "Weekends"),
        ("from 10 May to 5 May", "swap"),
        ("week 60", "no week"),
    ],
)
def test_what_cannot_be_a_time_says_why(text: str, why: str) -> None:
    tokens = tokenise(text)
    with pytest.raises(Unreadable, match=why):
        for at in range(len(tokens)):
            TimeReader(tokens, TODAY).read(at)
