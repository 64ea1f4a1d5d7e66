"""dlt's ClickHouse destination, with one difference: files for raw.landing are pieces and are inserted as such."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dlt.destinations.impl.clickhouse import clickhouse as implementation
from dlt.destinations.impl.clickhouse.factory import clickhouse
from dlt.destinations.impl.clickhouse.sql_client import ClickHouseSqlClient

from ingestion.columns import line_of_columns
from ingestion.pieces import Header, read_piece
from warehouse.connection import Endpoint, insert_body

LANDING = "landing"
# A piece is one block, so that it is inserted whole or not at all, and recognised when it comes again.
PIECE_SETTINGS = {
    "insert_deduplicate": "1",
    "deduplicate_blocks_in_dependent_materialized_views": "1",
    "min_insert_block_size_rows": "1048449",
    "min_insert_block_size_bytes": "0",
    "max_insert_threads": "1",
    "max_partitions_per_insert_block": "1000",
}
COLUMNS = "default_project, accept_unknown, default_received_at, source, file_id, piece"
CONSTANTS = (
    "{default_project:String}, {accept_unknown:Bool}, {received_at:DateTime64(3, 'UTC')}, {source:String}, "
    "{file_id:String}, {piece:UInt32}"
)
PARQUET_LINE, PARQUET_COLUMNS = line_of_columns()
# Per format of a piece: columns of raw.landing, what they are selected from, and the structure of the body.
INPUTS = {
    "Parquet": ("line", PARQUET_LINE, PARQUET_COLUMNS),
    "LineAsString": ("line", "line", "line String"),
    "JSONEachRow": (
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
        parameters={
            "default_project": header.default_project,
            "accept_unknown": "true" if header.accept_unknown else "false",
            "received_at": header.received_at.removesuffix("Z").replace("T", " "),
            "source": header.source,
            "file_id": header.file_id,
            "piece": str(header.piece),
        },
        settings={**PIECE_SETTINGS, "insert_deduplication_token": header.token},
    )
    return header


def landing_destination(target: Endpoint, on_inserted: OnInserted) -> Any:
    """A dlt destination for this endpoint; `on_inserted` hears of every piece that is in."""
    lock = threading.Lock()

    class SqlClient(ClickHouseSqlClient):
        def insert_file(self, file_path: str, table_name: str, file_format: str, compression: str) -> Any:
            if table_name != LANDING:
                return super().insert_file(file_path, table_name, file_format, compression)
            header = insert_piece(target, Path(file_path))
            with lock:
                on_inserted(header)
            return None

    class Client(implementation.ClickHouseClient):
        def __init__(self, schema: Any, config: Any, capabilities: Any) -> None:
            super().__init__(schema, config, capabilities)
            stock = self.sql_client
            self.sql_client = SqlClient(
                stock.dataset_name,
                stock.staging_dataset_name,
                stock.known_table_names,
                config.credentials,
                capabilities,
                config,
            )

    class Destination(clickhouse):
        @property
        def client_class(self) -> type[Client]:
            return Client

    return Destination(
        credentials={
            "host": target.host,
            "port": target.tcp_port,
            "http_port": target.http_port,
            "username": target.user,
            "password": target.password,
            "database": "raw",
            "secure": int(target.secure),
        },
        destination_name="raw",
    )
