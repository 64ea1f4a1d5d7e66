"""Answers, kept as long as the marts are what they were."""

from __future__ import annotations

import json
from typing import Any

from semantic_layer.metrics.data_version import data_version
from semantic_layer.metrics.disk_cache import DiskCache
from warehouse.connection import endpoint
from warehouse.settings import Settings

MOST_ANSWERS, MOST_BYTES = 500, 100 * 1024**2


class KeptAnswer:
    """That to one question. It holds for the marts as they are now, before it is asked."""

    def __init__(self, settings: Settings, project: str, *question: str) -> None:
        target, version = endpoint(settings, "analyst"), data_version(settings)
        # Without a version nobody can know whether an answer still holds.
        self._key = json.dumps([target.url, target.user, project, version, *question]) if version else ""
        self._cache = DiskCache(settings.data_dir / "cache" / "answers", MOST_ANSWERS, MOST_BYTES)

    def get(self) -> dict[str, Any] | None:
        found = self._cache.get(self._key) if self._key else None
        return json.loads(found) if found else None

    def put(self, answer: dict[str, Any]) -> None:
        if self._key:
            self._cache.put(self._key, json.dumps(answer, ensure_ascii=False).encode())
