"""`millrace sources rejected list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import Format, FormatOption, print_json, print_table, print_text
from warehouse.errors import WrongUsage, nearest
from warehouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from ingestion.sources.rejected import Filters

app = typer.Typer(help="Rows of other systems that were not accepted, and why.", no_args_is_help=True)

SHOWN_CHARACTERS = 120


@app.callback()
def _group() -> None:
    """Rows of other systems that were not accepted, and why."""


@app.command("list")
def list_rejected(
    source: Annotated[str, typer.Option(help="Only those of this source.")] = "",
    feed: Annotated[str, typer.Option(help="Only those that came by this feed.")] = "",
    project: Annotated[str, typer.Option(help="Only those of this project.")] = "",
    reason: Annotated[str, typer.Option(help="Only those rejected for this reason.")] = "",
    rows: Annotated[bool, typer.Option("--rows", help="The rows themselves, newest first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    format: FormatOption = Format.TABLE,
) -> None:
    """What was rejected, in groups with an example each, largest first."""
    from ingestion.sources.rejected import count_rejected_rows, rejected_rows

    settings = load_settings()
    filters = _filters(settings, source, feed, project, reason)
    found = rejected_rows(settings, filters, limit, rows)
    if format is Format.JSON:
        print_json([{"project" if name == "project_id" else name: value for name, value in r.items()} for r in found])
        return
    if not found:
        print_text("Nothing was rejected.")
        return
    columns = ("source", "feed", "project", "because", "what", "from", "last", "row" if rows else "for example")
    print_table(
        columns if rows else ("rows", *columns),
        [cells if rows else (row["rows"], *cells) for row, cells in ((row, _cells(row)) for row in found)],
    )
    print_text(f"{count_rejected_rows(settings, filters):,} rows in all.")


def _filters(settings: Settings, source: str, feed: str, project: str, reason: str) -> Filters:
    from ingestion.sources.definitions import load_definitions
    from ingestion.sources.rejected import Filters
    from ingestion.sources.rows import Reason

    if source:
        load_definitions(settings).find(source)
    known = [str(known) for known in Reason]
    if reason and reason not in known:
        raise WrongUsage(
            f"There is no reason {reason!r}{nearest(reason, known)}", hint=f"The reasons are {', '.join(known)}."
        )
    return Filters(source, feed, project, reason)


def _cells(row: dict[str, Any]) -> tuple[Any, ...]:
    text = row["row"]
    return (
        *(row[name] for name in ("source", "feed", "project_id", "reason", "detail", "origin")),
        f"{row['last_loaded_at']:%Y-%m-%d %H:%M}",
        text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…",
    )
