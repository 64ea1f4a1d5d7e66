"""Rows of other systems that were not accepted: in groups, and one by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from warehouse.connection import connect, failures_as_sentences
from warehouse.settings import Settings

GROUPS = """
    SELECT source, feed, project_id, reason, detail, origin, count() AS rows, max(loaded_at) AS last_loaded_at,
        argMax(row, loaded_at) AS row
    FROM raw.source_rows_rejected FINAL WHERE {condition}
    GROUP BY source, feed, project_id, reason, detail, origin
    ORDER BY rows DESC, source, feed, project_id, reason, detail, origin LIMIT {{limit:UInt64}}
"""
ROWS = """
    SELECT source, feed, project_id, reason, detail, origin, loaded_at AS last_loaded_at, row
    FROM raw.source_rows_rejected FINAL WHERE {condition}
    ORDER BY loaded_at DESC, source, feed, project_id, reason, row_hash, copy LIMIT {{limit:UInt64}}
"""


@dataclass(frozen=True)
class Filters:
    """Which rejected rows are meant; empty: all."""

    source: str = ""
    feed: str = ""
    project: str = ""
    reason: str = ""

    @property
    def given(self) -> dict[str, str]:
        named = {"source": self.source, "feed": self.feed, "project_id": self.project, "reason": self.reason}
        return {column: value for column, value in named.items() if value}

    @property
    def condition(self) -> str:
        return " AND ".join(["1", *(f"{column} = {{{column}:String}}" for column in self.given)])


def rejected_rows(settings: Settings, filters: Filters, limit: int, singly: bool = False) -> list[dict[str, Any]]:
    """Groups, largest first; or rows, newest first."""
    sql = (ROWS if singly else GROUPS).format(condition=filters.condition)
    client = connect(settings, "loader")
    try:
        with failures_as_sentences("to list rejected rows of sources"):
            found = client.query(sql, parameters={**filters.given, "limit": limit})
            return [{name: _utc(value) for name, value in row.items()} for row in found.named_results()]
    finally:
        client.close()


def count_rejected_rows(settings: Settings, filters: Filters) -> int:
    client = connect(settings, "loader")
    try:
        with failures_as_sentences("to count rejected rows of sources"):
            sql = f"SELECT count() FROM raw.source_rows_rejected FINAL WHERE {filters.condition}"
            return int(client.query(sql, parameters=filters.given).result_rows[0][0])
    finally:
        client.close()


def _utc(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
