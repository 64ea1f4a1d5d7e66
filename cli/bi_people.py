"""`millrace bi people | embed`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.output import Format, FormatOption, print_json, print_table, print_text
from warehouse.errors import WrongUsage
from warehouse.settings import load_settings


def register(group: typer.Typer) -> None:
    group.command()(people)
    group.command()(embed)


def people(format: FormatOption = Format.TABLE) -> None:
    """Bring the people of access.yaml into the Superset that runs: roles, passwords, whose rows they see. A sync does
    so too, where something is another; this also undoes what was changed by hand."""
    from bi.people import sync_people
    from bi.service import Service
    from bi.syncing import bundle_of
    from warehouse.access.model import load_access
    from warehouse.projects import load_projects

    settings = load_settings()
    service = Service(settings)
    service.client()  # says when it does not run
    sync_people(settings, service, bundle_of(settings), anew=True)
    known = load_access(settings, load_projects(settings)).people
    rows = [
        {"name": name, "role": one.role, "projects": one.projects, "email": one.email} for name, one in known.items()
    ]
    if format is Format.JSON:
        print_json(rows)
    elif rows:
        print_table(
            ("person", "role", "projects", "e-mail"),
            [
                (
                    *(one["name"], one["role"]),
                    ", ".join(one["projects"]) if one["projects"] != "all" else "all",
                    one["email"],
                )
                for one in rows
            ],
        )
        print_text(f"Passwords that no setting has are in {service.home.passwords_file}")
    else:
        print_text("access.yaml has no people; docs/superset.md says how to declare them.")


def embed(
    dashboard: Annotated[str, typer.Argument(help="As its file in dashboards/ is called.")],
    project: Annotated[str, typer.Option(help="Whose rows a guest sees.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the example page, on loopback.")] = 8090,
) -> None:
    """Show a dashboard in an example page, as a page of yours would, until Ctrl-C."""
    from bi.embedding import embedded, example, guest_token
    from bi.service import Service
    from warehouse.projects import get_project

    settings = load_settings()
    get_project(settings, project)  # which must be one
    origin = f"http://127.0.0.1:{port}"
    if origin not in settings.bi_origins_listed:
        raise WrongUsage(
            f"Pages of {origin} may show no dashboard.",
            hint=f"Set MILLRACE_BI_ORIGINS={origin}, then `millrace bi down` and `millrace bi up`.",
        )
    service = Service(settings)
    client = service.client()
    shown = embedded(client, dashboard, settings.bi_origins_listed)
    running = service.running()
    assert running is not None
    with example(running.url, shown, project, lambda: guest_token(service.client(), shown, project), port) as server:
        print_text(f"{shown.title} for {project}: {origin}/")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return
