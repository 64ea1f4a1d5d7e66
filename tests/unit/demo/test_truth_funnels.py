"""The funnel rules on streams made by hand: each person a list of (letter, minute), steps A, B, C."""

from __future__ import annotations

import numpy as np
import pytest

from ingestion.demo.truth_funnels import (
    ORDERED,
    STRICT,
    UNORDERED,
    Best,
    Exclusion,
    Stream,
    attempts,
    best,
    histogram,
    users_per_step,
)

Events = list[tuple[str, float]]
MINUTE = 60_000


def funnel(
    *people: Events,
    order: str = ORDERED,
    window: float = 60,
    steps: str = "ABC",
    exclude: tuple[str, int, int] | None = None,
) -> Best:
    rows = [(person, letter, int(minute * MINUTE)) for person, events in enumerate(people) for letter, minute in events]
    stream = Stream(np.array([row[0] for row in rows]), np.array([row[2] for row in rows]))
    letters = np.array([row[1] for row in rows])
    exclusions = (Exclusion(letters == exclude[0], exclude[1], exclude[2]),) if exclude else ()
    masks = [letters == step for step in steps]
    return best(stream, attempts(stream, masks, int(window * MINUTE), order, exclusions))


def reached(*people: Events, order: str = ORDERED, window: float = 60, steps: str = "ABC") -> dict[int, int]:
    found = funnel(*people, order=order, window=window, steps=steps)
    return dict(zip(found.person.tolist(), found.reached.tolist(), strict=True))


def excluded(events: Events, after: int, before: int) -> list[int]:
    return funnel(events, exclude=("X", after, before)).reached.tolist()


@pytest.mark.parametrize(
    ("events", "steps"),
    [
        ([("A", 0), ("B", 1), ("C", 2)], 3),
        ([("A", 0), ("x", 0.5), ("B", 1), ("x", 1.5), ("C", 2)], 3),  # others in between do not matter
        ([("A", 0), ("C", 1), ("B", 2)], 2),
        ([("B", 0), ("A", 1)], 1),
        ([("A", 0), ("B", 60)], 2),  # the window is inclusive
        ([("A", 0), ("B", 60.001)], 1),
        ([("A", 0), ("B", 50), ("C", 61)], 2),  # counted from the first step, not from the one before
        ([("A", 0), ("A", 40), ("B", 70), ("C", 90)], 3),  # a later attempt may be the better one
        ([("A", 0), ("B", 0), ("C", 0)], 3),  # at the same instant: in step order
    ],
)
def test_ordered(events: Events, steps: int) -> None:
    assert reached(events) == {0: steps}


def test_at_the_same_instant_the_order_of_the_rows_does_not_matter() -> None:
    assert reached([("C", 0), ("B", 0), ("A", 0)]) == {0: 3}


def test_who_never_does_the_first_step_is_not_in_the_funnel() -> None:
    assert reached([("B", 0), ("C", 1)], [("A", 0)]) == {1: 1}


def test_a_step_is_never_taken_by_somebody_else() -> None:
    assert reached([("A", 0)], [("B", 1), ("C", 2)]) == {0: 1}


def test_one_event_takes_one_step() -> None:
    assert reached([("A", 0)], steps="AA") == {0: 1}
    assert reached([("A", 0), ("A", 5)], steps="AA") == {0: 2}
    assert reached([("A", 0), ("A", 0)], steps="AAA") == {0: 2}


@pytest.mark.parametrize(
    ("events", "steps"),
    [
        ([("A", 0), ("B", 1), ("C", 2)], 3),
        ([("A", 0), ("x", 0.5), ("B", 1)], 1),
        ([("A", 0), ("B", 1), ("x", 1.5), ("C", 2)], 2),
        ([("A", 0), ("A", 1), ("B", 2)], 2),  # the second A is an attempt of its own
        ([("A", 0), ("B", 61)], 1),
    ],
)
def test_strict(events: Events, steps: int) -> None:
    assert reached(events, order=STRICT) == {0: steps}


def test_strict_stops_at_the_end_of_a_person() -> None:
    assert reached([("A", 0)], [("B", 0), ("C", 1)], order=STRICT) == {0: 1}


@pytest.mark.parametrize(
    ("events", "steps"),
    [
        ([("C", 0), ("A", 1), ("B", 2)], 3),
        ([("B", 0)], 1),
        ([("C", 0), ("A", 61)], 1),  # too far apart, whichever comes first
        ([("C", 0), ("A", 50), ("B", 100)], 2),
    ],
)
def test_unordered(events: Events, steps: int) -> None:
    assert reached(events, order=UNORDERED) == {0: steps}


def test_an_exclusion_removes_the_attempt_and_the_person() -> None:
    assert excluded([("A", 0), ("X", 1), ("B", 2), ("C", 3)], 1, 3) == []


def test_a_later_clean_attempt_counts() -> None:
    assert excluded([("A", 0), ("X", 1), ("A", 2), ("B", 3)], 1, 3) == [2]


def test_an_exclusion_before_the_first_step_or_after_the_last_or_after_the_window_is_none() -> None:
    assert excluded([("X", 0), ("A", 1), ("B", 2), ("C", 3), ("X", 4)], 1, 3) == [3]
    assert excluded([("A", 0), ("X", 61)], 1, 3) == [1]
    assert excluded([("A", 0), ("X", 0), ("B", 1), ("C", 3), ("X", 3)], 1, 3) == [3]  # at the very instant of either


def test_an_exclusion_counts_between_its_two_steps_only() -> None:
    assert excluded([("A", 0), ("X", 1), ("B", 2), ("C", 3)], 2, 3) == [3]
    assert excluded([("A", 0), ("B", 1), ("X", 2), ("C", 3)], 2, 3) == []
    assert excluded([("A", 0), ("B", 1), ("X", 2)], 2, 3) == []  # the to-step may never come
    assert excluded([("A", 0), ("X", 2)], 2, 3) == [1]  # the from-step never came


def test_the_earliest_of_equally_good_attempts_gives_the_times() -> None:
    found = funnel([("A", 0), ("B", 10), ("A", 20), ("B", 25)])
    assert (found.reached.tolist(), found.times.tolist()) == ([2], [[0, 10 * MINUTE, -1]])


def test_users_per_step_count_everybody_who_came_at_least_that_far() -> None:
    assert users_per_step(np.array([3, 1, 2, 2]), 3).tolist() == [4, 3, 1]


def test_histogram_by_the_rule_of_the_design() -> None:
    # 8 values: 2 bins of (10 - 1) / 2, rounded up, and one more.
    seconds = np.array([1.5, 2, 3, 4, 5, 6, 7, 9.1])
    assert histogram(seconds) == [(1, 6, 5), (6, 11, 3), (11, 16, 0)]
    assert histogram(np.array([5.0])) == [(5, 65, 1), (65, 125, 0)]
    assert histogram(np.zeros(0)) == []


def test_a_stream_that_is_not_sorted_is_refused() -> None:
    with pytest.raises(AssertionError, match="sorted"):
        Stream(np.array([0, 0]), np.array([5, 4]))
