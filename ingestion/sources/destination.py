"""How rows of sources are inserted: by a statement of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.dlt_clickhouse import raw_destination
from warehouse.connection import Endpoint, insert_body

# (table, columns) -> statement and its parameters; None: not a table of ours, but of dlt's own
Statement = Callable[[str, list[str]], tuple[str, dict[str, str]] | None]


def source_destination(target: Endpoint, statement: Statement, on_inserted: Callable[[str, int], None]) -> Any:
    def insert(table: str, path: Path, file_format: str) -> bool:
        if file_format != "Parquet":
            return False
        footer = pq.read_metadata(path)
        made = statement(table, footer.schema.to_arrow_schema().names)
        if made is None:
            return False
        body = pa.Codec("zstd", 1).compress(path.read_bytes(), asbytes=True)
        sql, parameters = made
        insert_body(target, sql, body, encoding="zstd", parameters=parameters, settings={})
        on_inserted(table, footer.num_rows)
        return True

    return raw_destination(target, insert)
