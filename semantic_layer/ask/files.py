"""Small files of questions in the data directory, readable by their owner alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from warehouse.settings import Settings


def folder(settings: Settings, *names: str) -> Path:
    path = settings.data_dir.joinpath("ask", *names)
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def write_json(path: Path, document: Any) -> None:
    """Whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False)
    unfinished.replace(path)


def read_json(path: Path) -> Any:
    """None where there is none, or what is there cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
