"""The `millrace` command: assembles the command groups, and turns every failure into one clear line."""

from __future__ import annotations

import errno
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from cli.first_lines import FIRST_LINES, PANELS
from warehouse.errors import MillraceError, WrongUsage

# In the order of the help: a command, and the module of this package that has it. Only the module that is asked for is
# imported: all of them take longer than most answers.
COMMANDS = {
    "demo": "demo",
    "up": "services",
    "down": "services",
    "status": "services",
    "load": "load",
    "build": "build",
    "reconcile": "reconcile",
    "dbt": "build",
    "ask": "ask",
    "expectations": "expectations",
    "dagster": "dagster",
    "bi": "bi",
    "funnel": "journeys",
    "retention": "journeys",
    "lifecycle": "journeys",
    "stickiness": "journeys",
    "paths": "journeys",
    "quality": "quality",
    "incidents": "incidents",
    "alerts": "alerts",
    "digest": "digest",
    "report": "report",
    "impact": "impact",
    "slow-queries": "slow_queries",
    "plan": "plan",
    "lifetime": "lifetime",
    "segments": "segments",
    "metrics-exporter": "exporter",
    "metrics": "metrics",
    "sql": "sql",
    "models": "models",
    "train": "models",
    "evaluate": "models",
    "promote": "models",
    "rollback": "models",
    "predict": "models",
    "explain": "models",
    "serve": "serve",
    "detect": "detect",
    "monitor": "monitor",
    "forecast": "forecast",
    "config": "config",
    "migrate": "schema",
    "backup": "backup",
    "events": "events",
    "sources": "sources",
    "projects": "projects",
    "access": "access",
}


class _Commands(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        # Their names are what a word that is none of them is compared with.
        self.commands: Any = dict.fromkeys(COMMANDS)

        self.only_told = False

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if self.only_told:
            panel = next((name for name, commands in PANELS.items() if cmd_name in commands), None)
            return TyperCommand(cmd_name, help=FIRST_LINES[cmd_name], rich_help_panel=panel)
        return commands_of(COMMANDS[cmd_name])[cmd_name] if cmd_name in COMMANDS else None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self.only_told = True
        super().format_help(ctx, formatter)


@cache
def commands_of(module: str) -> Mapping[str, Any]:
    part = typer.Typer()
    part.callback()(lambda: None)  # without it one command by itself would be no group of commands
    import_module(f"cli.{module}").register(part)
    group: Any = typer.main.get_command(part)
    commands: Mapping[str, Any] = group.commands
    return commands


app = typer.Typer(
    name="millrace",
    cls=_Commands,
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
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            _fail(
                f"The disk is full{f': {error.filename}' if error.filename else ''}.",
                "Make room, then repeat the command.",
            )
        text = " ".join(str(error).split())[:500]
        if type(error).__module__.startswith("clickhouse_connect"):
            _fail(
                f"ClickHouse could not answer: {text}",
                "Does it run? `millrace status`; more with `millrace --debug …`.",
            )
        _fail(f"Unexpected {type(error).__name__}: {text}", "Run it again as `millrace --debug …` for the stack trace.")


def _fail(message: str, hint: str, code: int = 1) -> None:
    sys.stderr.write(f"Error: {message}\n")
    if hint:
        sys.stderr.write(f"  {hint}\n")
    sys.exit(code)
