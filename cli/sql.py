"""`millrace sql`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from cli.output import print_table, say
from warehouse.errors import MillraceError, WrongUsage
from warehouse.settings import load_settings

if TYPE_CHECKING:
    from semantic_layer.reader import Reader

SHOWN_ROWS = 1000


class SqlFormat(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


FORMATS = {SqlFormat.CSV: "CSVWithNames", SqlFormat.JSON: "JSONEachRow", SqlFormat.PARQUET: "Parquet"}


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Journeys")(sql)


def sql(
    query: Annotated[str, typer.Argument(help="ClickHouse SQL; tables without a database are those of marts.")],
    format: Annotated[SqlFormat, typer.Option("--format", help="How to give the result.")] = SqlFormat.TABLE,
    output: Annotated[Path | None, typer.Option(help="A file to write to; parquet needs one.")] = None,
) -> None:
    """A query of your own on the marts, as the analyst: read-only, and within the limits of that role."""
    from semantic_layer.reader import Reader

    if format is SqlFormat.TABLE and output is not None:
        raise WrongUsage("A table is for the terminal.", hint="Add --format csv, json or parquet for a file.")
    if format is SqlFormat.PARQUET and output is None:
        raise WrongUsage("Parquet needs a file.", hint="Add --output result.parquet.")
    reader = Reader(load_settings())
    if format is SqlFormat.TABLE:
        _print(reader, query)
        return
    settings = {"output_format_json_array_of_rows": 1} if format is SqlFormat.JSON else {}
    with _written(output) as file, contextlib.closing(reader.stream(query, FORMATS[format], settings)) as chunks:
        for chunk in chunks:
            file.write(chunk)


def _print(reader: Reader, query: str) -> None:
    # A table of millions of rows is nothing to read: the server stops soon after the first thousand.
    document = reader.document(query, max_result_rows=SHOWN_ROWS + 1, result_overflow_mode="break")
    rows = document["data"]
    # Numbers as they are: some are years, some are keys for the next query.
    shown = [[str(value) if type(value) is int else value for value in row] for row in rows[:SHOWN_ROWS]]
    print_table([column["name"] for column in document["meta"]], shown)
    if len(rows) > SHOWN_ROWS:
        say(f"Only the first {SHOWN_ROWS:,} rows are shown; --format csv gives all.")
    else:
        say(f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'}.")


@contextlib.contextmanager
def _written(path: Path | None) -> Iterator[BinaryIO]:
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
