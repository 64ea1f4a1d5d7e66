"""`millrace projects list | add`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.output import Format, FormatOption, print_json, print_table, print_text, say
from warehouse.projects import Privacy, add_project, load_projects
from warehouse.settings import load_settings

app = typer.Typer(help="Your projects (tenants), declared in projects.yaml.", no_args_is_help=True)


def register(whole: typer.Typer) -> None:
    whole.add_typer(app, name="projects")


@app.command("list")
def list_projects(format: FormatOption = Format.TABLE) -> None:
    """The declared projects."""
    projects = load_projects(load_settings()).values()
    if format is Format.JSON:
        print_json(
            [
                {
                    "id": p.id,
                    "name": p.name,
                    "timezone": p.timezone,
                    "currency": p.currency,
                    "holidays": p.holidays,
                    "retention_days": p.retention_days,
                    "privacy": str(p.privacy),
                    "consent": p.consent.model_dump(mode="json"),
                    "write_keys": len(p.write_keys),
                }
                for p in projects
            ]
        )
    else:
        rows = [
            (
                *(p.id, p.name, p.timezone, p.currency, p.holidays, f"{p.retention_days} d", p.privacy),
                *(f"{p.consent.silent}/{p.consent.refused}", len(p.write_keys)),
            )
            for p in projects
        ]
        print_table(("project", "name", "timezone", "currency", "holidays", "kept", "privacy", "consent", "keys"), rows)


@app.command()
def add(
    project_id: Annotated[str, typer.Argument(help="Lower-case letters, digits and _; every table carries it.")],
    name: Annotated[str, typer.Option(help="Its name for people. Default: the id.")] = "",
    timezone: Annotated[str, typer.Option(help="What a day means for it, e.g. Europe/Berlin.")] = "UTC",
    currency: Annotated[str, typer.Option(help="What amounts are converted into, e.g. EUR.")] = "EUR",
    retention: Annotated[str, typer.Option(help="How long its events are kept: 30d to 7y.")] = "2y",
    privacy: Annotated[Privacy, typer.Option(help="How much of a person it may keep.")] = Privacy.STANDARD,
) -> None:
    """Declare a project in projects.yaml and make a write key for its SDKs."""
    settings = load_settings()
    project, write_key = add_project(settings, project_id, name or project_id, timezone, currency, retention, privacy)
    print_text(f"Project {project.id} is declared. Its write key, shown only now: {write_key}")
    say("Put it into the warehouse with `millrace migrate`.")
