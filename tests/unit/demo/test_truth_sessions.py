"""The session rules on cases made by hand. Times in minutes; a session id of -1 is none."""

from __future__ import annotations

import numpy as np

from ingestion.demo.truth_sessions import sessions


def of(*events: tuple[int, float, int]) -> list[int]:
    person, minutes, session = zip(*events, strict=True)
    at = (np.array(minutes) * 60_000).astype(np.int64)
    return sessions(np.array(person), at, np.array(session)).tolist()


def test_thirty_minutes_of_silence_are_still_one_session() -> None:
    assert of((1, 0, -1), (1, 30, -1)) == [0, 0]


def test_a_millisecond_more_begins_another() -> None:
    at = np.array([0, 30 * 60_000 + 1])
    assert sessions(np.array([1, 1]), at, np.array([-1, -1])).tolist() == [0, 1]


def test_people_do_not_share_sessions() -> None:
    assert of((1, 0, -1), (2, 1, -1), (1, 2, -1)) == [0, 1, 0]


def test_an_sdk_session_survives_a_long_silence() -> None:
    assert of((1, 0, 7), (1, 300, 7)) == [0, 0]


def test_two_sdk_sessions_at_the_same_time_are_two() -> None:
    assert of((1, 0, 7), (1, 1, 8), (1, 2, 7)) == [0, 1, 0]


def test_events_without_an_id_do_not_join_those_with_one() -> None:
    assert of((1, 0, 7), (1, 1, -1), (1, 2, 7)) == [1, 0, 1]


def test_the_same_sdk_session_id_of_two_people_is_two_sessions() -> None:
    assert of((1, 0, 7), (2, 1, 7)) == [0, 1]


def test_midnight_does_not_cut_a_session() -> None:
    assert of((1, 24 * 60 - 5, -1), (1, 24 * 60 + 5, -1)) == [0, 0]


def test_a_session_of_exactly_a_day_is_whole_and_a_longer_one_is_cut() -> None:
    assert of((1, 0, 7), (1, 24 * 60, 7)) == [0, 0]
    assert of((1, 0, 7), (1, 24 * 60, 7), (1, 24 * 60 + 1, 7), (1, 48 * 60 + 1, 7), (1, 48 * 60 + 2, 7)) == [
        0,
        0,
        1,
        1,
        2,
    ]


def test_a_session_without_an_id_is_cut_after_a_day_as_well() -> None:
    steps = [(1, minute, -1) for minute in range(0, 24 * 60 + 60, 20)]
    assert of(*steps) == [0] * 73 + [1] * 2


def test_no_events_no_sessions() -> None:
    empty = np.zeros(0, dtype=np.int64)
    assert sessions(empty, empty, empty).tolist() == []
