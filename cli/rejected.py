"""`millrace events rejected list | retry`."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import Format, FormatOption, console, print_json, print_table, print_text, say
from warehouse.errors import WrongUsage, nearest
from warehouse.projects import get_project
from warehouse.settings import load_settings

if TYPE_CHECKING:
    from ingestion.rejected import Filters

app = typer.Typer(help="Lines that were not accepted: why, and another try.", no_args_is_help=True)

SHOWN_CHARACTERS = 120
ProjectOption = Annotated[str, typer.Option(help="Only those of this project.")]
ReasonOption = Annotated[str, typer.Option(help="Only those rejected for this reason.")]
SourceOption = Annotated[
    str, typer.Option(help="Only those whose source begins so, e.g. segment or segment:may.jsonl.")
]
SinceOption = Annotated[datetime | None, typer.Option(help="Only those received since then, UTC.")]


@app.command("list")
def list_rejected(
    project: ProjectOption = "",
    reason: ReasonOption = "",
    source: SourceOption = "",
    since: SinceOption = None,
    lines: Annotated[bool, typer.Option("--lines", help="The lines themselves, newest first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    format: FormatOption = Format.TABLE,
) -> None:
    """What was rejected, in groups with an example each, largest first."""
    from ingestion.rejected import count_rejected, rejected

    settings, filters = load_settings(), _filters(project, reason, source, since)
    found = rejected(settings, filters, limit, lines)
    if format is Format.JSON:
        print_json([_json(row) for row in found])
        return
    if not found:
        print_text("Nothing was rejected.")
        return
    if lines:
        print_table(
            ("received", "project", "because", "source", "what", "line"),
            [(_minute(r["received_at"]), r["project_id"], r["reason"], r["source"], *_example(r)) for r in found],
        )
    else:
        print_table(
            ("lines", "project", "because", "event", "source", "first", "last", "for example", "line"),
            [
                (
                    *(r["lines"], r["project_id"], r["reason"], r["event"], r["source"]),
                    *(_minute(r["first_received_at"]), _minute(r["last_received_at"]), *_example(r)),
                )
                for r in found
            ],
        )
    print_text(f"{count_rejected(settings, filters):,} lines in all.")


@app.command()
def retry(
    project: ProjectOption = "",
    reason: ReasonOption = "",
    source: SourceOption = "",
    since: SinceOption = None,
    as_project: Annotated[str, typer.Option(help="Project of lines that name none.")] = "",
    as_dialect: Annotated[
        str, typer.Option(help="What really sent the lines, where a load took them for another's.")
    ] = "",
    limit: Annotated[int, typer.Option(min=0, help="At most so many lines; 0: all.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be accepted now.")] = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Judge rejected lines again, after a fix of the contract, a dialect or projects.yaml; accepted ones are moved."""
    from rich.progress import Progress

    from ingestion.loader import prepare
    from ingestion.rejected import count_rejected
    from ingestion.replay import Retry

    settings, filters = load_settings(), _filters(project, reason, source, since)
    if not dry_run and (changes := prepare(settings)):
        say(f"Brought up to date with the registry of event types: {len(changes):,} changes.")
    default_project = get_project(settings, as_project).id if as_project else ""
    retried = accepted = 0
    rejected: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    total = min(count_rejected(settings, filters), limit or 2**63)
    with Progress(console=console(stderr=True), transient=True) as bars:
        task = bars.add_task("retrying", total=total)
        for page in Retry(settings, dry_run, default_project, as_dialect).run(filters, limit):
            retried += page.lines
            accepted += page.accepted
            rejected += page.rejected
            kept += page.kept
            bars.update(task, completed=retried)
    if format is Format.JSON:
        print_json({"retried": retried, "accepted": accepted, "rejected": dict(rejected), "not_retried": dict(kept)})
        return
    if rejected:
        print_table(("still rejected because", "lines"), rejected.most_common())
    if kept:
        print_table(("cannot be retried because", "lines"), kept.most_common())
    print_text(
        f"{retried:,} rejected lines judged again: {accepted:,} events {'would be' if dry_run else 'are'} accepted "
        f"now, {rejected.total():,} still rejected{f', {kept.total():,} cannot be retried' if kept else ''}."
    )


def _filters(project: str, reason: str, source: str, since: datetime | None) -> Filters:
    from ingestion.contract import Reason
    from ingestion.rejected import Filters

    known = [str(known) for known in Reason]
    if reason and reason not in known:
        raise WrongUsage(
            f"There is no reason {reason!r}{nearest(reason, known)}", hint=f"The reasons are {', '.join(known)}."
        )
    return Filters(project, reason, source, since.replace(tzinfo=UTC) if since else None)


def _example(row: dict[str, Any]) -> tuple[str, str]:
    line = row["line"]
    return row["detail"], line if len(line) <= SHOWN_CHARACTERS else f"{line[:SHOWN_CHARACTERS]}…"


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"


def _json(row: dict[str, Any]) -> dict[str, Any]:
    return {"project" if name == "project_id" else name: value for name, value in row.items()}
