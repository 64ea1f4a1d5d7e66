"""When each table was brought up to date last, and whether that is recent enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from warehouse.observability.declared import Declared

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Of raw the last load counts, of models the last good build, also where nothing in them changed by it. Rows of dead
# letters and of retries that took lines away are no load of events; of a project that was taken out of projects.yaml
# nothing is expected any more.
UPDATES = """
SELECT 'raw.events' AS asset, toString(project_id) AS project_id, max(loaded_at) AS updated_at
FROM raw.load_counts
WHERE reason = '' AND lines > 0 AND project_id IN (SELECT project_id FROM raw.projects)
GROUP BY project_id
UNION ALL
SELECT concat('raw.', source), '', max(loaded_at) FROM raw.source_loads GROUP BY source
UNION ALL
SELECT toString(asset), '', max(finished_at) FROM ops.model_runs WHERE status = 'success' GROUP BY asset
"""


@dataclass(frozen=True)
class Freshness:
    asset: str
    project_id: str  # empty: all of them at once
    updated_at: datetime
    age_seconds: float
    sla_seconds: int | None

    @property
    def late(self) -> bool:
        return self.sla_seconds is not None and self.age_seconds > self.sla_seconds

    @property
    def lateness(self) -> float:
        """How many times its SLA it is old; 0 where nobody says how old it may be."""
        return self.age_seconds / self.sla_seconds if self.sla_seconds else 0.0


AGES = (
    "SELECT asset, project_id, updated_at, greatest(dateDiff('millisecond', updated_at, now64(3)) / 1000, 0) "
    f"FROM ({UPDATES})"
)

# Declared, and nothing ever came: of that no load can tell how long it has been so.
NEVER = """
SELECT project_id, declared_at, greatest(dateDiff('millisecond', declared_at, now64(3)) / 1000, 0) FROM raw.projects
WHERE project_id NOT IN (SELECT project_id FROM raw.load_counts WHERE reason = '' AND lines > 0)
ORDER BY project_id
"""


def read_freshness(client: Client, declared: Declared) -> list[Freshness]:
    """Of every table that was ever loaded or built and is still declared, the latest first."""
    return freshness_of(client.query(AGES).result_rows, declared)


def freshness_of(rows: Iterable[Sequence[Any]], declared: Declared) -> list[Freshness]:
    found = [
        Freshness(asset, project, updated_at, age, declared.assets[asset].sla_seconds)
        for asset, project, updated_at, age in rows
        if asset in declared.assets and declared.assets[asset].is_table
    ]
    return sorted(found, key=lambda one: (-one.lateness, one.asset, one.project_id))
