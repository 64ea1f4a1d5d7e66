"""How files for raw.landing are inserted: they are pieces, or batches of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.batches import insert_batch, is_batch
from ingestion.columns import PARQUET_LINE, PARQUET_STRUCTURE
from ingestion.dlt_clickhouse import raw_destination
from ingestion.pieces import LINES, PARQUET, PIECE_SETTINGS, ROWS, Header, read_piece
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


def landing_destination(client: Client, target: Endpoint, on_inserted: OnInserted) -> Any:
    """A dlt destination for this endpoint; `on_inserted` hears of every piece that is in."""
    lock = threading.Lock()

    def inserted(path: Path) -> Iterator[Header]:
        return insert_batch(client, target, path) if is_batch(path) else iter([insert_piece(target, path)])

    def insert(table: str, path: Path, _: str) -> bool:
        if table != LANDING:
            return False
        for header in inserted(path):
            with lock:
                on_inserted(header)
        return True

    return raw_destination(target, insert)
