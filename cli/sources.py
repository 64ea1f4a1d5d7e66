"""`millrace sources list | show | load | drift | rejected`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import rejected_rows
from cli.output import Format, FormatOption, console, print_json, print_table, print_text, say
from warehouse.errors import MillraceError
from warehouse.projects import load_projects
from warehouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from ingestion.sources.feeds import Feed
    from ingestion.sources.loader import LoadedFeed, Progress

app = typer.Typer(
    help="What other systems hand over: customers, invoices, spend, and what you add.", no_args_is_help=True
)


app.add_typer(rejected_rows.app, name="rejected")


def register(whole: typer.Typer) -> None:
    whole.add_typer(app, name="sources")


@app.command("list")
def list_sources(format: FormatOption = Format.TABLE) -> None:
    """The declared sources, and the feeds that fill them."""
    from ingestion.sources.definitions import load_definitions
    from ingestion.sources.feeds import load_feeds

    settings = load_settings()
    definitions = load_definitions(settings)
    feeds = load_feeds(settings, definitions, load_projects(settings)).values()
    of_source = {name: [feed.name for feed in feeds if feed.source == name] for name in definitions}
    if format is Format.JSON:
        print_json(
            [
                {
                    "name": name,
                    "table": definition.table,
                    "owner": definition.owner,
                    "description": definition.description,
                    "key": ["project_id", *definition.key],
                    "cursor": definition.cursor,
                    "lag_seconds": int(definition.lag.total_seconds()),
                    "feeds": of_source[name],
                }
                for name, definition in definitions.items()
            ]
        )
    else:
        print_table(
            ("source", "owner", "feeds", "description"),
            [(name, d.owner, ", ".join(of_source[name]) or "none", d.description) for name, d in definitions.items()],
        )


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A source, as `millrace sources list` has it.")],
    format: FormatOption = Format.TABLE,
) -> None:
    """One source: its columns, its key and how it is read."""
    from ingestion.sources.definitions import load_definitions
    from ingestion.sources.guide import reading

    definition = load_definitions(load_settings()).find(name)
    if format is Format.JSON:
        print_json(
            {
                **definition.model_dump(mode="json", exclude={"lag", "columns"}),
                "table": definition.table,
                "key": ["project_id", *definition.key],
                "lag_seconds": int(definition.lag.total_seconds()),
                "columns": [
                    {
                        "name": column_name,
                        "type": str(column.type),
                        "column_type": definition.clickhouse_type(column_name),
                        "required": column.required,
                        "pii": str(column.pii),
                        "description": column.description,
                    }
                    for column_name, column in definition.columns.items()
                ],
            }
        )
        return
    print_text(f"{definition.table}: {definition.description}")
    print_text(f"Owner {definition.owner}. {reading(definition)}")
    print_table(
        ("column", "is", "required", "personal", "description"),
        [
            (name, column.words, column.required, "" if column.pii == "none" else column.pii, column.description)
            for name, column in definition.columns.items()
        ],
    )


@app.command()
def load(
    feeds: Annotated[list[str] | None, typer.Argument(help="Feeds of sources.yaml; all, where none is named.")] = None,
    file: Annotated[
        list[str] | None, typer.Option(help="SOURCE=PATH: a file or folder without a feed. May be given again.")
    ] = None,
    project: Annotated[
        list[str] | None, typer.Option(help="With --file: project of rows that name none. Two: the rows are of both.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Everything, not only what is new since the last load.")] = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Load rows of other systems into raw; the same rows again change nothing."""
    from ingestion.sources.definitions import load_definitions
    from ingestion.sources.feeds import choose, file_feed, load_feeds

    if file and feeds:
        raise typer.BadParameter("either names feeds or takes --file")
    if project and not file:
        raise typer.BadParameter("--project goes with --file; a feed names its project in sources.yaml")
    settings = load_settings()
    definitions, projects = load_definitions(settings), load_projects(settings)
    if file:
        chosen = [file_feed(argument, project or [], definitions, projects) for argument in file]
    else:
        chosen = choose(load_feeds(settings, definitions, projects), feeds or [], settings)
    if not chosen:
        raise MillraceError(
            "sources.yaml declares no feed, so there is nothing to load.",
            hint="docs/sources.md shows how one is declared; a file: millrace sources load --file SOURCE=PATH",
        )
    results = load_chosen(settings, chosen, full)
    if format is Format.JSON:
        print_json([as_json(result) for result in results])
    else:
        print_result(results)
    if failed := [result for result in results if result.error]:
        raise _failure(failed, len(results))


@app.command()
def drift(format: FormatOption = Format.TABLE) -> None:
    """Columns that come and are not declared, and declared ones that do not come, by each feed's last load."""
    from warehouse.connection import connect, failures_as_sentences

    columns = ("source", "feed", "column", "kind", "since", "loads")
    client = connect(load_settings(), "loader")
    try:
        with failures_as_sentences("to read the drift of sources"):
            rows = client.query(f"SELECT {', '.join(columns)} FROM raw.source_drift ORDER BY ALL").result_rows
    finally:
        client.close()
    if format is Format.JSON:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif rows:
        print_table(columns, [(*row[:4], f"{row[4]:%Y-%m-%d %H:%M} UTC", row[5]) for row in rows])
    else:
        print_text("No drift in any feed's last load.")


def load_chosen(settings: Settings, feeds: list[Feed], full: bool = False) -> list[LoadedFeed]:
    """Load with a progress bar."""
    from ingestion.sources.definitions import load_definitions
    from ingestion.sources.loader import load_feeds_into_raw

    with _drawn() as progress:
        return load_feeds_into_raw(
            settings, feeds, load_definitions(settings), load_projects(settings), progress, from_the_start=full
        )


def as_json(result: LoadedFeed) -> dict[str, Any]:
    return {
        "feed": result.feed,
        "source": result.source,
        "received": result.received,
        "accepted": result.accepted,
        "rejected": result.rejected,
        "new": result.new,
        "updated": result.updated,
        "unchanged": result.unchanged,
        "undeclared": result.undeclared,
        "missing": result.missing,
        "seconds": round(result.seconds, 3),
        "error": result.error.message if result.error else "",
    }


def print_result(results: list[LoadedFeed]) -> None:
    done = [result for result in results if not result.error]
    if done:
        print_table(
            ("feed", "received", "new", "updated", "same", "rejected", "seconds"),
            [
                (
                    r.feed if r.feed == r.source else f"{r.feed} ({r.source})",
                    r.received,
                    r.new,
                    r.updated,
                    r.unchanged,
                    sum(r.rejected.values()),
                    f"{r.seconds:.1f}",
                )
                for r in done
            ],
        )
    for result in done:
        for reason, rows in result.rejected.items():
            print_text(f"{result.feed}: {rows:,} rows rejected: {reason} (`millrace sources rejected list`).")
    if any(result.undeclared or result.missing for result in done):
        print_text("Columns differ from the definitions: `millrace sources drift`.")


def _failure(failed: list[LoadedFeed], feeds: int) -> MillraceError:
    first, *others = failed
    assert first.error is not None
    for result in others:
        assert result.error is not None
        say(f"{result.feed}: {result.error.message}")
    message = first.error.message if feeds == 1 else f"{first.feed}: {first.error.message}"
    return MillraceError(message, hint=first.error.hint)


@contextmanager
def _drawn() -> Iterator[Progress]:
    """One bar on standard error, and only at a terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from ingestion.sources.loader import Progress as Told

    terminal = console(stderr=True)
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeElapsedColumn(),
        console=terminal,
        transient=True,
        disable=not terminal.is_terminal,
    )

    class Drawn(Told):
        def begin(self, feeds: int) -> None:
            self.rows = 0
            self.task = bars.add_task("loading", total=feeds, rows=0)

        def reading(self, feed: str) -> None:
            bars.update(self.task, description=feed)

        def read(self, rows: int) -> None:
            self.rows += rows
            bars.update(self.task, rows=self.rows)

        def done(self) -> None:
            bars.update(self.task, advance=1)

    with bars:
        yield Drawn()
