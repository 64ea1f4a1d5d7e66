"""The `millrace` command: assembles the command groups, and turns every failure into one clear line."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cli import access, build, config, demo, events, journeys, load, projects, schema, services, sources, sql
from warehouse.errors import MillraceError, WrongUsage

app = typer.Typer(
    name="millrace",
    help="Product analytics as code: events in; trusted tables, funnels, metrics and answers out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the stack trace when something fails.")] = False,
) -> None:
    """Product analytics as code: events in; trusted tables, funnels, metrics and answers out."""


for module in (demo, services, load, build, journeys, sql, config, schema):
    module.register(app)
app.add_typer(events.app, name="events")
app.add_typer(sources.app, name="sources")
app.add_typer(projects.app, name="projects")
app.add_typer(access.app, name="access")


def main() -> None:
    # Read by hand: a failure may come before the options are parsed.
    debug = "--debug" in sys.argv[1:]
    try:
        app(prog_name="millrace")
    except MillraceError as error:
        if debug:
            raise
        _fail(error.message, error.hint, code=2 if isinstance(error, WrongUsage) else 1)
    except Exception as error:
        if debug:
            raise
        text = " ".join(str(error).split())[:500]
        _fail(f"Unexpected {type(error).__name__}: {text}", "Run it again as `millrace --debug …` for the stack trace.")


def _fail(message: str, hint: str, code: int = 1) -> None:
    sys.stderr.write(f"Error: {message}\n")
    if hint:
        sys.stderr.write(f"  {hint}\n")
    sys.exit(code)
