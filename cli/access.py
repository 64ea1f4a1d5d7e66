"""`millrace access list | sql | apply`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from cli.output import Format, FormatOption, print_json, print_table, print_text, say
from warehouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from warehouse.access.model import Access

app = typer.Typer(help="Who may do what in ClickHouse, declared in access.yaml.", no_args_is_help=True)


def register(whole: typer.Typer) -> None:
    whole.add_typer(app, name="access")


@app.command("list")
def list_access(format: FormatOption = Format.TABLE) -> None:
    """Users with their role, projects and whether a password is known; never the password."""
    settings = load_settings()
    access = _declared(settings)
    if format is Format.JSON:
        print_json(
            [
                {
                    "user": name,
                    "role": user.role,
                    "projects": user.projects,
                    "read_only": access.roles[user.role].read_only,
                    "password": name in settings.passwords,
                }
                for name, user in access.users.items()
            ]
        )
        return
    rows = [
        (
            name,
            user.role,
            user.projects if user.projects == "all" else ", ".join(user.projects),
            access.roles[user.role].read_only,
            name in settings.passwords,
        )
        for name, user in access.users.items()
    ]
    print_table(("user", "role", "projects", "read only", "password known"), rows)


@app.command()
def sql() -> None:
    """The SQL that `apply` runs on your own ClickHouse, with passwords masked."""
    from warehouse.access.sql import access_statements

    settings = load_settings()
    access = _declared(settings)
    for statement in access_statements(access, settings.passwords):
        print_text(f"{statement.shown};")
    _say_left_out(settings, access.users)


@app.command()
def apply() -> None:
    """Put access.yaml into force: the local server is restarted with it, your own gets the SQL."""
    settings = load_settings()
    if settings.is_local:
        from warehouse.server import control

        print_text(
            "access.yaml is in force." if control.apply_access(settings) else "access.yaml was in force already."
        )
        return
    from warehouse.access.apply import apply_access
    from warehouse.connection import CONFIGURED_USER, connect

    access = _declared(settings)
    client = connect(settings, CONFIGURED_USER)
    try:
        applied, strangers = apply_access(client, access, settings.passwords)
    finally:
        client.close()
    print_text(f"access.yaml is in force ({applied} statements).")
    for user, role in strangers:
        say(
            f"Warning: user {user} still has {role}, but access.yaml does not declare it. "
            f"To take it: REVOKE {role} FROM {user}"
        )
    _say_left_out(settings, access.users)


def _declared(settings: Settings) -> Access:
    from warehouse.access.model import load_access
    from warehouse.projects import load_projects

    return load_access(settings, load_projects(settings))


def _say_left_out(settings: Settings, users: Iterable[str]) -> None:
    left_out = [user for user in users if user not in settings.passwords]
    if left_out:
        variables = ", ".join(f"MILLRACE_PASSWORD_{user.upper()}" for user in left_out)
        say(f"Left out, since no password is known: {', '.join(left_out)} (set {variables}).")
