"""`millrace ask`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import Format, FormatOption, print_json, print_sentence, print_text, say
from warehouse.errors import WrongUsage
from warehouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from semantic_layer.ask.asking import Asked, Asker
    from semantic_layer.ask.understood import Refusal


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Questions")(ask)


def ask(
    question: Annotated[
        str | None, typer.Argument(help="In words. Without one: a prompt that keeps the context.")
    ] = None,
    project: Annotated[str | None, typer.Option(help="Whose data. \\[default: MILLRACE_PROJECT]")] = None,
    session: Annotated[
        str | None, typer.Option(metavar="NAME", help="Go on with the conversation of this name, for half a day.")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="What today means. \\[default: today, or the last day of the data]"),
    ] = None,
    chart: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the chart: .png, .svg, or .json (Vega-Lite).")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Also show the SQL.")] = False,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Ask everything anew.")] = False,
    good: Annotated[bool, typer.Option("--good", help="The last answer was good.")] = False,
    bad: Annotated[bool, typer.Option("--bad", help="The last answer was bad.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="What was not understood, refused, slow, good or bad so far.")
    ] = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """A question in words: a number or table, a sentence, a chart. What is not understood is refused, never guessed."""
    settings = load_settings()
    if sum((question is not None, good, bad, report)) > 1:
        raise WrongUsage("One thing at a time: a question, --good, --bad or --report.")
    if report:
        from cli.ask_report import print_report

        print_report(settings, project, format)
    elif good or bad:
        give_feedback(settings, session or "", "good" if good else "bad")
    elif question is not None:
        check_chart(chart)
        asker = start(settings, project, session, as_of, no_cache)
        _ask_once(settings, asker, question, chart, explain, format)
    elif sys.stdin.isatty() and sys.stdout.isatty():
        from cli.ask_prompt import prompt

        prompt(settings, start(settings, project, session, as_of, no_cache), session or "", explain)
    else:
        raise WrongUsage("There is no question.", hint='Write millrace ask "revenue last month", or use a terminal.')


def start(settings: Settings, project: str | None, session: str | None, as_of: str | None, no_cache: bool) -> Asker:
    from semantic_layer.metrics.compiling import start_resident

    start_resident(settings)  # it imports what it needs while we do
    from semantic_layer.ask.asking import Asker
    from semantic_layer.ask.sessions import valid_name
    from semantic_layer.metrics.catalogue import load_catalogue

    name = valid_name(session) if session is not None else ""
    return Asker(settings, load_catalogue(settings), project, name, _day(as_of), not no_cache)


def _day(text: str | None) -> Any:
    from datetime import date

    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise WrongUsage(f"{text!r} is not a day: write it as 2026-01-31.") from error


def _ask_once(
    settings: Settings, asker: Asker, question: str, chart: Path | None, explain: bool, format: Format
) -> None:
    from semantic_layer.ask.asking import AskingFailed
    from semantic_layer.ask.history import flush, remember
    from semantic_layer.ask.understood import Refusal

    try:
        asked = asker.ask(question)
    except AskingFailed as failed:
        remember(settings, failed.row)
        flush(settings)
        raise failed.error from failed
    try:
        show(asked, chart, explain, format)
        sys.stdout.flush()
    finally:
        remember(settings, asked.row)
        flush(settings)
    if isinstance(asked.result, Refusal):
        raise typer.Exit(1)


def show(asked: Asked, chart: Path | None, explain: bool, format: Format) -> None:
    from semantic_layer.ask.understood import Refusal

    if isinstance(asked.result, Refusal):
        _show_refusal(asked.result, format)
        return
    answer = asked.result
    if chart is not None:
        from semantic_layer.ask.drawing.files import write_chart

        write_chart(answer, chart)
    if format is Format.JSON:
        print_json(answer.as_json())
    else:
        from cli.ask_answers import show_answer

        show_answer(answer, explain)
    if chart is not None:
        say(f"The chart is in {chart}.")


def _show_refusal(refusal: Refusal, format: Format) -> None:
    if format is Format.JSON:
        print_json(
            {
                "refused": True,
                "reason": refusal.reason,
                "unknown_words": list(refusal.unknown_words),
                "suggestions": list(refusal.suggestions),
            }
        )
        return
    print_sentence(refusal.reason)
    for number, suggestion in enumerate(refusal.suggestions):
        print_text(f"{'Ask instead: ' if number == 0 else '             '}{suggestion}")


def give_feedback(settings: Settings, session: str, feedback: str) -> None:
    from semantic_layer.ask.history import flush, judge
    from semantic_layer.ask.sessions import valid_name

    row = judge(settings, valid_name(session) if session else "", feedback)
    kept = flush(settings)
    print_text(f"Noted as {feedback}: {row.question}")
    if not kept:
        say("The warehouse does not take it now; it goes there with the next question.")


def check_chart(path: Path | None) -> None:
    from semantic_layer.ask.drawing.files import FORMATS

    if path is not None and path.suffix.lower() not in FORMATS:
        raise WrongUsage(f"{path} is no chart: it ends with none of {', '.join(FORMATS)}.")
