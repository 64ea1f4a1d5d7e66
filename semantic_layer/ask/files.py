"""Small files of questions in the data directory, readable by their owner alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from warehouse.private_files import private_folder, replace_private
from warehouse.settings import Settings


def folder(settings: Settings, *names: str) -> Path:
    return private_folder(settings.data_dir.joinpath("ask", *names))


def write_json(path: Path, document: Any) -> None:
    replace_private(path, json.dumps(document, ensure_ascii=False))


def read_json(path: Path) -> Any:
    """None where there is none, or what is there cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
