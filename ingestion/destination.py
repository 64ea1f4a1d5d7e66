"""How files for raw.landing are inserted: they are pieces, or batches of them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ingestion.batches import first_token, insert_batch, is_batch
from ingestion.columns import PARQUET_LINE, PARQUET_STRUCTURE
from ingestion.dlt_clickhouse import raw_destination
from ingestion.pieces import LINES, PARQUET, PIECE_SETTINGS, ROWS, Header, read_piece
from warehouse.cluster import shard_of
from warehouse.connection import Endpoint, insert_body

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

LANDING = "landing"
COLUMNS = "default_project, accept_unknown, default_received_at, source, file_id, piece"
CONSTANTS = (
    "{default_project:String}, {accept_unknown:Bool}, {received_at:DateTime64(3, 'UTC')}, {source:String}, "
    "{file_id:String}, {piece:UInt32}"
)
# Per format of a piece: columns of raw.landing, what they are selected from, and the structure of the body.
INPUTS = {
    PARQUET: ("line", PARQUET_LINE, PARQUET_STRUCTURE),
    LINES: ("line", "line", "line String"),
    ROWS: (
        "line, original, refused, refused_detail",
        "line, original, refused, refused_detail",
        "line String, original String, refused String, refused_detail String",
    ),
}

# Pieces that are inserted at a time. Each takes a core of the server, and up to a gigabyte of its memory.
WORKERS = 2

OnInserted = Callable[[Header], None]


def insert_piece(target: Endpoint, path: Path) -> Header:
    header, body = read_piece(path)
    columns, selected, structure = INPUTS[header.format]
    insert_body(
        target,
        f"INSERT INTO raw.{LANDING} ({columns}, {COLUMNS}) SELECT {selected}, {CONSTANTS} FROM input('{structure}') "
        f"FORMAT {header.format}",
        body,
        encoding="zstd",
        parameters={**header.parameters, "piece": str(header.piece)},
        settings={**PIECE_SETTINGS, "insert_deduplication_token": header.token},
    )
    return header


class Insertions:
    """Each file for raw.landing once: begun as soon as it is cut, while dlt is set up or keeps its books; the job that
    dlt makes of it waits for what was begun."""

    def __init__(self, shards: Sequence[tuple[Client, Endpoint]], on_inserted: OnInserted) -> None:
        self._shards, self._on_inserted = shards, on_inserted
        self._workers = ThreadPoolExecutor(WORKERS)
        self._begun: dict[str, Future[None]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.shutdown(cancel_futures=True)

    def begin(self, path: Path) -> Future[None]:
        """By content, for dlt names its copy otherwise; anew where it has failed."""
        with path.open("rb") as file:
            known_as = hashlib.sha256(file.readline()).hexdigest()
        with self._lock:
            begun = self._begun.get(known_as)
            if begun is None or (begun.done() and begun.exception()):
                begun = self._begun[known_as] = self._workers.submit(self._insert, path)
            return begun

    def _insert(self, path: Path) -> None:
        client, target = shard_of(first_token(path), self._shards)
        headers = insert_batch(client, target, path) if is_batch(path) else [insert_piece(target, path)]
        for header in headers:
            with self._lock:
                self._on_inserted(header)


def landing_destination(target: Endpoint, insertions: Insertions) -> Any:
    """A dlt destination for this endpoint."""

    def insert(table: str, path: Path, _: str) -> bool:
        if table != LANDING:
            return False
        insertions.begin(path).result()
        return True

    return raw_destination(target, insert)
