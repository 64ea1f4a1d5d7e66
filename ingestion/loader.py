"""Files of events into raw: read, cut into pieces, loaded by dlt, counted and recorded, each file exactly once."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.ahead import Ahead
from ingestion.batches import Batch, travels_in_a_batch
from ingestion.destination import LANDING, WORKERS, Insertions, landing_destination
from ingestion.dlt_clickhouse import dlt_failures_as_sentences, quiet_dlt
from ingestion.enrichment.lookups import fill_lookups
from ingestion.event_types_table import sync_event_types
from ingestion.inputs import Input
from ingestion.landing import sync_landing, way_for_one
from ingestion.pieces import Piece
from ingestion.reader import LoadedFile, LoadResult, Reader
from ingestion.registry import load_registry
from ingestion.replay import finish_retries
from ingestion.wire import AUTO
from warehouse.cluster import clients, everywhere, make_everywhere, shard_of, shards
from warehouse.connection import Endpoint, endpoint, insert_rows
from warehouse.errors import MillraceError
from warehouse.locks import held_if_free, while_writing_raw
from warehouse.private_files import private_folder
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

PIPELINE = "events"
# Ledger entries are made after so many files or bytes: what is on the way by then bounds the working directory, and
# the tokens that the server must still know when a load that was killed is repeated.
RUN_FILES, RUN_BYTES = 1000, 1024**3
# Pieces that are cut and wait; one is written to disk with some 10 MB.
PIECES_AHEAD = 8


class Progress:
    """What a load tells while it works; the command line draws it."""

    def begin(self, total_bytes: int) -> None: ...

    def read(self, bytes_read: int) -> None: ...

    def cut(self, lines: int) -> None: ...

    def inserted(self, lines: int) -> None: ...


def load(
    settings: Settings, inputs: list[Input], dialect: str = AUTO, project: str = "", progress: Progress | None = None
) -> LoadResult:
    """Load the files that were not loaded before."""
    begun = time.monotonic()
    progress = progress or Progress()
    result = LoadResult()
    with clients(settings, "loader") as connected:
        client = connected[0]
        for shard, of_shard in zip(shards(settings), connected, strict=True):
            finish_retries(shard, of_shard)
        reader = Reader(settings, client, dialect, project, result)
        todo = reader.unknown(inputs)
        progress.begin(sum(file.source.bytes for file in todo))
        for files in _runs(todo):
            since = datetime.now(UTC)
            with while_writing_raw(settings.data_dir), dlt_failures_as_sentences():
                load_id = _run(settings, connected, reader, files, progress)
                arrived = [file for file in files if file.file_id]
                _account(settings, client, arrived, load_id)
            result.files += arrived
            fill_lookups(client, settings.geo_database, since, events=everywhere(settings, "events"))
    result.seconds = time.monotonic() - begun
    return result


def prepare(settings: Settings) -> list[str]:
    """Bring the way into raw in step with the registry of event types; returns what was changed."""
    registry = load_registry()
    changed: list[str] = []
    with clients(settings, "admin") as connected, while_writing_raw(settings.data_dir), way_for_one(settings):
        for client in connected:
            described = sync_event_types(client, registry)
            changed += [*sync_landing(client, registry), *(["event types"] if described else [])]
    return [*changed, *make_everywhere(settings)]


def _runs(files: list[LoadedFile]) -> Iterator[list[LoadedFile]]:
    run: list[LoadedFile] = []
    for file in files:
        run.append(file)
        if len(run) >= RUN_FILES or sum(f.source.bytes for f in run) >= RUN_BYTES:
            yield run
            run = []
    if run:
        yield run


def _run(
    settings: Settings, connected: list[Client], reader: Reader, files: list[LoadedFile], progress: Progress
) -> str:
    """All pieces of these files by dlt, each load what is cut while the one before is under way; returns dlt's id of
    the last."""
    targets = [endpoint(shard, "loader") for shard in shards(settings)]
    pipeline, load_id = None, ""
    with (
        _working_directory(settings) as folder,
        Insertions(
            list(zip(connected, targets, strict=True)), lambda header: progress.inserted(header.lines)
        ) as insertions,
        Ahead(
            _begun(_parcels(reader, files, folder, progress, len(targets)), folder, insertions), PIECES_AHEAD
        ) as begun,
    ):
        for group in begun.groups(at_least=WORKERS):
            # Not before the server has something to do: to import dlt and to set it up takes a second.
            pipeline = pipeline or _pipeline(targets[0], folder, insertions)
            load_id = _booked(pipeline, group)
            for path, _ in group:
                path.unlink()
    return load_id


def _booked(pipeline: Any, begun: list[tuple[Path, int]]) -> str:
    """A load of dlt for these files: its books are right when all of them are in. Returns its id."""
    import dlt

    jobs = (dlt.mark.with_file_import(str(path), "jsonl", lines) for path, lines in begun)
    info = pipeline.run(dlt.resource(jobs, name=LANDING, columns={"line": {"data_type": "text"}}))
    info.raise_on_failed_jobs()
    return str(info.loads_ids[0])


def _parcels(
    reader: Reader, files: list[LoadedFile], folder: Path, progress: Progress, shards: int
) -> Iterator[Piece | Batch]:
    """Pieces of large files as they are, those of small ones together with others of the same shard."""
    batches = [Batch() for _ in range(shards)]
    for file in files:
        for piece in reader.pieces(file, folder / "spool"):
            progress.cut(piece.header.lines)
            if not travels_in_a_batch(file.source.bytes, piece):
                yield piece
                continue
            number = shard_of(piece.name, range(shards))
            batches[number].add(piece)
            if batches[number].is_full:
                yield batches[number]
                batches[number] = Batch()
        progress.read(file.source.bytes)
    yield from (batch for batch in batches if batch.lines)


def _begun(parcels: Iterator[Piece | Batch], folder: Path, insertions: Insertions) -> Iterator[tuple[Path, int]]:
    """Files of parcels that are being inserted, with how many lines are in each."""
    for parcel in parcels:
        path = folder / f"{parcel.name}.piece"
        parcel.write(path)
        insertions.begin(path)
        yield path, parcel.lines


def _pipeline(target: Endpoint, folder: Path, insertions: Insertions) -> Any:
    dlt = quiet_dlt()
    dlt.config["load.workers"] = WORKERS
    return dlt.pipeline(
        PIPELINE,
        destination=landing_destination(target, insertions),
        dataset_name="",
        pipelines_dir=str(folder / "dlt"),
    )


@contextmanager
def _working_directory(settings: Settings) -> Iterator[Path]:
    """A folder for this load alone, the first one that nobody holds. What dlt wrote for a load that broke off may be
    half written, and is not needed: pieces are cut again, and tokens tell which are in."""
    number = 0
    while True:
        folder = private_folder(settings.data_dir / "loads" / str(number))
        with held_if_free(folder / "lock") as is_ours:
            if is_ours:
                for leftover in folder.glob("*.piece"):
                    leftover.unlink()
                shutil.rmtree(folder / "spool", ignore_errors=True)
                under_way = folder / "under_way"
                if under_way.exists():
                    shutil.rmtree(folder / "dlt", ignore_errors=True)
                under_way.touch()
                yield folder
                under_way.unlink()
                return
        number += 1


def _account(settings: Settings, client: Client, files: list[LoadedFile], load_id: str) -> None:
    """Compare what was cut with what the server counted, and record the files as loaded."""
    counted = client.query(
        f"SELECT file_id, reason, sum(lines) FROM {everywhere(settings, 'load_counts')} "
        "WHERE file_id IN {ids:Array(String)} GROUP BY ALL",
        parameters={"ids": [file.file_id for file in files]},
    ).result_rows
    for file in files:
        verdicts = {str(reason): int(lines) for identity, reason, lines in counted if identity == file.file_id}
        file.accepted = verdicts.pop("", 0)
        file.rejected = verdicts
        arrived = file.accepted + sum(verdicts.values())
        if arrived != file.received:
            raise MillraceError(
                f"{file.source.name}: {file.received:,} lines were sent and {arrived:,} counted on arrival.",
                hint="It is not recorded as loaded; load it again, nothing is doubled.",
            )
    insert_rows(
        client,
        "raw.loaded_files",
        [
            [
                *(f.file_id, f.source.name, f.source.version, f.dialect, f.source.bytes),
                *(f.received, f.accepted, f.received - f.accepted, load_id),
            ]
            for f in files
        ],
        [
            *("file_id", "path", "version", "dialect", "bytes"),
            *("received", "accepted", "rejected", "load_id"),
        ],
    )
