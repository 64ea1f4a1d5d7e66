"""What was rejected, by reason: the rows of raw.events_rejected in groups, and one by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from warehouse.cluster import everywhere
from warehouse.connection import connect, failures_as_sentences
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Of a canonical line and of most SDKs' payloads; empty where the line does not say it that plainly.
EVENT = "JSONExtractString(line, 'event')"
GROUPS = f"""
    SELECT project_id, reason, {EVENT} AS event, source, count() AS lines,
        min(received_at) AS first_received_at, max(received_at) AS last_received_at,
        argMax(detail, received_at) AS detail, argMax(line, received_at) AS line
    FROM {{rejected}} WHERE {{condition}}
    GROUP BY ALL ORDER BY lines DESC, project_id, reason, event, source LIMIT {{limit}}
"""
LINES = f"""
    SELECT project_id, reason, {EVENT} AS event, source, received_at, detail, line
    FROM {{rejected}} WHERE {{condition}}
    ORDER BY received_at DESC, reject_id LIMIT {{limit}}
"""


@dataclass(frozen=True)
class Filters:
    """Which rejected lines are meant; empty: all."""

    project: str = ""
    reason: str = ""
    source: str = ""
    since: datetime | None = None

    @property
    def condition(self) -> str:
        conditions = {
            "project_id = {project:String}": self.project,
            "reason = {reason:String}": self.reason,
            "startsWith(source, {source:String})": self.source,
            "received_at >= {since:DateTime64(3, 'UTC')}": self.since,
        }
        return " AND ".join(["1", *(condition for condition, value in conditions.items() if value)])

    @property
    def parameters(self) -> dict[str, Any]:
        given = {"project": self.project, "reason": self.reason, "source": self.source, "since": self.since}
        return {name: value for name, value in given.items() if value}


def rejected(settings: Settings, filters: Filters, limit: int, lines: bool = False) -> list[dict[str, Any]]:
    """Groups, largest first; or lines, newest first."""
    client: Client = connect(settings, "loader")
    try:
        with failures_as_sentences("to list rejected lines"):
            found = client.query(
                (LINES if lines else GROUPS).format(
                    rejected=everywhere(settings, "events_rejected"), condition=filters.condition, limit=limit
                ),
                parameters=filters.parameters,
            )
            return [{name: _utc(value) for name, value in row.items()} for row in found.named_results()]
    finally:
        client.close()


def count_rejected(settings: Settings, filters: Filters) -> int:
    client = connect(settings, "loader")
    try:
        with failures_as_sentences("to count rejected lines"):
            found = client.query(
                f"SELECT count() FROM {everywhere(settings, 'events_rejected')} WHERE {filters.condition}",
                parameters=filters.parameters,
            )
            return int(found.result_rows[0][0])
    finally:
        client.close()


def _utc(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
