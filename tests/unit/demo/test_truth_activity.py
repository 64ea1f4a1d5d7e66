"""Active users, retention, lifecycle and stickiness on tables made by hand: a row per person, a column per period."""

from __future__ import annotations

import numpy as np
import pytest

from ingestion.demo.truth_activity import (
    FIRST_EVER,
    FIRST_TIME,
    ON,
    ON_OR_AFTER,
    RECURRING,
    Bools,
    active_users,
    activity,
    lifecycle,
    retention,
    stickiness,
)


def table(*rows: str) -> Bools:
    return np.array([[cell == "x" for cell in row] for row in rows])


def test_activity_counts_a_person_once_per_period() -> None:
    made = activity(np.array([0, 0, 1]), np.array([2, 2, 0]), people=2, periods=3)
    assert np.array_equal(made, table("..x", "x.."))


def test_trailing_windows() -> None:
    days = table("x...", "..x.", "x..x")
    assert active_users(days, 1).tolist() == [2, 0, 1, 1]
    assert active_users(days, 2).tolist() == [2, 2, 1, 2]
    assert active_users(days, 30).tolist() == [2, 2, 3, 3]


def test_lifecycle() -> None:
    found = lifecycle(table("xx.x", ".x..", "...."))
    assert {state: counts.tolist() for state, counts in found.items()} == {
        "new": [1, 1, 0, 0],
        "returning": [0, 1, 0, 0],
        "resurrecting": [0, 0, 0, 1],
        "dormant": [0, 0, 2, 0],
    }


def test_stickiness_counts_active_days() -> None:
    assert stickiness(table("xx.x", ".x..", "....", "x...")).tolist() == [2, 0, 1, 0]


@pytest.mark.parametrize(
    ("kind", "mode", "expected"),
    [
        (RECURRING, ON, [[1, 0, 1, 0], [1, 0, 1], [1, 0], [1]]),
        (RECURRING, ON_OR_AFTER, [[1, 1, 1, 0], [1, 1, 1], [1, 0], [1]]),
        (FIRST_TIME, ON, [[1, 0, 1, 0], [1, 0, 1], [0, 0], [0]]),
        (FIRST_EVER, ON, [[1, 0, 1, 0], [1, 0, 1], [0, 0], [0]]),
    ],
)
def test_retention_kinds_and_modes(kind: str, mode: str, expected: list[list[int]]) -> None:
    people = table("x.x.", ".x.x")
    assert retention(people, people, kind, mode) == expected


def test_first_time_is_within_the_range_first_ever_in_all_history() -> None:
    people = table("x.x.", "..xx")
    assert retention(people, people, FIRST_TIME, ON, first=2) == [[2, 1], [0]]
    assert retention(people, people, FIRST_EVER, ON, first=2) == [[1, 1], [0]]


def test_retention_ends_with_the_range() -> None:
    people = table("x..x")
    assert retention(people, people, RECURRING, ON_OR_AFTER, first=0, last=3) == [[1, 0, 0], [0, 0], [0]]


def test_the_return_event_may_be_another_one() -> None:
    assert retention(table("x..", "x.."), table(".x.", "..."), RECURRING, ON) == [[2, 1, 0], [0, 0], [0]]
