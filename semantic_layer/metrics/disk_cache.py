"""A small cache in files of our own: a bounded number and size of them, for nobody else to read."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from warehouse.private_files import private_folder, replace_private


class DiskCache:
    """What cannot be read or written is as if it were not there: it only costs time."""

    def __init__(self, folder: Path, most_files: int, most_bytes: int) -> None:
        self._folder, self._most_files, self._most_bytes = folder, most_files, most_bytes

    def get(self, key: str) -> bytes | None:
        path = self._path(key)
        try:
            found = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return found

    def put(self, key: str, value: bytes) -> None:
        if len(value) > self._most_bytes // 4:
            return
        path = self._path(key)
        with contextlib.suppress(OSError):
            private_folder(self._folder)
            replace_private(path, value)
            self._prune()

    def _path(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()

    def _prune(self) -> None:
        """What was not used for longest goes first."""
        files = sorted(((file.stat(), Path(file.path)) for file in os.scandir(self._folder)), key=_last_used)
        size = sum(about.st_size for about, _ in files)
        surplus = len(files) - self._most_files
        for number, (about, path) in enumerate(files):
            if number >= surplus and size <= self._most_bytes:
                break
            path.unlink(missing_ok=True)
            size -= about.st_size


def _last_used(file: tuple[os.stat_result, Path]) -> float:
    return file[0].st_mtime
