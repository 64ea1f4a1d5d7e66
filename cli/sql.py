"""`millrace sql`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.estimates import ExplainOption, show_estimate
from cli.output import print_table, say
from cli.rows import RowsFormat, check_output, write_rows
from warehouse.errors import WrongUsage
from warehouse.settings import load_settings

if TYPE_CHECKING:
    from semantic_layer.reader import Reader

SHOWN_ROWS = 1000


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Journeys")(sql)


def sql(
    query: Annotated[str, typer.Argument(help="ClickHouse SQL; tables without a database are those of marts.")],
    format: Annotated[RowsFormat, typer.Option("--format", help="How to give the result.")] = RowsFormat.TABLE,
    output: Annotated[Path | None, typer.Option(help="A file to write to; parquet needs one.")] = None,
    explain: ExplainOption = False,
) -> None:
    """A query of your own on the marts, as the analyst: read-only, and within the limits of that role."""
    from semantic_layer.reader import Reader

    check_output(format, output)
    if format is RowsFormat.PARQUET and output is None:
        raise WrongUsage("Parquet needs a file.", hint="Add --output result.parquet.")
    settings = load_settings()
    reader = Reader(settings)
    if explain:
        from semantic_layer.estimate import estimated

        show_estimate(estimated(settings, reader, query), format is RowsFormat.JSON)
        return
    if format is RowsFormat.TABLE:
        _print(reader, query)
    else:
        write_rows(reader, query, format, output)


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
