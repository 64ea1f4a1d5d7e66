"""File locks between processes of one machine; the kernel frees them with the process that holds them."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from warehouse.private_files import open_private, private_folder


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Wait until nobody else holds this file's lock, and hold it."""
    with open_private(path, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def held_if_free(path: Path) -> Iterator[IO[str] | None]:
    """Hold this file's lock where nobody else does; the file, where it is held."""
    with open_private(path, "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield lock


@contextmanager
def while_writing_raw(data_dir: Path) -> Iterator[None]:
    """Loads run beside each other, but not beside a backup or a restore: half a load is not to be kept."""
    with open_private(_writers_lock(data_dir), "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


@contextmanager
def nobody_writes_raw(data_dir: Path) -> Iterator[None]:
    """Wait until the loads that run are over, and let none begin."""
    with one_at_a_time(_writers_lock(data_dir)):
        yield


def _writers_lock(data_dir: Path) -> Path:
    return private_folder(data_dir) / "writers.lock"
