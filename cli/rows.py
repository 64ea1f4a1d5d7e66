"""Rows of the marts as a file or on standard output: the formats beside table and JSON, for commands that tell rows."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from warehouse.errors import MillraceError, WrongUsage

if TYPE_CHECKING:
    from semantic_layer.reader import Reader


class RowsFormat(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


SETTINGS: dict[RowsFormat, dict[str, int | str]] = {
    RowsFormat.JSON: {"output_format_json_array_of_rows": 1},
    RowsFormat.CSV: {"format_csv_null_representation": ""},  # a text that is empty stands in quotation marks
}
CLICKHOUSE_FORMATS = {RowsFormat.CSV: "CSVWithNames", RowsFormat.JSON: "JSONEachRow", RowsFormat.PARQUET: "Parquet"}


def check_output(format: RowsFormat, output: Path | None) -> None:
    """What cannot be meant, before anything is asked."""
    if format is RowsFormat.TABLE and output is not None:
        raise WrongUsage("A table is for the terminal.", hint="Add --format csv, json or parquet for a file.")
    if format is RowsFormat.PARQUET and output is None and sys.stdout.isatty():
        raise WrongUsage("Parquet is nothing to read at a terminal.", hint="Add --output result.parquet.")


def write_rows(reader: Reader, sql: str, format: RowsFormat, output: Path | None) -> None:
    """As they come from the server."""
    chunks = reader.stream(sql, CLICKHOUSE_FORMATS[format], SETTINGS.get(format, {}))
    with written(output) as file, contextlib.closing(chunks):
        for chunk in chunks:
            file.write(chunk)


@contextlib.contextmanager
def written(path: Path | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that is there when it is complete."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    except OSError as error:
        raise MillraceError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
