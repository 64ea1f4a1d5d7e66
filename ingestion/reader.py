"""What is read of the files of a load: which were loaded before, what dialect each is, and its pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ingestion.columns import csv_pieces, is_csv, is_parquet, parquet_pieces
from ingestion.inputs import Input, UnusableFile
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
    looks_like: str = ""  # where a dialect was named: what its first lines would have been taken for

    @property
    def source_name(self) -> str:
        """What its events say they come from, as `events rejected` takes it."""
        return f"{self.dialect}:{PurePosixPath(self.source.name).name}"


@dataclass(frozen=True)
class KnownFile:
    """One that was loaded before, and is left out."""

    name: str
    dialect: str
    loaded_as: str  # path or URL

    @property
    def source(self) -> str:
        """What its events say they come from."""
        return f"{self.dialect}:{PurePosixPath(self.loaded_as).name}"


@dataclass
class LoadResult:
    files: list[LoadedFile] = field(default_factory=list)
    known: list[KnownFile] = field(default_factory=list)
    failed: dict[str, UnusableFile] = field(default_factory=dict)  # files that are none of events, or unreadable
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
        loaded = client.query("SELECT file_id, path, version, dialect FROM raw.loaded_files").result_rows
        # By content, and by what a store calls it: dialect and path.
        self._known = {str(identity): (str(dialect), str(path)) for identity, path, _, dialect in loaded}
        self._known_versions = {
            (str(path), str(version)): (str(dialect), str(path)) for _, path, version, dialect in loaded if version
        }

    def unknown(self, inputs: list[Input]) -> list[LoadedFile]:
        """What is to be loaded, as far as it can be told without fetching anything."""
        todo = []
        for source in inputs:
            file = LoadedFile(source)
            if source.is_remote:
                if known := self._known_versions.get((source.name, source.version)):
                    self._leave_out(source, known)
                else:
                    todo.append(file)
            elif self._is_new(file, Path(source.name)):
                todo.append(file)
        return todo

    def pieces(self, file: LoadedFile, spool: Path) -> Iterator[Piece]:
        with file.source.at_hand(spool) as path:
            if not file.file_id and not self._is_new(file, path):
                return
            try:
                for piece in self.cut(file, path):
                    file.received += piece.header.lines
                    yield piece
            except UnusableFile as error:
                self._fail(file, error)

    def _is_new(self, file: LoadedFile, path: Path) -> bool:
        """Whether it is to be loaded; if not, the result says why."""
        try:
            if known := self.known(file, path):
                self._leave_out(file.source, known)
                file.file_id = ""
                return False
        except UnusableFile as error:
            self._fail(file, error)
            return False
        return True

    def _leave_out(self, source: Input, known: tuple[str, str]) -> None:
        self._result.known.append(KnownFile(source.name, *known))

    def _fail(self, file: LoadedFile, error: UnusableFile) -> None:
        """Told at the end, and no reason to leave out the other files."""
        self._known.pop(file.file_id, None)
        file.file_id = ""
        self._result.failed[file.source.name] = error

    def known(self, file: LoadedFile, path: Path) -> tuple[str, str] | None:
        """As what a file was loaded that somebody knows; the others are known by now."""
        file.file_id = file_id(path)
        file.dialect = self._dialect_of(path)
        # An empty Parquet or CSV is no file of events, however often it came.
        is_broken = file.source.bytes == 0 and (is_parquet(path) or is_csv(path))
        known = self._known.get(file.file_id) if not is_broken else None
        if known is None:
            self._known[file.file_id] = (file.dialect, file.source.name)
            file.looks_like = self._looks_like(path)
        return known

    def _looks_like(self, path: Path) -> str:
        if self._dialect == AUTO or is_parquet(path) or is_csv(path):
            return ""
        try:
            return dialect_of(path)
        except UnusableFile:
            return ""

    def _dialect_of(self, path: Path) -> str:
        if is_parquet(path) or is_csv(path):
            return CANONICAL
        return dialect_of(path) if self._dialect == AUTO else self._dialect

    def cut(self, file: LoadedFile, path: Path) -> Iterator[Piece]:
        header = Header(
            file_id=file.file_id,
            source=file.source_name,
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
