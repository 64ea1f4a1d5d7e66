"""Work ahead: the next things are made in a thread of their own while the ones before are used."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")
_LOOK_UP_SECONDS = 0.1


class Ahead(Generic[T]):
    """What an iterator gives, at most `places` of it before it is asked for. None is not among it."""

    def __init__(self, items: Iterator[T], places: int) -> None:
        self._items = items
        self._made: queue.Queue[T | BaseException | None] = queue.Queue(places)
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._make, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._thread.join()

    def groups(self, at_least: int) -> Iterator[list[T]]:
        """What is ready; so much of what is not is waited for. An error of the iterator comes behind what it gave."""
        while True:
            group: list[T] = []
            while len(group) < at_least or not self._made.empty():
                item = self._made.get()
                if item is None or isinstance(item, BaseException):
                    if group:
                        yield group
                    if item is not None:
                        raise item
                    return
                group.append(item)
            yield group

    def _make(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - raised again where its things are used, which wait for it
            self._put(error)

    def _put(self, item: T | BaseException | None) -> bool:
        while not self._left.is_set():
            try:
                self._made.put(item, timeout=_LOOK_UP_SECONDS)
                return True
            except queue.Full:
                continue
        return False
