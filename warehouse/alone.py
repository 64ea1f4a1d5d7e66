"""Who works on the warehouse: one build, or one run of Dagster, at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.errors import MillraceError
from warehouse.locks import held_if_free, one_at_a_time
from warehouse.private_files import private_folder
from warehouse.settings import Settings

_of_this_run: set[Path] = set()  # the locks that the run which this process is for holds until it ends


@contextmanager
def alone(settings: Settings, waits: bool = False) -> Iterator[None]:
    """Two builds at once would take each other's tables away."""
    lock = _lock(settings)
    if lock in _of_this_run:
        yield
    elif waits:
        with one_at_a_time(lock):
            yield
    else:
        with held_if_free(lock) as is_ours:
            if not is_ours:
                raise MillraceError(
                    "Another build, or a run of Dagster, is working on this warehouse.",
                    hint="Wait for it to end, then run this again.",
                )
            yield


@contextmanager
def alone_for_a_run(settings: Settings, when_it_waits: Callable[[], None]) -> Iterator[None]:
    """From the first step of a run to its last, also between them; its builds are let in. For a process of its own."""
    lock = _lock(settings)
    with held_if_free(lock) as is_free:
        if not is_free:
            when_it_waits()
    with one_at_a_time(lock):
        _of_this_run.add(lock)
        try:
            yield
        finally:
            _of_this_run.discard(lock)


def _lock(settings: Settings) -> Path:
    return private_folder(settings.data_dir / "dbt") / "lock"
