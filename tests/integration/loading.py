"""Events and files for tests that load them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from tests.support import Instance


def event(number: int, prefix: str = "e", **changes: Any) -> dict[str, Any]:
    return {
        "project_id": "demo",
        "event_id": f"{prefix}-{number}",
        "event": "page_viewed",
        "message_type": "page",
        "user_id": f"u{number % 50}",
        "original_timestamp": f"2026-0{1 + number % 6}-{1 + number % 28:02}T10:00:00.{number % 1000:03}Z",
        "sent_at": "2026-06-30T10:00:00.000Z",
        "received_at": "2026-06-30T10:00:05.000Z",
        "properties": {"number": number, "free": f"täxt {number}"},
        "context": {"page": {"url": "https://shop.example/a", "path": "/a"}, "locale": "de-DE"},
        **changes,
    }


def write_lines(path: Path, events: list[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(e, ensure_ascii=False) + "\n" for e in events).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def loaded(warehouse: Instance, *paths: Path | str, **options: str) -> dict[str, Any]:
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    result: dict[str, Any] = warehouse.json("load", *map(str, paths), *arguments)
    return result


def stored(warehouse: Instance, prefix: str) -> tuple[int, int]:
    """Rows and distinct ids of the events with this prefix."""
    return warehouse.rows(  # type: ignore[return-value]
        f"SELECT count(), uniqExact(event_id) FROM raw.events WHERE startsWith(event_id, '{prefix}-')"
    )[0]


# Of states what they mean: merges in the background make fewer rows of them.
MERGED = {
    "hourly_events": "SELECT project_id, hour, event, uniqMerge(events) FROM raw.hourly_events GROUP BY ALL",
}


def contents(warehouse: Instance) -> dict[str, tuple[int, str]]:
    """Of every table of raw that keeps rows: how many, and a hash over all of them."""
    tables = [
        row[0]
        for row in warehouse.rows(
            "SELECT name FROM system.tables WHERE database = 'raw' AND engine LIKE '%MergeTree' ORDER BY name"
        )
    ]
    return {
        table: warehouse.rows(
            "SELECT count(), toString(groupBitXor(cityHash64(toString(tuple(*))))) "
            f"FROM ({MERGED.get(table, f'SELECT * FROM raw.`{table}`')})"
        )[0]  # type: ignore[misc]
        for table in tables
    }
