"""Files and folders that only the user who runs Millrace may read: secrets, state, answers, what is kept of people."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import IO

FOLDER, FILE = 0o700, 0o600


def private_folder(path: Path) -> Path:
    """The folder, and each missing one above it: `mkdir(parents=True, mode=...)` would make those for all to read."""
    for folder in reversed((path, *path.parents)):
        if not folder.is_dir():
            folder.mkdir(mode=FOLDER, exist_ok=True)  # another process may be at the same point
    if path.stat().st_mode & ~FOLDER & 0o777:
        with contextlib.suppress(PermissionError):  # a volume of somebody else, who let us write: theirs to close
            path.chmod(FOLDER)
    return path


def open_private(path: Path, mode: str) -> IO[str]:
    """Made with its mode, never readable first and closed later."""
    flags = {"w": os.O_TRUNC, "a": os.O_APPEND}[mode]
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | flags, FILE)
    os.fchmod(handle, FILE)  # one that was there before
    return os.fdopen(handle, mode, encoding="utf-8")


def replace_private(path: Path, content: str | bytes) -> None:
    """Whole or not at all, also for those who read it meanwhile."""
    handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
