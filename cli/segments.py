"""`millrace segments list | show | discover`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.output import Format, FormatOption, print_json, print_table, print_text
from warehouse.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, help="Groups of users who behave alike.")
ProjectOption = Annotated[str | None, typer.Option(help="The project; needed where several have events.")]


def register(whole: typer.Typer) -> None:
    whole.add_typer(app, name="segments")


@app.command("list")
def list_segments(project: ProjectOption = None, format: FormatOption = Format.TABLE) -> None:
    """The segments as of the last scoring, the largest first."""
    from ml.segments.answers import segments_of

    settings = load_settings()
    found = segments_of(settings, _chosen(settings, project))
    if format is Format.JSON:
        print_json(found)
        return
    everybody = sum(one["people"] for one in found)
    print_table(
        ("id", "segment", "users", "share"),
        [(one["segment_id"], one["segment"], one["people"], f"{one['people'] / everybody:.0%}") for one in found],
    )
    print_text(f"As of {found[0]['as_of']}, version {found[0]['model_version']}. Next: millrace segments show ID")


@app.command()
def show(
    segment: Annotated[str, typer.Argument(help="Its id or its name.")],
    project: ProjectOption = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """What is usual in a segment, which kinds of customers are in it, and who came and went."""
    from ml.segments.answers import segment_of

    settings = load_settings()
    one = segment_of(settings, _chosen(settings, project), segment)
    if format is Format.JSON:
        print_json(one)
        return
    print_text(f"Segment {one['segment_id']}, {one['segment']}: {one['people']:,} users as of {one['as_of']}.")
    if one["features"]:
        print_table(
            ("of 30 days", "median", "of the others"),
            [
                (line["feature"], _figure(line["median"]), ", ".join(map(_figure, line["others"])))
                for line in one["features"]
            ],
        )
    print_table(("by their orders", "users"), [(line["kind"], line["people"]) for line in one["customers"]])
    if one["moves"]:
        print_table(
            ("until", "from", "to", "users"),
            [(line["day"], line["from"], line["to"], line["people"]) for line in one["moves"]],
        )


def _chosen(settings: Settings, project: str | None) -> str:
    from semantic_layer.journeys.known import with_events
    from semantic_layer.projects import choose_project
    from semantic_layer.reader import Reader
    from warehouse.projects import load_projects

    reader = Reader(settings)
    return choose_project(settings, project, load_projects(settings), lambda names: with_events(reader, names))


def _figure(number: float | None) -> str:
    return "" if number is None else f"{number:.3g}"


@app.command()
def discover(
    metric: Annotated[str, typer.Argument(help="A rate or a mean, as checkout_conversion_rate.")],
    project: ProjectOption = None,
    top: Annotated[int, typer.Option(min=1, help="How many.")] = 10,
    format: FormatOption = Format.TABLE,
) -> None:
    """Which segments differ most on a metric, week by week, where chance is taken off."""
    from dataclasses import asdict

    from ml.segments.discovery import discover

    settings = load_settings()
    found = discover(settings, _chosen(settings, project), metric)[:top]
    if format is Format.JSON:
        print_json([asdict(one) for one in found])
        return
    if not found:
        print_text(f"No segment has eight weeks of {metric}: nothing can be said.")
        return
    print_table(
        ("segment", "weeks", "differs by", "surely", "by chance"),
        [
            (
                *(f"{one.dimension.rpartition('__')[2]} {one.segment}", one.weeks, f"{one.difference:+.3g}"),
                *(f"{one.shrunk:+.3g}", f"{one.chance:.2f}"),
            )
            for one in found
        ],
    )
