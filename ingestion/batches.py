"""Small files: judged many at a time, written one by one.

Most of a small insert into raw.landing is spent on planning the query that judges, not on the lines. So the pieces of
many small files travel together: one query judges them all, and each piece's rows are then inserted behind that query,
into raw.landing_checked, under the piece's own token. A file is exact whichever files it travels with.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from ingestion.landing import CHECKED_COLUMNS
from ingestion.pieces import PARQUET, Header, Piece
from ingestion.registry import load_registry
from ingestion.verdicts import insert_checked, judged, landing_row
from warehouse.connection import Endpoint
from warehouse.errors import MillraceError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# By the file's own size, so that a file goes the same way each time: tokens of one way mean nothing on the other.
SMALL_FILE_BYTES = 256 * 1024
BATCH_BYTES = 8 * 1024**2
BATCH_FILES = 500
WRITERS = 4


def travels_in_a_batch(file_bytes: int, piece: Piece) -> bool:
    return file_bytes <= SMALL_FILE_BYTES and piece.header.format != PARQUET


class Batch:
    """Pieces that wait for each other."""

    def __init__(self) -> None:
        self.headers: list[Header] = []
        self._rows: list[bytes] = []
        self._bytes = 0

    def add(self, piece: Piece) -> None:
        rows = [landing_row(piece.header, *columns, number=piece.header.piece) for columns in piece.landing_columns()]
        self.headers.append(piece.header)
        self._rows += rows
        self._bytes += sum(map(len, rows))

    @property
    def is_full(self) -> bool:
        return len(self.headers) >= BATCH_FILES or self._bytes >= BATCH_BYTES

    @property
    def lines(self) -> int:
        return len(self._rows)

    @property
    def name(self) -> str:
        return f"{self.headers[0].token}.batch"

    def write(self, path: Path) -> None:
        import pyarrow

        body = b"\n".join(self._rows) + b"\n"
        with path.open("wb") as file:
            file.write(orjson.dumps({"bytes": len(body), "batch": [asdict(header) for header in self.headers]}) + b"\n")
            file.write(pyarrow.Codec("zstd", 1).compress(body, asbytes=True))


def is_batch(path: Path) -> bool:
    with path.open("rb") as file:
        return "batch" in orjson.loads(file.readline())


def first_token(path: Path) -> str:
    """Of a piece its own, of a batch that of the first in it: all of a batch belong to the same shard."""
    with path.open("rb") as file:
        told = orjson.loads(file.readline())
    return Header(**told["batch"][0] if "batch" in told else told).token


def insert_batch(client: Client, target: Endpoint, path: Path) -> Iterator[Header]:
    """Judge and insert a batch's pieces; yields each that is in."""
    import pyarrow

    first, _, body = path.read_bytes().partition(b"\n")
    told = orjson.loads(first)
    headers = [Header(**header) for header in told["batch"]]
    rows = pyarrow.Codec("zstd").decompress(body, decompressed_size=told["bytes"], asbytes=True)
    checked: dict[str, list[bytes]] = {header.token: [] for header in headers}
    for file_id, number, _reason, row in judged(client, load_registry(), rows):
        checked[f"{file_id}.{number}"].append(row)

    def insert(header: Header) -> Header:
        own = checked[header.token]
        if len(own) != header.lines:
            raise MillraceError(f"{header.source}: {header.lines:,} lines were sent and {len(own):,} judged.")
        insert_checked(target, CHECKED_COLUMNS, b"\n".join(own) + b"\n", header.token)
        return header

    with ThreadPoolExecutor(WRITERS) as writers:
        yield from writers.map(insert, headers)
