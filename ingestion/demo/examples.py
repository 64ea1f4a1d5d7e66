"""Events of the registered types that nobody in the world sends, so that a type you add is seen in the demo at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import orjson

from ingestion.demo.event_types import NAMES
from ingestion.demo.world import PROJECTS, World
from ingestion.registry import Registry

# Somebody of the house: what internal people do is in no mart, and no number of the world changes.
SENDER = "staff_example"


def write_examples(folder: Path, registry: Registry) -> list[Path]:
    """A file of their examples, as an SDK would send them; none where the world has them all."""
    unsent = [event_type for name, event_type in registry.items() if name not in NAMES]
    if not unsent:
        return []
    noon = datetime.combine(World().end, time(12), UTC)
    lines = [_line(0, "identify", "identify", {"is_internal": True}, noon)]
    for number, kind in enumerate(unsent, start=1):
        lines.append(_line(number, kind.name, kind.message_type, kind.example, noon + timedelta(minutes=number)))
    folder.mkdir(exist_ok=True)
    file = folder / "registered.jsonl"
    file.write_bytes(b"".join(lines))
    return [file]


def _line(number: int, event: str, message_type: str, properties: Mapping[str, Any], at: datetime) -> bytes:
    line = {
        "project_id": PROJECTS[0].id,
        "event_id": f"{SENDER}-{event}",
        "event": event,
        "message_type": message_type,
        "user_id": SENDER,
        "timestamp": at.isoformat(),
        "received_at": at.isoformat(),
        "properties": dict(properties),
    }
    return orjson.dumps(line) + b"\n"
