"""What runs and checks found, as rows of the database ops. Builds, expectations and reconciles write through here."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from warehouse.connection import connect, failures_as_sentences, insert_rows
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from warehouse.lineage.graph import Graph
    from warehouse.observability.incidents import Change

TO_SEE = "; to see them: "  # in a message; what follows is a query
SIZES = """
SELECT concat(database, '.', name), total_rows, total_bytes FROM system.tables
WHERE database IN ('staging', 'intermediate', 'marts') AND engine NOT LIKE '%View'
"""


def now() -> datetime:
    return datetime.now(UTC)


def without_query(message: str) -> str:
    """Of a table that is as it was before, the query of a message finds nothing."""
    found, to_see, _ = message.partition(TO_SEE)
    return f"{found}." if to_see else message


@dataclass(frozen=True)
class ModelRun:
    asset: str  # database.table
    status: str  # success, error, skipped
    seconds: float
    table_rows: int | None = None
    table_bytes: int | None = None
    message: str = ""
    finished_at: datetime = field(default_factory=now)


@dataclass(frozen=True)
class CheckResult:
    asset: str  # database.table
    check_name: str
    kind: str  # dbt, expectation, reconcile
    dimension: str  # completeness, validity, uniqueness, timeliness, consistency
    severity: str  # error, warn
    status: str  # pass, fail, error, skipped
    project_id: str = ""
    seconds: float = 0.0
    checked: int | None = None
    failures: int | None = None
    observed: str = ""
    message: str = ""
    checked_at: datetime = field(default_factory=now)

    @property
    def failed(self) -> bool:
        return self.status in ("fail", "error")

    @property
    def blocks(self) -> bool:
        """Nothing that is made of the asset may be made now."""
        return self.failed and self.severity == "error"


@dataclass
class RunRecord:
    """A run, from its begin; `write` when it has ended."""

    kind: str  # build, expectations, reconcile
    started_by: str = "command line"
    dagster_run_id: str = ""
    run_id: uuid.UUID = field(default_factory=uuid.uuid4)
    started_at: datetime = field(default_factory=now)

    def write(
        self,
        settings: Settings,
        status: str,
        message: str = "",
        models: Iterable[ModelRun] = (),
        checks: Iterable[CheckResult] = (),
        declared: Mapping[str, Collection[tuple[str, str, str]]] | None = None,
        graph: Graph | None = None,
    ) -> list[Change]:
        """What was found becomes rows, and incidents of it: what changed about them is told.

        `declared`: of a kind, every check there is, as asset, name and project; an incident of another one ends.
        `graph`: where it is at hand.
        """
        from warehouse.aside import refused_assets
        from warehouse.observability.incidents import follow

        models, checks, ended = list(models), list(checks), now()
        run = {
            **{"run_id": self.run_id, "kind": self.kind, "started_by": self.started_by},
            **{"dagster_run_id": self.dagster_run_id, "started_at": self.started_at},
            **{"seconds": (ended - self.started_at).total_seconds(), "status": status, "message": message},
        }
        with closing(connect(settings, "engineer")) as client, failures_as_sentences("to write down a run"):
            rows = [{"run_id": self.run_id, **asdict(one)} for one in _with_sizes(client, models)]
            insert(client, "ops.model_runs", rows)
            # A table that was put back passes: that says nothing of what was refused, neither to its quality score nor
            # to its incident, which ends when a build makes it right.
            refused = refused_assets(client) if self.kind != "build" else ()
            telling = [one for one in checks if one.blocks or one.asset not in refused]
            insert(client, "ops.check_results", [{"run_id": self.run_id, **asdict(one)} for one in telling])
            changes = follow(client, settings, telling, models, declared or {}, graph)
            insert(client, "ops.runs", [run])  # last: what is told of a run is complete
        return changes


def _with_sizes(client: Client, models: list[ModelRun]) -> list[ModelRun]:
    """Where a model was made and nobody said how large it is: rows and bytes as they are now."""
    if all(one.status != "success" or one.table_rows is not None for one in models):
        return models
    sizes = {asset: (rows, size) for asset, rows, size in client.query(SIZES).result_rows}
    return [
        replace(one, table_rows=sizes[one.asset][0], table_bytes=sizes[one.asset][1])
        if one.status == "success" and one.table_rows is None and one.asset in sizes
        else one
        for one in models
    ]


def insert(client: Client, table: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        insert_rows(client, table, [[_plain(value) for value in row.values()] for row in rows], list(rows[0]))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    return str(value) if isinstance(value, uuid.UUID) else value
