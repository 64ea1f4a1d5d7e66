"""`millrace load`."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import Format, FormatOption, console, human_bytes, print_json, print_table, print_text, say
from warehouse.errors import MillraceError
from warehouse.settings import load_settings

if TYPE_CHECKING:
    from ingestion.dry_run import FileVerdict
    from ingestion.loader import Progress
    from ingestion.reader import LoadResult


def register(app: typer.Typer) -> None:
    app.command()(load)


def load(
    paths: Annotated[
        list[str],
        typer.Argument(help="Files, folders or URLs such as s3://bucket/folder/: JSONL, JSONL.gz, Parquet, CSV, TSV."),
    ],
    dialect: Annotated[str, typer.Option(help="What sent the events; auto: seen from the files.")] = "auto",
    project: Annotated[str, typer.Option(help="Project of events that name none.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be rejected. Exit code 1 where anything would.")
    ] = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Load events into raw, each file once; what is rejected is kept with its reason."""
    if dry_run:
        verdicts = judge_files(paths, dialect, project)
        if format is Format.JSON:
            print_json(verdicts_as_json(verdicts))
        else:
            print_verdicts(verdicts)
        _fail([verdict.error for verdict in verdicts if verdict.error], len(verdicts))
        if any(verdict.rejected for verdict in verdicts):
            raise typer.Exit(1)
        return
    result = load_files(paths, dialect, project)
    if format is Format.JSON:
        print_json(as_json(result))
    else:
        print_result(result, dialect)
    fail_if_unusable(result)


def load_files(paths: Sequence[str | Path], dialect: str = "auto", project: str = "") -> LoadResult:
    """Load with progress bars."""
    from ingestion.inputs import find_inputs
    from ingestion.loader import load as load_into_raw
    from ingestion.loader import prepare

    settings = load_settings()
    inputs = find_inputs(paths)
    if changes := prepare(settings):
        say(f"Brought up to date with the registry of event types: {len(changes):,} changes.")
    with _drawn() as progress:
        return load_into_raw(settings, inputs, dialect, project, progress)


def judge_files(paths: Sequence[str], dialect: str, project: str) -> list[FileVerdict]:
    """A dry run with a progress bar."""
    from rich.progress import Progress

    from ingestion.dry_run import dry_run
    from ingestion.inputs import find_inputs

    settings = load_settings()
    inputs = find_inputs(paths)
    with Progress(console=console(stderr=True), transient=True) as bars:
        task = bars.add_task("judging", total=sum(source.bytes for source in inputs))
        return dry_run(settings, inputs, dialect, project, lambda read: bars.advance(task, read))


def as_json(result: LoadResult) -> dict[str, object]:
    return {
        "received": result.received,
        "accepted": result.accepted,
        "rejected": result.rejected,
        "seconds": round(result.seconds, 3),
        "events_per_second": round(result.received / result.seconds) if result.seconds else 0,
        "files": [
            {
                "path": file.source.name,
                "dialect": file.dialect,
                "received": file.received,
                "accepted": file.accepted,
                "rejected": file.rejected,
            }
            for file in result.files
        ],
        "loaded_before": [file.name for file in result.known],
        "not_loaded": [{"path": name, "because": error.message} for name, error in result.failed.items()],
    }


def print_result(result: LoadResult, dialect: str = "auto") -> None:
    from ingestion.contract import Reason
    from ingestion.wire import AUTO

    if result.files:
        rejected = sum(result.rejected.values())
        rate = result.received / result.seconds if result.seconds else 0
        print_text(
            f"{result.received:,} events received from {_count(len(result.files), 'file')} in {result.seconds:.1f} s "
            f"({rate:,.0f}/s): {result.accepted:,} accepted, {rejected:,} rejected."
        )
    if result.rejected:
        print_table(("rejected because", "lines"), list(result.rejected.items()))
        if Reason.UNKNOWN_PROJECT in result.rejected:
            print_text("Lines that name no project are accepted by `millrace events rejected retry --as-project NAME`.")
    for file in result.files:
        if file.rejected and file.looks_like not in ("", AUTO, file.dialect):
            print_text(
                f"{file.source.name} was read as {file.dialect}, and looks like {file.looks_like}. "
                f"What was rejected of it is read anew by {_anew(file.source_name, file.looks_like)}"
            )
    if result.known:
        print_text(f"Left out, since loaded before: {_count(len(result.known), 'file')}.")
    for known in result.known:
        if dialect not in (AUTO, known.dialect):
            print_text(
                f"{known.name} was loaded as {known.dialect}. What was rejected of it is read anew by "
                f"{_anew(known.source, dialect)}"
            )


def _anew(source: str, dialect: str) -> str:
    return f"`millrace events rejected retry --source {shlex.quote(source)} --as-dialect {dialect}`."


def fail_if_unusable(result: LoadResult) -> None:
    _fail(list(result.failed.values()), len(result.failed) + len(result.files) + len(result.known))


def _fail(unusable: Sequence[MillraceError], files: int) -> None:
    """Why files were left out, each in a sentence, as the command's failure; the others are loaded."""
    if not unusable:
        return
    if files == 1:
        raise unusable[0]
    for error in unusable:
        say(f"Error: {error.message}")
    raise MillraceError(
        f"Of {files:,} files {len(unusable):,} {'was' if len(unusable) == 1 else 'were'} left out.",
        hint=unusable[0].hint,
    )


def verdicts_as_json(verdicts: list[FileVerdict]) -> dict[str, object]:
    rejected: Counter[str] = Counter()
    for verdict in verdicts:
        rejected.update({reason: rejection.lines for reason, rejection in verdict.rejected.items()})
    return {
        "received": sum(verdict.received for verdict in verdicts),
        "accepted": sum(verdict.accepted for verdict in verdicts),
        "rejected": dict(rejected.most_common()),
        "files": [
            {
                "path": verdict.name,
                "dialect": verdict.dialect,
                "loaded_before": verdict.loaded_before,
                "received": verdict.received,
                "accepted": verdict.accepted,
                "rejected": [
                    {"reason": reason, "lines": rejection.lines, "line": rejection.line, "detail": rejection.detail}
                    for reason, rejection in verdict.rejected.items()
                ],
            }
            for verdict in verdicts
            if not verdict.error
        ],
        "not_loaded": [{"path": v.name, "because": v.error.message} for v in verdicts if v.error],
    }


def print_verdicts(verdicts: list[FileVerdict]) -> None:
    rows = [
        (Path(verdict.name).name, reason, rejection.lines, rejection.line, rejection.detail)
        for verdict in verdicts
        for reason, rejection in sorted(verdict.rejected.items(), key=lambda item: -item[1].lines)
    ]
    if rows:
        print_table(("file", "would be rejected because", "lines", "first in line", "there"), rows)
    verdicts = [verdict for verdict in verdicts if not verdict.error]
    if not verdicts:
        return
    received, accepted = sum(v.received for v in verdicts), sum(v.accepted for v in verdicts)
    print_text(
        f"{received:,} events in {_count(len(verdicts), 'file')}: {accepted:,} would be accepted, "
        f"{received - accepted:,} rejected. Nothing was written."
    )
    if known := sum(verdict.loaded_before for verdict in verdicts):
        print_text(f"Already loaded, a load would leave it out: {_count(known, 'file')}.")


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
