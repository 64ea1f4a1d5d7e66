"""Files of events into raw: read, cut into pieces, loaded by dlt, counted and recorded, each file exactly once."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.columns import csv_pieces, parquet_pieces
from ingestion.enrichment.lookups import fill_lookups
from ingestion.landing import sync_landing
from ingestion.pieces import CANONICAL, Header, Piece, decoded_pieces, dialect_of, file_id, line_pieces
from ingestion.registry import load_registry
from ingestion.wire import AUTO
from warehouse.connection import connect, endpoint
from warehouse.errors import MillraceError
from warehouse.projects import get_project, load_projects
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

PIPELINE = "events"
LANDING = "landing"


@dataclass
class LoadedFile:
    path: Path
    file_id: str
    dialect: str
    bytes: int
    received: int = 0
    accepted: int = 0
    rejected: dict[str, int] = field(default_factory=dict)


@dataclass
class LoadResult:
    files: list[LoadedFile] = field(default_factory=list)
    known: list[Path] = field(default_factory=list)  # loaded before, and left out
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


class Progress:
    """What a load tells while it works; the command line draws it."""

    def begin(self, total_bytes: int) -> None: ...

    def read(self, bytes_read: int) -> None: ...

    def cut(self, lines: int) -> None: ...

    def inserted(self, lines: int) -> None: ...


def load(
    settings: Settings, files: list[Path], dialect: str = AUTO, project: str = "", progress: Progress | None = None
) -> LoadResult:
    """Load the files that were not loaded before."""
    begun = time.monotonic()
    progress = progress or Progress()
    default_project = get_project(settings, project).id if project else ""
    client = connect(settings, "loader")
    try:
        result = LoadResult()
        todo: dict[str, LoadedFile] = {}
        known = {str(row[0]) for row in client.query("SELECT file_id FROM raw.loaded_files").result_rows}
        for path in files:
            identity = file_id(path)
            if identity in known or identity in todo:
                result.known.append(path)
            else:
                todo[identity] = LoadedFile(path, identity, _dialect(path, dialect), path.stat().st_size)
        if todo:
            progress.begin(sum(file.bytes for file in todo.values()))
            since = datetime.now(UTC)
            load_id = _run(settings, list(todo.values()), default_project, progress)
            _account(client, list(todo.values()), load_id)
            fill_lookups(client, settings.geo_database, since)
        result.files = list(todo.values())
    finally:
        client.close()
    result.seconds = time.monotonic() - begun
    return result


def prepare(settings: Settings) -> list[str]:
    """Bring the way into raw in step with the registry of event types; returns what was changed."""
    client = connect(settings, "admin")
    try:
        return sync_landing(client, load_registry())
    finally:
        client.close()


def _dialect(path: Path, dialect: str) -> str:
    if path.suffix == ".parquet" or path.name.removesuffix(".gz").endswith(".csv"):
        return CANONICAL
    return dialect_of(path) if dialect == AUTO else dialect


def _run(settings: Settings, files: list[LoadedFile], default_project: str, progress: Progress) -> str:
    """One dlt load of all pieces of all files; returns dlt's id of it."""
    with _working_directory(settings) as folder:
        pipeline = _pipeline(settings, folder, progress)
        if pipeline.has_pending_data:
            # Of a load that was killed. Its pieces carry tokens: those that are in already are not inserted again.
            pipeline.load(raise_on_failed_jobs=True)
        keys = {key: p.id for p in load_projects(settings).values() for key in p.write_keys}
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

        def pieces() -> Iterator[Any]:
            import dlt

            for file in files:
                header = Header(
                    file_id=file.file_id,
                    piece=0,
                    lines=0,
                    format="LineAsString",
                    source=f"{file.dialect}:{file.path.name}",
                    default_project=default_project,
                    accept_unknown=settings.accept_unknown_projects,
                    received_at=now,
                )
                for piece in _pieces(file, header, keys):
                    path = folder / f"{piece.header.token}.piece"
                    piece.write(path)
                    file.received += piece.header.lines
                    progress.cut(piece.header.lines)
                    yield dlt.mark.with_file_import(str(path), "jsonl", piece.header.lines)
                    path.unlink()  # dlt has linked it into its package
                progress.read(file.bytes)

        import dlt

        info = pipeline.run(dlt.resource(pieces, name=LANDING, columns={"line": {"data_type": "text"}}))
        info.raise_on_failed_jobs()
        return str(info.loads_ids[0]) if info.loads_ids else ""


def _pieces(file: LoadedFile, header: Header, project_of_key: Mapping[str, str]) -> Iterator[Piece]:
    if file.path.suffix == ".parquet":
        return parquet_pieces(file.path, replace(header, format="Parquet"))
    if file.path.name.removesuffix(".gz").endswith(".csv"):
        return csv_pieces(file.path, header)
    if file.dialect == CANONICAL:
        return line_pieces(file.path, header)
    return decoded_pieces(file.path, replace(header, format="JSONEachRow"), file.dialect, project_of_key)


def _pipeline(settings: Settings, folder: Path, progress: Progress) -> Any:
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    import dlt

    from ingestion.destination import landing_destination

    logging.getLogger("dlt").setLevel(logging.ERROR)
    dlt.config["load.workers"] = 2
    dlt.config["load.raise_on_failed_jobs"] = True
    dlt.config["normalize.workers"] = 1
    return dlt.pipeline(
        PIPELINE,
        destination=landing_destination(endpoint(settings, "loader"), lambda header: progress.inserted(header.lines)),
        dataset_name="",
        pipelines_dir=str(folder / "dlt"),
    )


@contextmanager
def _working_directory(settings: Settings) -> Iterator[Path]:
    """A folder for this load alone. The first one that nobody holds: a killed load's is taken up by the next."""
    number = 0
    while True:
        folder = settings.data_dir / "loads" / str(number)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                number += 1
                continue
            for leftover in folder.glob("*.piece"):
                leftover.unlink()
            yield folder
            return


def _account(client: Client, files: list[LoadedFile], load_id: str) -> None:
    """Compare what was cut with what the server counted, and record the files as loaded."""
    counted = client.query(
        "SELECT file_id, reason, sum(lines) FROM raw.load_counts WHERE file_id IN {ids:Array(String)} GROUP BY ALL",
        parameters={"ids": [file.file_id for file in files]},
    ).result_rows
    for file in files:
        verdicts = {str(reason): int(lines) for identity, reason, lines in counted if identity == file.file_id}
        file.accepted = verdicts.pop("", 0)
        file.rejected = verdicts
        arrived = file.accepted + sum(verdicts.values())
        if arrived != file.received:
            raise MillraceError(
                f"{file.path}: {file.received:,} lines were sent and {arrived:,} counted on arrival.",
                hint="It is not recorded as loaded; load it again, nothing is doubled.",
            )
    client.insert(
        "raw.loaded_files",
        [
            [f.file_id, str(f.path), f.dialect, f.bytes, f.received, f.accepted, f.received - f.accepted, load_id]
            for f in files
        ],
        column_names=["file_id", "path", "dialect", "bytes", "received", "accepted", "rejected", "load_id"],
    )


def find_files(paths: list[Path]) -> list[Path]:
    """The files that are meant by files and folders, in order of their names."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [p for p in path.rglob("*") if p.is_file() and not p.name.startswith(".")]
            if not inside:
                raise MillraceError(f"There is no file in the folder {path}.")
            found += sorted(inside)
        elif path.is_file():
            found.append(path)
        else:
            raise MillraceError(f"There is no file or folder {path}.")
    return found
