"""A small cache in files of our own: a bounded number and size of them, for nobody else to read."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


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
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(value)
            unfinished.replace(path)
            self._prune()
        except OSError:
            unfinished.unlink(missing_ok=True)

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
