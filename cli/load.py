"""`millrace load`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import Format, FormatOption, console, human_bytes, print_json, print_table, print_text, say
from warehouse.settings import load_settings

if TYPE_CHECKING:
    from ingestion.loader import LoadResult, Progress


def register(app: typer.Typer) -> None:
    app.command()(load)


def load(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders: JSONL, JSONL.gz, Parquet, CSV, TSV.")],
    dialect: Annotated[str, typer.Option(help="What sent the events; auto: seen from the files.")] = "auto",
    project: Annotated[str, typer.Option(help="Project of events that name none.")] = "",
    format: FormatOption = Format.TABLE,
) -> None:
    """Load events into raw, each file once; what is rejected is kept with its reason."""
    result = load_files(paths, dialect, project)
    if format is Format.JSON:
        print_json(as_json(result))
    else:
        print_result(result)


def load_files(paths: list[Path], dialect: str = "auto", project: str = "") -> LoadResult:
    """Load with progress bars."""
    from ingestion.loader import find_files, prepare
    from ingestion.loader import load as load_into_raw

    settings = load_settings()
    files = find_files(paths)
    if changes := prepare(settings):
        say(f"Brought up to date with the registry of event types: {len(changes):,} changes.")
    with _drawn() as progress:
        return load_into_raw(settings, files, dialect, project, progress)


def as_json(result: LoadResult) -> dict[str, object]:
    return {
        "received": result.received,
        "accepted": result.accepted,
        "rejected": result.rejected,
        "seconds": round(result.seconds, 3),
        "events_per_second": round(result.received / result.seconds) if result.seconds else 0,
        "files": [
            {
                "path": str(file.path),
                "dialect": file.dialect,
                "received": file.received,
                "accepted": file.accepted,
                "rejected": file.rejected,
            }
            for file in result.files
        ],
        "loaded_before": [str(path) for path in result.known],
    }


def print_result(result: LoadResult) -> None:
    if result.files:
        rejected = sum(result.rejected.values())
        rate = result.received / result.seconds if result.seconds else 0
        print_text(
            f"{result.received:,} events received from {_count(len(result.files), 'file')} in {result.seconds:.1f} s "
            f"({rate:,.0f}/s): {result.accepted:,} accepted, {rejected:,} rejected."
        )
    if result.rejected:
        print_table(("rejected because", "lines"), list(result.rejected.items()))
    if result.known:
        print_text(f"Left out, since loaded before: {_count(len(result.known), 'file')}.")


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


@contextmanager
def _drawn() -> Iterator[Progress]:
    """Two bars on standard error, and only at a terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from ingestion.loader import Progress as Told

    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[done]}"),
        TimeElapsedColumn(),
        console=console(stderr=True),
        transient=True,
    )

    class Drawn(Told):
        def begin(self, total_bytes: int) -> None:
            self.total, self.seen, self.lines, self.landed = total_bytes, 0, 0, 0
            self.reading = bars.add_task("reading", total=total_bytes, done="")
            self.loading = bars.add_task("loading", total=None, done="")

        def read(self, bytes_read: int) -> None:
            self.seen += bytes_read
            bars.update(
                self.reading, completed=self.seen, done=f"{human_bytes(self.seen)} of {human_bytes(self.total)}"
            )

        def cut(self, lines: int) -> None:
            self.lines += lines
            bars.update(self.loading, total=self.lines)

        def inserted(self, lines: int) -> None:
            self.landed += lines
            bars.update(self.loading, completed=self.landed, done=f"{self.landed:,} of {self.lines:,} events")

    with bars:
        yield Drawn()
