from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ingestion.ahead import Ahead


def test_everything_comes_in_order_and_in_groups() -> None:
    with Ahead(iter(range(100)), 8) as ahead:
        groups = list(ahead.groups(at_least=3))
    assert [number for group in groups for number in group] == list(range(100))
    assert all(len(group) >= 3 for group in groups[:-1])


def test_nothing_is_no_group() -> None:
    with Ahead(iter(()), 2) as ahead:
        assert list(ahead.groups(at_least=2)) == []


def test_no_more_is_made_ahead_than_there_are_places() -> None:
    made: list[int] = []
    second = threading.Event()

    def numbers() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            if number == 1:  # the first is in the only place, and this one waits for it
                second.set()
            yield number

    with Ahead(numbers(), 1) as ahead:
        assert second.wait(10)
        assert made == [0, 1]
        assert [number for group in ahead.groups(at_least=1) for number in group] == list(range(10))


def test_an_error_comes_behind_what_was_made_before_it() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("no second one")

    with Ahead(broken(), 4) as ahead:
        groups = ahead.groups(at_least=2)
        assert next(groups) == [1]
        with pytest.raises(ValueError, match="no second one"):
            next(groups)


def test_who_leaves_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    with pytest.raises(RuntimeError, match="enough"), Ahead(iter(range(1000)), 2) as ahead:
        for _ in ahead.groups(at_least=1):
            raise RuntimeError("enough")
    assert threading.active_count() == before


def test_what_is_no_exception_comes_too() -> None:
    """A panic of a library written in Rust is a BaseException: whoever waits must not wait for ever."""

    class Panic(BaseException):
        pass

    def broken() -> Iterator[int]:
        raise Panic
        yield 1

    with Ahead(broken(), 4) as ahead, pytest.raises(Panic):
        next(ahead.groups(at_least=1))
