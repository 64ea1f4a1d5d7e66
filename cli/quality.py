"""`millrace quality`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.output import json_text, print_table, print_text, say
from warehouse.errors import MillraceError, WrongUsage, nearest
from warehouse.observability.scoring import rounded
from warehouse.settings import Settings, load_settings

SHOWN = 10
SHORT = {
    "completeness": "complete",
    "validity": "valid",
    "uniqueness": "unique",
    "timeliness": "timely",
    "consistency": "consistent",
}


class QualityFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    HTML = "html"


def register(app: typer.Typer) -> None:
    app.command()(quality)


def quality(
    project: Annotated[str | None, typer.Option(help="Only this project.")] = None,
    asset: Annotated[str | None, typer.Option(help="Only this table, such as raw.events or fct_orders.")] = None,
    history: Annotated[bool, typer.Option("--history", help="Day by day instead of today.")] = False,
    days: Annotated[int, typer.Option(min=1, max=800, help="How many days of history.")] = 30,
    format: Annotated[QualityFormat, typer.Option("--format", help="How to print the result.")] = QualityFormat.TABLE,
    output: Annotated[Path | None, typer.Option(help="Write JSON or HTML into this file.")] = None,
) -> None:
    """How good the data is: a score of each table and project, and what cost it points."""
    from warehouse.observability.scorecard import read_scorecard

    settings = load_settings()
    if output and format is QualityFormat.TABLE:
        raise WrongUsage("A table is not written into a file.", hint="Add --format html or --format json.")
    _check_project(settings, project)
    card = read_scorecard(settings, project or "", asset or "", days)
    if history:
        card = {name: card[name] for name in ("day", "project", "asset", "history")}
    if format is QualityFormat.TABLE:
        _print_history(card) if history else _print(card)
        return
    text = json_text(card)
    if format is QualityFormat.HTML:
        from cli.quality_page import page

        text = page(read_scorecard(settings, project or "", asset or "", days) if history else card)
    if output is None:
        print_text(text.rstrip("\n"))
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MillraceError(f"{output} cannot be written: {error.strerror}.") from error
    say(f"Written: {output}")


def _check_project(settings: Settings, project: str | None) -> None:
    from warehouse.projects import load_projects

    known = load_projects(settings)
    if project is not None and project not in known:
        raise WrongUsage(
            f"There is no project {project!r}{nearest(project, known) or '.'}",
            hint="`millrace projects list` names them.",
        )


def _print(card: dict[str, Any]) -> None:
    if card["score"] is None:
        print_text("Nothing was measured yet.")
        print_text("Next: millrace load, then millrace build")
        return
    about = card["asset"] or card["project"] or "all tables"
    print_text(f"Quality of {about} on {card['day']} (UTC): {rounded(card['score'], 1)} of 100.")
    heads = card["projects"]
    if card["asset"]:
        heads = [{**one, "project": one["project"] or "all"} for one in card["assets"]]
    if heads:
        rows = [(one["project"], str(rounded(one["score"], 1)), *_numbers(one["dimensions"])) for one in heads]
        print_table(("project", "score", *SHORT.values()), rows)
    costs = [(one, cost) for one in card["assets"] for cost in one["costs"]]
    costs.sort(key=lambda pair: -pair[1]["points"])
    if costs:
        print_text("What cost most points:")
        print_table(
            ("points", "table", "project", "because"),
            [
                (
                    f"-{cost['points']:.1f}",
                    one["asset"],
                    one["project"],
                    f"{cost['dimension']}: {cost['check']}" + (f": {cost['message']}" if cost["message"] else ""),
                )
                for one, cost in costs[: None if card["asset"] else SHOWN]
            ],
        )
        if len(costs) > SHOWN and not card["asset"]:
            print_text(f"… and {len(costs) - SHOWN} more: --asset TABLE or --format html shows them.")
    whole = sum(not one["costs"] for one in card["assets"])
    if whole and not card["asset"]:
        print_text(f"{whole} of {len(card['assets'])} tables (of each project) lost no point.")
    print_text(f"Next: {card['next_step']}")


def _print_history(card: dict[str, Any]) -> None:
    if not card["history"]:
        print_text("No day was measured yet: a score is kept by each build and each `millrace quality`.")
        return
    rows = [(one["day"], str(rounded(one["score"], 1)), *_numbers(one["dimensions"])) for one in card["history"]]
    print_table(("day", "score", *SHORT.values()), rows)


def _numbers(dimensions: dict[str, float]) -> list[str]:
    return [str(rounded(dimensions[name], 1)) if name in dimensions else "–" for name in SHORT]
