"""What a load would say of a file, told without a server: its lines as they are sent, judged by Python.

`ingestion/dry_run.py` has the server judge them, and so tells exactly what a load does; the two are kept alike by
tests/integration/test_event_validation_agrees.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

from ingestion.columns import csv_pieces, is_csv, is_parquet
from ingestion.contract import Reason
from ingestion.pieces import CANONICAL, KEPT_LINE_BYTES, Header, decoded_columns, dialect_of
from ingestion.registry import Registry
from ingestion.unzipping import numbered_lines
from ingestion.validation import Problem, consent_problems, event_name, line_problems
from ingestion.wire import AUTO
from warehouse.errors import MillraceError
from warehouse.projects import Project, project_of_write_key


@dataclass
class Check:
    received: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    unregistered: Counter[str] = field(default_factory=Counter)  # accepted without a registered event type
    problems: list[tuple[int, Problem]] = field(default_factory=list)  # with the line, of CSV the row

    @property
    def rejected(self) -> int:
        return self.reasons.total()


def check(
    path: Path, registry: Registry, projects: Mapping[str, Project], dialect: str, project: str, most: int
) -> Check:
    """The verdict on a file; of its problems the first `most` are listed. `project` is that of lines that name none."""
    if is_parquet(path):
        raise MillraceError(
            f"{path} is Parquet, whose columns only ClickHouse judges.", hint=f"millrace load --dry-run {path}"
        )
    told, now = Check(), datetime.now(UTC)
    for number, line, refused in _lines(path, dialect, projects, now):
        told.received += 1
        problems = (
            [refused]
            if refused
            else line_problems(line, registry, projects, now, project) or consent_problems(line, projects, project)
        )
        if problems:
            told.reasons[problems[0].reason] += 1
            told.problems += [(number, problem) for problem in problems[: most - len(told.problems)]]
        elif (event := event_name(line)) not in registry:
            told.unregistered[event] += 1
    return told


def _lines(
    path: Path, dialect: str, projects: Mapping[str, Project], now: datetime
) -> Iterator[tuple[int, bytes, Problem | None]]:
    """Canonical lines with their numbers, or why a payload is none."""
    received_at = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if is_csv(path):
        header = Header(file_id="", source="", default_project="", accept_unknown=False, received_at=received_at)
        rows = (row for piece in csv_pieces(path, header) for row in piece.landing_columns())
        for number, (line, _, refused, detail) in enumerate(rows, start=1):
            yield number, line, Problem(Reason(refused), "", "", detail) if refused else None
        return
    dialect = dialect_of(path) if dialect == AUTO else dialect
    project_of_key = cache(partial(project_of_write_key, projects))
    for number, part in numbered_lines(path, KEPT_LINE_BYTES):
        line = part.rstrip(b"\r\n")
        if dialect == CANONICAL:
            yield number, line, None
            continue
        for event, _, refused, detail in decoded_columns(line, dialect, received_at, project_of_key):
            yield number, event, Problem(Reason(refused), "", "", detail) if refused else None
