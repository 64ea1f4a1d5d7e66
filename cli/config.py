"""`millrace config`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.output import Format, FormatOption, print_json, print_table, print_text, say
from warehouse.errors import MillraceError


def register(app: typer.Typer) -> None:
    app.command()(config)


def config(
    format: FormatOption = Format.TABLE,
    example: Annotated[bool, typer.Option("--example", help="Print the text of .env.example instead.")] = False,
) -> None:
    """Every setting with its value and where that came from; secrets are masked."""
    from warehouse.settings import load_settings
    from warehouse.settings_shown import effective_values, env_example, raw_values, unknown_variables

    if example:
        print_text(env_example().rstrip("\n"))
        return
    try:
        settings = load_settings()
    except MillraceError:
        for layer in raw_values():  # the very command that the message names must help to find the wrong one
            for variable, value in layer.values.items():
                say(f"{variable}={value}  (from {layer.source})")
        raise
    values = effective_values(settings)
    if format is Format.JSON:
        print_json(
            [{"name": v.variable, "value": v.value, "source": v.source, "description": v.description} for v in values]
        )
    else:
        print_table(("setting", "value", "from"), [(v.variable, v.value, v.source) for v in values])
    for warning in unknown_variables():
        say(f"Warning: {warning}")
