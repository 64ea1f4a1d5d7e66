"""What a language model understood, kept: the same question of the same data costs nothing twice."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import date
from pathlib import Path

from semantic_layer.ask.checking import check
from semantic_layer.ask.files import folder, read_json, write_json
from semantic_layer.ask.structures import Structure, from_json, to_json
from semantic_layer.metrics.catalogue import Catalogue
from warehouse.errors import MillraceError
from warehouse.settings import Settings

KEPT_SECONDS = 30 * 86_400
MOST_KEPT = 2_000


def normalised(question: str) -> str:
    return " ".join(question.lower().split()).rstrip("?!. ")


class Cache:
    def __init__(
        self,
        settings: Settings,
        question: str,
        catalogue: Catalogue,
        project: str,
        as_of: date,
        before: Structure | None,
    ) -> None:
        key = [normalised(question), catalogue.version, project, str(as_of), settings.llm_model]
        key += [json.dumps(to_json(before), sort_keys=True) if before else ""]
        name = hashlib.sha256(json.dumps(key).encode()).hexdigest()
        self._path = folder(settings, "llm", "cache") / f"{name}.json"
        self._catalogue, self._project = catalogue, project

    def get(self) -> tuple[Structure, float] | None:
        """Checked like everything that comes from outside."""
        document = read_json(self._path)
        try:
            structure = check(from_json(document["structure"], self._project), self._catalogue)
            return structure, float(document["confidence"])
        except (TypeError, KeyError, ValueError, MillraceError):
            return None

    def put(self, structure: Structure, confidence: float) -> None:
        write_json(self._path, {"structure": to_json(structure), "confidence": confidence})
        _forget(self._path.parent)


def _forget(kept: Path) -> None:
    files = sorted(kept.glob("*.json"), key=lambda path: path.stat().st_mtime)
    oldest = time.time() - KEPT_SECONDS
    for place, path in enumerate(files):
        if place < len(files) - MOST_KEPT or path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
