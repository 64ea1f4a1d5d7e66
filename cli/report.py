"""`millrace report list | run | history | validate`."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.days import day_of
from cli.output import Format, FormatOption, human_bytes, print_json, print_table, print_text, say
from warehouse.errors import MillraceError, WrongUsage
from warehouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from monitoring.reports.sending import Outcome


class Written(StrEnum):
    """As monitoring/reports/plans.py has them."""

    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"
    PARQUET = "parquet"
    HTML = "html"
    PDF = "pdf"


app = typer.Typer(no_args_is_help=True, help="Saved sets of metrics and journeys as files, or sent (docs/reports.md).")
ProjectOption = Annotated[str | None, typer.Option(help="Of this project alone.")]


def register(whole: typer.Typer) -> None:
    whole.add_typer(app, name="report")


@app.command("list")
def list_reports(format: FormatOption = Format.TABLE) -> None:
    """The reports of reports/*.yaml: what, when, for whom."""
    from monitoring.reports.declared import load_reports

    reports = load_reports(load_settings())
    for mistake in reports.mistakes:
        say(f"{mistake} What it is in is left out until it is mended.")
    told = [
        {
            "name": name,
            "title": plan.title,
            "owner": plan.owner,
            "days": plan.days,
            "sections": len(plan.sections),
            "formats": list(plan.formats_with(plan.formats)),
            "channels": list(reports.channels_of(name)),
            "cron": plan.cron,
            "projects": plan.projects if plan.projects == "all" else list(plan.projects),
            "description": plan.description,
            "file": reports.places["reports", name].file,
        }
        for name, plan in reports.reports.items()
    ]
    if format is Format.JSON:
        print_json(told)
    elif not told:
        print_text("No report is declared. docs/reports.md says how.")
    else:
        print_table(
            ("report", "about", "when (cron)", "sent"),
            [
                (
                    *(one["name"], one["title"], one["cron"]),
                    f"{_listed(one['formats'])} to {_listed(one['channels'])}",
                )
                for one in told
            ],
        )
        print_text(f"Next: millrace report run {told[0]['name']}")


@app.command()
def run(
    name: Annotated[str, typer.Argument(help="As `millrace report list` has it.")],
    project: ProjectOption = None,
    day: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="As on this day. \\[default: the one after the last whole day with data]"),
    ] = None,
    written: Annotated[
        list[Written] | None, typer.Option("--format", help="Again for more. \\[default: those it declares]")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the files. \\[default: this one]")] = None,
    send: Annotated[
        bool, typer.Option("--send", help="Send it to whom it declares, once for a project and its days.")
    ] = False,
) -> None:
    """Make a report: of each project that it is about, in files or sent."""
    from bi.showing import Boards
    from monitoring.reports.declared import load_reports
    from monitoring.reports.sending import write_report

    if send and out:
        raise WrongUsage("What is sent is no file here.", hint="Leave out --out, or --send.")
    settings, on = load_settings(), day_of(day)
    formats: Any = tuple(one.value for one in written or ())
    reports = load_reports(settings)
    if send:
        _send(settings, reports, name, project, on, formats)
        return
    folder = out or Path()
    if not folder.is_dir():
        raise WrongUsage(f"{folder} is no folder.", hint=f"mkdir -p {folder}")
    for outcome in write_report(settings, reports, name, folder, project, on, formats, Boards(settings)):
        _tell(outcome)
        for path in outcome.files:
            print_text(f"  {path}")


def _send(settings: Settings, reports: Any, name: str, project: str | None, day: date | None, formats: Any) -> None:
    from bi.showing import Boards
    from monitoring.reports.sending import send_report

    outcomes, done = send_report(settings, reports, name, print_text, project, day, formats, Boards(settings))
    for outcome in outcomes:
        _tell(outcome)
    print_text(f"{done.sent} delivered, {done.failed} to be tried again, {done.dead} given up.")
    if done.failed or done.dead:
        raise MillraceError("Not every channel took it.", hint="`millrace alerts deliveries` says why.")


def _tell(outcome: Outcome) -> None:
    one = outcome.run
    about = f"Report {one.report} of {one.project_id}, {one.first_day} to {one.last_day}"
    if not outcome.is_new:
        print_text(f"{about} was sent before.")
        return
    to = f" Sent to {', '.join(one.channels)}." if one.channels else ""
    print_text(
        f"{about}: {one.sections} sections, {one.rows:,} rows, {human_bytes(one.bytes)} in {one.seconds:.1f} s.{to}"
    )


@app.command()
def history(
    report: Annotated[str | None, typer.Argument(help="Of this report alone.")] = None,
    project: ProjectOption = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """What was made, how large it was, and what became of it; the newest first."""
    from monitoring.reports.history import read_history

    found = read_history(load_settings(), report or "", project or "")
    if format is Format.JSON:
        print_json(found)
    elif not found:
        print_text("No such report was made yet.")
    else:
        print_table(
            ("at (UTC)", "report", "about", "made", "outcome"),
            [
                (
                    *(one["started_at"][:16], one["report"]),
                    f"{one['project_id']}, {one['first_day']} to {one['last_day']}",
                    f"{one['rows']:,} rows, {human_bytes(one['bytes'])}, {one['seconds']:.1f} s",
                    ": ".join(filter(None, (one["outcome"], one["message"] or _answered(one["delivered"])))),
                )
                for one in found
            ],
        )


@app.command()
def validate(format: FormatOption = Format.TABLE) -> None:
    """Look for mistakes in reports/*.yaml, also in names of metrics, dimensions and events."""
    from bi.showing import Boards
    from monitoring.reports.validating import mistakes_of

    settings = load_settings()
    reports, mistakes = mistakes_of(settings, Boards(settings))
    if format is Format.JSON:
        print_json({"reports": len(reports.reports), "mistakes": [vars(one) for one in mistakes]})
    else:
        for mistake in mistakes:
            print_text(str(mistake))
        if not mistakes:
            print_text(f"{len(reports.reports)} reports without a mistake.")
    if mistakes:
        raise typer.Exit(1)


def _answered(delivered: dict[str, str]) -> str:
    return _listed(f"{channel} {status}" for channel, status in delivered.items())


def _listed(words: Any) -> str:
    return ", ".join(words)
