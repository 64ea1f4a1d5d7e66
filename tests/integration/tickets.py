"""A source of a test's own, tickets, and what is read back of it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.integration.in_process import json_here
from tests.support import Instance


def own_source(warehouse: Instance, name: str, **changes: Any) -> None:
    """A source of the test's own: nobody else writes its table."""
    document = {
        "description": "Grain: one row per ticket.",
        "owner": "support",
        "key": ["ticket_id"],
        "cursor": "updated_at",
        "lag": "1d",
        "columns": {
            "ticket_id": {"type": "text", "required": True, "description": "Id"},
            "requester": {"type": "text", "pii": "personal", "description": "Who asked"},
            "hours": {"type": "decimal", "description": "Hours that it took"},
            "updated_at": {"type": "instant", "required": True, "description": "Last change"},
        },
        **changes,
    }
    folder = warehouse.project_dir / "sources"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(document))


def declare(warehouse: Instance, **feeds: Any) -> None:
    (warehouse.project_dir / "sources.yaml").write_text(yaml.safe_dump({"feeds": feeds}))


def ticket(number: int, day: int = 1, **changes: Any) -> dict[str, Any]:
    updated = datetime(2026, 3, day, tzinfo=UTC) + timedelta(minutes=number)
    hours = f"{number}.25"
    return {"ticket_id": f"t{number}", "hours": hours, "updated_at": updated.isoformat(), **changes}


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def load(warehouse: Instance, *arguments: str) -> dict[str, Any]:
    (result,) = json_here(warehouse, "sources", "load", *arguments)
    assert result["received"] == result["accepted"] + sum(result["rejected"].values())
    assert result["accepted"] == result["new"] + result["updated"] + result["unchanged"]
    return dict(result)


def counts(result: dict[str, Any]) -> tuple[int, int, int, int]:
    return result["received"], result["new"], result["updated"], result["unchanged"]


def stored(warehouse: Instance, table: str) -> list[tuple[Any, ...]]:
    """Rows, distinct keys and hours of a table of tickets."""
    return warehouse.rows(f"SELECT count(), uniqExact(ticket_id), sum(hours) FROM raw.{table} FINAL")


def is_there(folder: Path, inside: str, suffix: str) -> bool:
    """Whether a file of such a name has come to be; folders vanish while one looks."""
    return any(
        inside in path and any(name.endswith(suffix) for name in files)
        for path, _, files in os.walk(folder, onerror=None)
    )
