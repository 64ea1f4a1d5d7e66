"""The folder in which files of events land."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from warehouse.settings import Settings

# Younger files may still be written. Better: write to a name that begins with a dot, then rename.
STILL_WRITTEN_SECONDS = 3


@dataclass(frozen=True)
class Landed:
    """The files that are whole, and a word that changes when one is added or changed."""

    files: list[Path]
    word: str


def look(settings: Settings) -> Landed:
    files, digest = [], hashlib.sha256()
    for path in sorted(settings.landing.rglob("*")):
        if path.name.startswith(".") or not path.is_file():
            continue
        state = path.stat()
        if time.time() - state.st_mtime < STILL_WRITTEN_SECONDS:
            continue
        files.append(path)
        digest.update(f"{path}\0{state.st_size}\0{state.st_mtime_ns}\0".encode())
    return Landed(files, digest.hexdigest()[:16])


def landed_files(settings: Settings) -> list[Path]:
    return look(settings).files
