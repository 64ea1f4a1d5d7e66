"""`millrace funnel | retention | lifecycle | stickiness | paths`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from cli.estimates import ExplainOption, show_estimate
from cli.output import Format, FormatOption, print_json, say
from warehouse.errors import MillraceError
from warehouse.settings import load_settings

if TYPE_CHECKING:
    from semantic_layer.journeys.models import Journey

PANEL = "Journeys"
STEP = "EVENT, * for any, or EVENT\\[path=value]; more in docs/journeys.md."

ProjectOption = Annotated[str | None, typer.Option(help="Whose events. \\[default: MILLRACE_PROJECT]")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day, e.g. 2026-01-01.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day, included.")]
ByOption = Annotated[
    str | None, typer.Option("--by", metavar="DIM", help="Break down, e.g. by country or properties.plan.")
]


class _BinsAreOptional(TyperCommand):
    """`--histogram` with or without a number: Typer has no option whose value may be left out."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given = list(args)
        for place, arg in enumerate(given):
            following = given[place + 1] if place + 1 < len(given) else ""
            if arg == "--histogram" and not following.isdecimal():
                given[place] = "--histogram=0"
        return super().parse_args(ctx, given)


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=PANEL, cls=_BinsAreOptional)(funnel)
    for command in (retention, lifecycle, stickiness, paths):
        app.command(rich_help_panel=PANEL)(command)


def funnel(
    step: Annotated[list[str] | None, typer.Option(help=f"In order, at least two: {STEP}")] = None,
    project: ProjectOption = None,
    within: Annotated[
        str | None, typer.Option(metavar="WINDOW", help="From the first step: 30m, 12h, 14d, 2w. \\[default: 14d]")
    ] = None,
    order: Annotated[str, typer.Option(help="ordered, strict (nothing in between), unordered.")] = "ordered",
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="EVENT", help="Must not happen: between first and last step, or EVENT:1-2."),
    ] = None,
    first_day: FromOption = None,
    last_day: ToOption = None,
    by: ByOption = None,
    attribution: Annotated[str, typer.Option(help="Whose value counts: first, last or step:N.")] = "first",
    histogram: Annotated[
        int | None, typer.Option(metavar="[BINS]", min=0, max=1000, help="How long all steps took.")
    ] = None,
    trend: Annotated[str | None, typer.Option(help="day, week or month of the first step.")] = None,
    explain: ExplainOption = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """How many people take each of some steps."""
    from semantic_layer.journeys.grammar import parse_exclusion, parse_step
    from semantic_layer.journeys.models import Funnel, window_seconds

    values = {
        "from": first_day,
        "to": last_day,
        "steps": [parse_step(text) for text in step or ()],
        "within_seconds": window_seconds(within),
        "order": order,
        "exclusions": [parse_exclusion(text, len(step or ())) for text in exclude or ()],
        "by": by,
        "attribution": attribution,
        "histogram": histogram is not None,
        "bins": histogram or None,
        "trend": trend,
    }
    _answer(Funnel, values, project, format, explain)


def retention(
    start: Annotated[str, typer.Option(help=f"What makes a member of a cohort: {STEP}")] = "*",
    returning: Annotated[str, typer.Option("--return", metavar="TEXT", help="What counts as coming back.")] = "*",
    project: ProjectOption = None,
    period: Annotated[str, typer.Option(help="day, week (from Monday) or month.")] = "week",
    periods: Annotated[int, typer.Option(min=1, max=1000, help="How many periods to look ahead.")] = 12,
    kind: Annotated[
        str,
        typer.Option(
            help="recurring (member of each period with a start event), first_time (of the first in the range), "
            "first_ever (of the first in all history)."
        ),
    ] = "recurring",
    mode: Annotated[str, typer.Option(help="on (back in that period), on_or_after (in that or a later one).")] = "on",
    min_occurrences: Annotated[int, typer.Option(min=1, help="So many returning events in a period.")] = 1,
    first_day: FromOption = None,
    last_day: ToOption = None,
    cohorts_until: Annotated[
        str | None, typer.Option(metavar="DAY", help="Only cohorts of these days; --to is how long they are watched.")
    ] = None,
    by: ByOption = None,
    explain: ExplainOption = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """How many people come back, by the period in which they began."""
    from semantic_layer.journeys.grammar import parse_step
    from semantic_layer.journeys.models import Retention

    values = {
        "from": first_day,
        "to": last_day,
        "start": parse_step(start),
        "returning": parse_step(returning),
        "period": period,
        "periods": periods,
        "kind": kind,
        "mode": mode,
        "min_occurrences": min_occurrences,
        "cohorts_until": cohorts_until,
        "by": by,
    }
    _answer(Retention, values, project, format, explain)


def lifecycle(
    event: Annotated[str, typer.Option(help=f"What counts as active: {STEP}")] = "*",
    project: ProjectOption = None,
    period: Annotated[str, typer.Option(help="day, week (from Monday) or month.")] = "week",
    first_day: FromOption = None,
    last_day: ToOption = None,
    explain: ExplainOption = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Who is new, returning, resurrecting or gone dormant, by period."""
    from semantic_layer.journeys.grammar import parse_step
    from semantic_layer.journeys.models import Lifecycle

    values = {"from": first_day, "to": last_day, "event": parse_step(event), "period": period}
    _answer(Lifecycle, values, project, format, explain)


def stickiness(
    event: Annotated[str, typer.Option(help=f"What counts as active: {STEP}")] = "*",
    project: ProjectOption = None,
    first_day: FromOption = None,
    last_day: ToOption = None,
    explain: ExplainOption = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """On how many days people were active."""
    from semantic_layer.journeys.grammar import parse_step
    from semantic_layer.journeys.models import Stickiness

    values = {"from": first_day, "to": last_day, "event": parse_step(event)}
    _answer(Stickiness, values, project, format, explain)


def paths(
    event: Annotated[str, typer.Option("--from-event", metavar="EVENT", help=f"Where the paths begin: {STEP}")],
    project: ProjectOption = None,
    direction: Annotated[str, typer.Option(help="next or previous.")] = "next",
    depth: Annotated[int, typer.Option(min=1, max=10, help="How many events further.")] = 3,
    top: Annotated[int, typer.Option(min=1, max=1000, help="The most frequent ones.")] = 20,
    pages: Annotated[bool, typer.Option("--pages", help="Call views by their pages.")] = False,
    first_day: FromOption = None,
    last_day: ToOption = None,
    explain: ExplainOption = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """What people do after an event, or before it, within the session."""
    from semantic_layer.journeys.grammar import parse_step
    from semantic_layer.journeys.models import Paths

    values = {
        "from": first_day,
        "to": last_day,
        "event": parse_step(event),
        "direction": direction,
        "depth": depth,
        "top": top,
        "pages": pages,
    }
    _answer(Paths, values, project, format, explain)


def _answer(model: type[Journey], values: dict[str, Any], project: str | None, format: Format, explain: bool) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from semantic_layer.estimate import Estimated, EstimatingReader
    from semantic_layer.journeys.answers import ask
    from semantic_layer.journeys.known import unknown_words, with_events
    from semantic_layer.journeys.models import make
    from semantic_layer.journeys.rendering import dimension_sql
    from semantic_layer.projects import choose_project
    from semantic_layer.reader import QueryRefused, Reader, tables_missing
    from warehouse.projects import load_projects

    # All that can be wrong without looking at the warehouse first.
    asked = make(model, {"project": project or "", **values})
    if asked.dimension:
        dimension_sql(asked.dimension)
    settings = load_settings()
    projects = load_projects(settings)
    reader = EstimatingReader(settings) if explain else Reader(settings)
    try:
        chosen = choose_project(settings, project, projects, lambda names: with_events(reader, names))
        asked = asked.model_copy(update={"project": chosen})
        with ThreadPoolExecutor(1) as beside:
            unknown = beside.submit(unknown_words, reader, asked)
            answer = ask(reader, asked)
        for sentence in unknown.result():
            say(f"Warning: {sentence}")
    except Estimated as ended:
        show_estimate(ended.estimate, format is Format.JSON)
        return
    except QueryRefused as error:
        if not tables_missing(error):
            raise
        raise MillraceError(
            "There are no events to ask about yet: the marts are not built.",
            hint="Load events with `millrace load`, then run `millrace build`.",
        ) from error
    if format is Format.JSON:
        print_json(answer)
        return
    from cli.journey_tables import show

    show(asked, answer)
