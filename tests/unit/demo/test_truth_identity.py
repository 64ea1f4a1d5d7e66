"""The identity rule on cases made by hand. Users are 0..9, anonymous ids are numbers of their own, -1 is none."""

from __future__ import annotations

import numpy as np

from ingestion.demo.truth_identity import NOBODY, owners, people


def resolve(events: list[tuple[int, int, int]], users: int = 10, anonymous_ids: int = 5) -> list[int]:
    """Persons of events given as (user, anonymous id, time)."""
    user, anonymous, at = (np.array(column) for column in zip(*events, strict=True))
    return people(user, anonymous, owners(user, anonymous, at, anonymous_ids), users).tolist()


def test_an_anonymous_id_belongs_to_its_user_back_in_time() -> None:
    assert resolve([(-1, 3, 100), (4, 3, 200), (4, -1, 300)]) == [4, 4, 4]


def test_a_stranger_stays_a_person_of_their_own() -> None:
    assert resolve([(-1, 0, 1), (-1, 1, 2), (-1, 0, 3)]) == [10, 11, 10]


def test_an_event_with_a_user_is_never_moved_to_another_user() -> None:
    # Users 1 and 2 share a device: what it did anonymously belongs to the first of them.
    assert resolve([(-1, 0, 50), (2, 0, 200), (1, 0, 100), (-1, 0, 300)]) == [1, 2, 1, 1]


def test_several_devices_of_one_user_are_one_person() -> None:
    assert resolve([(7, 0, 1), (7, 1, 2), (-1, 1, 0), (-1, 2, 0)]) == [7, 7, 7, 12]


def test_the_first_user_is_the_earliest_not_the_first_in_the_list() -> None:
    user, anonymous, at = np.array([5, 6, 4]), np.array([0, 0, 0]), np.array([300, 100, 100])
    assert owners(user, anonymous, at, 2).tolist() == [4, NOBODY]  # of two at the same instant, the lower number


def test_no_events_no_owners() -> None:
    empty = np.zeros(0, dtype=np.int64)
    assert owners(empty, empty, empty, 3).tolist() == [NOBODY] * 3
