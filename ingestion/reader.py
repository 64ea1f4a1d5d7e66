"""What is read of the files of a load: which were loaded before, what dialect each is, and its pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.columns import csv_pieces, is_csv, is_parquet, parquet_pieces
from ingestion.inputs import Input
from ingestion.pieces import CANONICAL, Header, Piece, decoded_pieces, dialect_of, file_id, line_pieces
from ingestion.wire import AUTO, check_dialect
from warehouse.projects import get_project, load_projects, project_of_write_key
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass
class LoadedFile:
    source: Input
    file_id: str = ""  # of a file in a store it is known when the file is read
    dialect: str = ""
    received: int = 0
    accepted: int = 0
    rejected: dict[str, int] = field(default_factory=dict)


@dataclass
class LoadResult:
    files: list[LoadedFile] = field(default_factory=list)
    known: list[str] = field(default_factory=list)  # loaded before, and left out
    seconds: float = 0.0

    @property
    def received(self) -> int:
        return sum(file.received for file in self.files)

    @property
    def accepted(self) -> int:
        return sum(file.accepted for file in self.files)

    @property
    def rejected(self) -> dict[str, int]:
        reasons: dict[str, int] = {}
        for file in self.files:
            for reason, lines in file.rejected.items():
                reasons[reason] = reasons.get(reason, 0) + lines
        return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))


class Reader:
    """Files into pieces. Local files are looked at before anything is loaded, those of a store one at a time."""

    def __init__(self, settings: Settings, client: Client, dialect: str, project: str, result: LoadResult) -> None:
        check_dialect(dialect)
        self._dialect = dialect
        self._default_project = get_project(settings, project).id if project else ""
        self._accept_unknown = settings.accept_unknown_projects
        self._project_of_key = cache(partial(project_of_write_key, load_projects(settings)))
        self._received_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._result = result
        loaded = client.query("SELECT file_id, path, version FROM raw.loaded_files").result_rows
        self._known = {str(row[0]) for row in loaded}
        self._known_versions = {(str(row[1]), str(row[2])) for row in loaded if row[2]}

    def unknown(self, inputs: list[Input]) -> list[LoadedFile]:
        """What is to be loaded, as far as it can be told without fetching anything."""
        todo = []
        for source in inputs:
            file = LoadedFile(source)
            if source.is_remote:
                known = (source.name, source.version) in self._known_versions
            else:
                known = not self.identified(file, Path(source.name))
            if known:
                self._result.known.append(source.name)
            else:
                todo.append(file)
        return todo

    def pieces(self, file: LoadedFile, spool: Path) -> Iterator[Piece]:
        with file.source.at_hand(spool) as path:
            if not file.file_id and not self.identified(file, path):
                file.file_id = ""
                self._result.known.append(file.source.name)
                return
            for piece in self.cut(file, path):
                file.received += piece.header.lines
                yield piece

    def identified(self, file: LoadedFile, path: Path) -> bool:
        """Whether the file is one that nobody knows yet; then it is known by now."""
        file.file_id = file_id(path)
        file.dialect = self._dialect_of(path)
        # An empty Parquet or CSV is no file of events, however often it came.
        is_broken = file.source.bytes == 0 and (is_parquet(path) or is_csv(path))
        known = file.file_id in self._known and not is_broken
        self._known.add(file.file_id)
        return not known

    def _dialect_of(self, path: Path) -> str:
        if is_parquet(path) or is_csv(path):
            return CANONICAL
        return dialect_of(path) if self._dialect == AUTO else self._dialect

    def cut(self, file: LoadedFile, path: Path) -> Iterator[Piece]:
        header = Header(
            file_id=file.file_id,
            source=f"{file.dialect}:{path.name}",
            default_project=self._default_project,
            accept_unknown=self._accept_unknown,
            received_at=self._received_at,
        )
        if is_parquet(path):
            return parquet_pieces(path, header)
        if is_csv(path):
            return csv_pieces(path, header)
        if file.dialect == CANONICAL:
            return line_pieces(path, header)
        return decoded_pieces(path, header, file.dialect, self._project_of_key)
