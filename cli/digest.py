"""`millrace digest`."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

import typer

from cli.days import day_of
from cli.output import print_json, print_text, say
from warehouse.errors import MillraceError, WrongUsage
from warehouse.settings import Settings, load_settings


class Format(StrEnum):
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


def register(whole: typer.Typer) -> None:
    whole.command()(digest)


def digest(
    project: Annotated[str | None, typer.Option(help="Of which. \\[default: MILLRACE_PROJECT; to send, all]")] = None,
    day: Annotated[str | None, typer.Option(metavar="DAY", help="By default the last day that is over.")] = None,
    format: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.MARKDOWN,
    send: Annotated[
        bool, typer.Option("--send", help="Send it to whom alerts/*.yaml names, once for each day.")
    ] = False,
) -> None:
    """What changed on a day, why, and what to look at."""
    settings, on = load_settings(), day_of(day)
    if send:
        _send(settings, project, on, format)
        return
    from monitoring.digest.making import make_digest
    from monitoring.digest.prose import with_prose
    from monitoring.digest.writing import html, markdown
    from semantic_layer.metrics.catalogue import load_catalogue
    from semantic_layer.projects import choose_project

    known = load_catalogue(settings).projects
    chosen = choose_project(
        settings, project, known, lambda names: [n for n in names if n in known and known[n].events]
    )
    made = with_prose(settings, make_digest(settings, chosen, on))
    if format is Format.JSON:
        print_json(made.as_json())
    else:
        print_text((html if format is Format.HTML else markdown)(made).rstrip("\n"))


def _send(settings: Settings, project: str | None, day: date | None, format: Format) -> None:
    from monitoring.alerts.declared import load_declaration
    from monitoring.digest.sending import send_digests

    if format is Format.HTML:
        raise WrongUsage("What is sent is printed as Markdown or JSON.", hint="Leave out --format html, or --send.")
    declared = load_declaration(settings)
    for mistake in declared.mistakes:
        say(str(mistake))
    sent, done = send_digests(settings, declared, print_text if format is Format.MARKDOWN else say, project, day)
    if format is Format.JSON:
        print_json({"digests": [vars(one) for one in sent], "delivered": vars(done)})
    else:
        for one in sent:
            said = "is sent" if one.is_new else "was sent before"
            print_text(f"Digest {one.name} of {one.project} on {one.day} {said}: {str(one.alert_id)[:8]}")
        print_text(f"{done.sent} delivered, {done.failed} to be tried again, {done.dead} given up.")
    if done.failed or done.dead:
        raise MillraceError("Not every channel took it.", hint="`millrace alerts deliveries` says why.")
