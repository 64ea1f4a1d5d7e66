"""Brings the schema of raw to the newest version: numbered SQL files, each applied once and recorded."""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse import cold
from warehouse.connection import first_line, insert_rows
from warehouse.errors import MillraceError
from warehouse.projects import Project
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

STEPS_FOLDER = Path(__file__).parent / "raw_schema"
STEP_NAME = re.compile(r"(\d{3})_([a-z0-9_]+)\.sql")
MAKES_A_TABLE = re.compile(r"CREATE (?:TABLE|VIEW|MATERIALIZED VIEW) IF NOT EXISTS (\w+\.\w+)")


@dataclass(frozen=True)
class Step:
    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Of what is run: a better comment is no change."""
        return hashlib.sha256(";".join(self.statements).encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """Statements end with a semicolon at the end of a line; lines that only comment are left out."""
        lines = [line for line in self.sql.splitlines() if not line.lstrip().startswith("--")]
        return [part.strip() for part in re.split(r";[ \t]*(?:\n|$)", "\n".join(lines)) if part.strip()]


def load_steps(folder: Path = STEPS_FOLDER) -> list[Step]:
    steps = []
    for path in sorted(folder.glob("*.sql")):
        match = STEP_NAME.fullmatch(path.name)
        if not match:
            raise MillraceError(f"{path} is not named as a step: 001_what_it_does.sql")
        steps.append(Step(int(match[1]), match[2], path.read_text(encoding="utf-8")))
    expected = list(range(1, len(steps) + 1))
    if [step.version for step in steps] != expected:
        raise MillraceError(f"The steps in {folder} must be numbered 001, 002, … without gaps or repeats.")
    return steps


def tables_made(steps: Sequence[Step]) -> set[str]:
    """Tables and views, by their names."""
    return {match[1] for step in steps for statement in step.statements if (match := MAKES_A_TABLE.match(statement))}


def applied_versions(client: Client) -> dict[int, str]:
    """Version -> checksum of the steps that this warehouse has had."""
    exists = client.query("SELECT count() FROM system.tables WHERE database = 'ops' AND name = 'schema_migrations'")
    if not exists.result_rows[0][0]:
        return {}
    rows = client.query("SELECT version, checksum FROM ops.schema_migrations ORDER BY version").result_rows
    return {int(version): str(checksum) for version, checksum in rows}


def pending_steps(client: Client, steps: list[Step]) -> list[Step]:
    applied = applied_versions(client)
    for step in steps:
        if step.version in applied and applied[step.version] != step.checksum:
            raise MillraceError(
                f"Step {step.version:03}_{step.name} was changed after it had been applied to this warehouse.",
                hint="Restore the file and add a new step for the change.",
            )
    newest = steps[-1].version if steps else 0
    if applied and max(applied) > newest:
        raise MillraceError(
            f"This warehouse is at schema version {max(applied)}; this Millrace knows only {newest}.",
            hint="Use the newer Millrace that migrated it.",
        )
    return [step for step in steps if step.version not in applied]


def migrate(client: Client, steps: list[Step], on_applied: Callable[[Step], None] = lambda _: None) -> list[Step]:
    """Apply what is missing, in order. A failing step stops here; those before it stay, and are not run again."""
    client.command("CREATE DATABASE IF NOT EXISTS ops ENGINE = Atomic")
    client.command(
        "CREATE TABLE IF NOT EXISTS ops.schema_migrations (version UInt32, name String, checksum String, "
        "applied_at DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY version "
        "COMMENT 'Grain: one row per applied step of warehouse/raw_schema.'"
    )
    todo = pending_steps(client, steps)
    for step in todo:
        _apply(client, step)
        on_applied(step)
    return todo


def _apply(client: Client, step: Step) -> None:
    from clickhouse_connect.driver.exceptions import Error

    for number, statement in enumerate(step.statements, start=1):
        try:
            client.command(statement)
        except Error as error:
            raise MillraceError(
                f"Step {step.version:03}_{step.name} failed at statement {number} of {len(step.statements)}: "
                f"{first_line(error)}",
                hint=f"It begins: {' '.join(statement.split())[:100]}. Earlier steps are in place; after a repair "
                "`millrace migrate` goes on with this one.",
            ) from error
    applied_at = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
    insert_rows(
        client,
        "ops.schema_migrations",
        [(step.version, step.name, step.checksum, applied_at)],
        ("version", "name", "checksum", "applied_at"),
    )


def sync_projects(client: Client, projects: dict[str, Project], settings: Settings) -> bool:
    """Make raw.projects and the retention of raw and questions what projects.yaml says; False where they were."""
    made = _make_salts(client, projects)  # first: no line of a project may pass without one
    columns = ["project_id", "name", "timezone", "currency", "retention_days", "privacy"]
    columns += ["consent_silent", "consent_refused", "write_keys", "declared_at"]
    wanted = [
        [
            *(p.id, p.name, p.timezone, p.currency, p.retention_days, str(p.privacy)),
            *(str(p.consent.silent), str(p.consent.refused), list(p.write_keys), made[p.id]),
        ]
        for p in projects.values()
    ]
    read = [*columns[:-1], "toString(declared_at)"]
    present = client.query(f"SELECT {', '.join(read)} FROM raw.projects ORDER BY project_id").result_rows
    changed = [list(row) for row in present] != sorted(wanted)
    if changed:
        # Filled beside and exchanged: a loader never sees a moment without projects.
        new = f"raw.projects_{uuid.uuid4().hex}"  # another migration may be at the same point
        client.command(f"CREATE TABLE {new} AS raw.projects")
        insert_rows(client, new, wanted, columns)
        client.command(f"EXCHANGE TABLES {new} AND raw.projects")
        client.command(f"DROP TABLE {new}")
    cold.use_policy(client, settings)
    for table, clock, moves in (
        (cold.TABLE, cold.CLOCK, cold.moves(settings)),
        ("raw.events_rejected", "received_at", ""),
        ("raw.events_withheld", "day", ""),
        ("ops.questions", "asked_at", ""),
    ):
        changed |= _sync_retention(client, table, clock, projects, moves)
    return changed


def _make_salts(client: Client, projects: dict[str, Project]) -> dict[str, str]:
    """A random salt for whoever has none, and one for lines of no declared project. Those that are there stay. When
    each was made: it outlives every change of the project, so that this is when it was declared."""
    present = {str(row[0]) for row in client.query("SELECT project_id FROM vault.salts").result_rows}
    missing = [[project, secrets.token_hex(32)] for project in ("", *projects) if project not in present]
    if missing:
        insert_rows(client, "vault.salts", missing, ("project_id", "salt"))
    made = client.query("SELECT project_id, toString(min(created_at)) FROM vault.salts GROUP BY project_id")
    return {str(project): str(at) for project, at in made.result_rows}


def share_salts(first: Client, client: Client, number: int) -> None:
    """Another shard has the salts of the first: else one person would be another one on each."""
    salts = "SELECT project_id, salt, toString(created_at) FROM vault.salts ORDER BY ALL"
    wanted, present = (one.query(salts).result_rows for one in (first, client))
    if not set(map(tuple, present)) - set(map(tuple, wanted)):
        missing = [row for row in wanted if row not in present]
    elif client.query("SELECT count() FROM raw.events").result_rows[0][0]:
        raise MillraceError(
            f"Shard {number} has events, and its pseudonyms were made with other salts than those of the first.",
            hint="Add a server without events to the cluster, and load those files again.",
        )
    else:
        client.command("TRUNCATE TABLE vault.salts")
        missing = list(wanted)
    if missing:
        insert_rows(client, "vault.salts", missing, ("project_id", "salt", "created_at"))


def _sync_retention(client: Client, table: str, clock: str, projects: dict[str, Project], moves: str) -> bool:
    ids = ", ".join(f"'{p.id}'" for p in projects.values())
    days = ", ".join(str(p.retention_days) for p in projects.values())
    # Rows of an undeclared project (accepted by a setting, or rejected) are kept as long as the most patient project's.
    longest = max(p.retention_days for p in projects.values())
    ttl = f"toDateTime({clock}) + toIntervalDay(transform(project_id, [{ids}], [{days}], {longest})){moves}"
    engine = str(
        client.query(
            f"SELECT engine_full FROM system.tables WHERE concat(database, '.', name) = '{table}'"
        ).result_rows[0][0]
    )
    if _squeezed(f"TTL {ttl} SETTINGS") in _squeezed(engine):
        return False
    # Merges apply it to old rows in their own time; at once, it would rewrite the whole table for each new project.
    client.command(f"ALTER TABLE {table} MODIFY TTL {ttl}", settings={"materialize_ttl_after_modify": 0})
    return True


def _squeezed(sql: str) -> str:
    return re.sub(r"\s+", "", sql)
