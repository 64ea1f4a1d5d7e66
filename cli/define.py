"""`millrace metrics define | undefine`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.output import Format, FormatOption, print_json, print_text, say
from warehouse.settings import load_settings


def register(metrics: typer.Typer) -> None:
    metrics.command()(define)
    metrics.command()(undefine)


def define(
    name: Annotated[str, typer.Argument(help="As conversion_rate.")],
    formula: Annotated[
        str,
        typer.Option(help="As count(order_completed) / count(checkout_started) * 100; more in docs/formulas.md."),
    ],
    dimensions: Annotated[
        list[str] | None,
        typer.Option(metavar="NAMES", help="What else to group by: properties such as currency, plan, page.path."),
    ] = None,
    label: Annotated[str, typer.Option(help="What people read. \\[default: the name in words]")] = "",
    description: Annotated[str, typer.Option(help="What it tells, beside the formula.")] = "",
    shown_as: Annotated[
        str,
        typer.Option(help="number, percent (of 1), currency, seconds, milliseconds, score. \\[default: by formula]"),
    ] = "",
    owner: Annotated[str, typer.Option(help="Whom to ask. \\[default: your login name]")] = "",
    good: Annotated[str, typer.Option(help="up, down or neutral.")] = "neutral",
    synonyms: Annotated[
        list[str] | None, typer.Option(metavar="WORDS", help="What people call it, with commas between.")
    ] = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Make a metric of a formula over events, to be queried at once."""
    from semantic_layer.metrics.formulas.defining import define as define_metric
    from semantic_layer.metrics.formulas.definition import Definition

    defined = define_metric(
        load_settings(),
        Definition(
            name=name,
            formula=formula,
            dimensions=_listed(dimensions),
            label=label,
            description=description,
            format=shown_as,
            owner=owner,
            good=good,
            synonyms=_listed(synonyms),
        ),
    )
    for remark in defined.remarks:
        say(f"Note: {remark}")
    if format is Format.JSON:
        print_json(
            {
                "name": defined.name,
                "formula": defined.formula,
                "dimensions": defined.dimensions,
                "file": str(defined.file),
                "remarks": defined.remarks,
            }
        )
        return
    print_text(f"{defined.name} is {defined.formula}. Written to {_shown(defined.file)}.")
    by = "".join(f" --by {dimension}" for dimension in defined.dimensions[:2])
    print_text(f"Next: millrace metrics query --metric {defined.name}{by}")


def undefine(
    name: Annotated[str, typer.Argument(help="Of a metric that `millrace metrics define` made.")],
    format: FormatOption = Format.TABLE,
) -> None:
    """Take away a metric that was defined here."""
    from semantic_layer.metrics.formulas.defining import undefine as undefine_metric

    file = undefine_metric(load_settings(), name)
    if format is Format.JSON:
        print_json({"name": name, "file": str(file)})
    else:
        print_text(f"{name} is gone, and {_shown(file)} with it.")


def _listed(texts: list[str] | None) -> tuple[str, ...]:
    return tuple(part.strip() for text in texts or () for part in text.split(",") if part.strip())


def _shown(file: Path) -> str:
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)
