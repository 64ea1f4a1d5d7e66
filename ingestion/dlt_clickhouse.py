"""dlt's ClickHouse destination for raw, with two differences: files of our tables are inserted by statements of ours,
and two first loads of a warehouse may run at once."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from warehouse.connection import BROKE_OFF, REPEAT, Endpoint, first_line
from warehouse.errors import MillraceError

# (table, file, format) -> whether it was one of ours and is in; else dlt inserts it its own way.
Insert = Callable[[str, Path, str], bool]


def quiet_dlt() -> Any:
    """dlt, told what it must know before it is imported first: to be silent, and to keep nothing that it has loaded."""
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
    # What fails is told by an exception as well. A level of Python's logging is reset by dlt.
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")
    logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL)
    import dlt

    dlt.config["normalize.workers"] = 1
    dlt.config["load.raise_on_failed_jobs"] = True
    dlt.config["load.delete_completed_jobs"] = True  # they are rows as received, with all that is personal in them
    return dlt


@contextmanager
def dlt_failures_as_sentences() -> Iterator[None]:
    """Our error inside dlt's, which wraps what its steps raise, or has only the text of it; else dlt's own words."""
    try:
        yield
    except Exception as error:
        inner: BaseException | None = error
        while inner is not None:
            if isinstance(inner, MillraceError):
                raise inner from error
            if isinstance(inner, EOFError | ConnectionError):  # dlt's driver, where the server goes
                raise MillraceError(BROKE_OFF, hint=REPEAT) from error
            inner = inner.__cause__ or inner.__context__
        if type(error).__module__.partition(".")[0] != "dlt":
            raise
        text = str(error)
        if own := re.search(r"MillraceError: (.+)", text):
            message = own[1]
        elif "Unexpected EOF" in text:
            message = BROKE_OFF
        else:
            cause = re.search(r"Cause: (.+?)\. If you are running", text, re.DOTALL)
            cause = cause or re.search(r"with exception:\s+<\S+ \S+>\s*(.+)", text)
            message = f"The load broke off: {first_line(Exception(cause[1] if cause else text))}"
        raise MillraceError(message, hint=REPEAT) from error


def raw_destination(target: Endpoint, insert: Insert) -> Any:
    from dlt.destinations.exceptions import DatabaseException
    from dlt.destinations.impl.clickhouse import clickhouse as implementation
    from dlt.destinations.impl.clickhouse.factory import clickhouse
    from dlt.destinations.impl.clickhouse.sql_client import ClickHouseSqlClient

    class SqlClient(ClickHouseSqlClient):
        def create_dataset(self) -> None:
            try:
                super().create_dataset()
            except DatabaseException:
                if not self.has_dataset():  # else another first load was faster
                    raise

        def insert_file(self, file_path: str, table_name: str, file_format: str, compression: str) -> Any:
            if not insert(table_name, Path(file_path), file_format):
                return super().insert_file(file_path, table_name, file_format, compression)
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
