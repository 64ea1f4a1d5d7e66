"""What a query would read, before it is run: rows and parts by ClickHouse's own estimate, bytes at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from semantic_layer.reader import ROLE, QueryRefused, Reader
from warehouse.access.model import load_access
from warehouse.errors import MillraceError
from warehouse.projects import load_projects
from warehouse.settings import Settings

SYNTAX_ERROR = "62"


@dataclass(frozen=True)
class TableRead:
    table: str
    parts: int
    rows: int
    bytes: int  # if all columns were read, as they are on disk


@dataclass(frozen=True)
class Estimate:
    tables: tuple[TableRead, ...]
    allowed_rows: int | None

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def is_allowed(self) -> bool:
        return self.allowed_rows is None or self.rows <= self.allowed_rows


class Estimated(Exception):
    """Nothing went wrong: the question ends here."""

    def __init__(self, estimate: Estimate) -> None:
        self.estimate = estimate


class EstimatingReader(Reader):
    """Asks on the way to a question, and estimates the question itself."""

    def answer(self, sql: str) -> list[list[Any]]:
        raise Estimated(estimated(self._settings, self, sql))


def estimated(settings: Settings, reader: Reader, sql: str) -> Estimate:
    try:
        read = reader.rows(f"EXPLAIN ESTIMATE {sql}")
    except QueryRefused as error:
        if error.code == SYNTAX_ERROR:
            raise MillraceError(
                "Only a SELECT can be estimated, and this is none, or it has a mistake.", hint=error.message
            ) from error
        raise
    sizes = {
        (database, table): (int(rows or 0), int(size or 0))
        for database, table, rows, size in reader.rows(
            "SELECT database, name, total_rows, total_bytes FROM system.tables WHERE database = 'marts'"
        )
    }
    limits = load_access(settings, load_projects(settings)).roles[ROLE].limits
    return Estimate(
        tuple(
            TableRead(f"{database}.{table}", int(parts), int(rows), _share(sizes.get((database, table)), int(rows)))
            for database, table, parts, rows, _ in read
        ),
        limits.get("max_rows_to_read"),
    )


def _share(size: tuple[int, int] | None, rows: int) -> int:
    total_rows, total_bytes = size or (0, 0)
    return round(total_bytes * rows / total_rows) if total_rows else 0
