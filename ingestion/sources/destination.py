"""dlt's ClickHouse destination, with two differences: rows of sources are inserted by our own statement, and two
first loads of a warehouse may run at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from dlt.destinations.exceptions import DatabaseException
from dlt.destinations.impl.clickhouse import clickhouse as implementation
from dlt.destinations.impl.clickhouse.factory import clickhouse
from dlt.destinations.impl.clickhouse.sql_client import ClickHouseSqlClient

from warehouse.connection import Endpoint, insert_body

# (table, columns) -> statement and its parameters; None: not a table of ours, but of dlt's own
Statement = Callable[[str, list[str]], tuple[str, dict[str, str]] | None]


def source_destination(target: Endpoint, statement: Statement, on_inserted: Callable[[str, int], None]) -> Any:
    class SqlClient(ClickHouseSqlClient):
        def create_dataset(self) -> None:
            try:
                super().create_dataset()
            except DatabaseException:
                if not self.has_dataset():  # else another first load was faster
                    raise

        def insert_file(self, file_path: str, table_name: str, file_format: str, compression: str) -> Any:
            if file_format != "Parquet":
                return super().insert_file(file_path, table_name, file_format, compression)
            footer = pq.read_metadata(file_path)
            made = statement(table_name, footer.schema.to_arrow_schema().names)
            if made is None:
                return super().insert_file(file_path, table_name, file_format, compression)
            body = pa.Codec("zstd", 1).compress(Path(file_path).read_bytes(), asbytes=True)
            sql, parameters = made
            insert_body(target, sql, body, encoding="zstd", parameters=parameters, settings={})
            on_inserted(table_name, footer.num_rows)
            return None

    class JobClient(implementation.ClickHouseClient):
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
        def client_class(self) -> type[JobClient]:
            return JobClient

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
