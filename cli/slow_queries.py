"""`millrace slow-queries`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.output import Format, FormatOption, human_bytes, print_json, print_text, say
from warehouse.settings import load_settings

SHOWN_CHARACTERS = 300


def register(app: typer.Typer) -> None:
    app.command("slow-queries")(slow_queries)


def slow_queries(
    days: Annotated[int, typer.Option(min=1, max=90, help="Of the last so many days.")] = 7,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many, by the time they took.")] = 10,
    format: FormatOption = Format.TABLE,
) -> None:
    """Queries that took a second or more, what they read, and what would help."""
    from warehouse.observability.slow_queries import slow_queries as read

    found = read(load_settings(), days, limit)
    if format is Format.JSON:
        print_json([{**vars(one), "advice": one.advice} for one in found])
        return
    for one in found:
        print_text(
            f"{one.times:,} x, {one.seconds:,.1f} s in all, {one.longest:,.1f} s at most · {', '.join(one.users)}"
            f"{f' · {one.asset}' if one.asset else ''} · {one.read_rows:,} rows, {human_bytes(one.read_bytes)} read, "
            f"{human_bytes(one.peak_memory)} of memory"
        )
        text = " ".join(one.query.split())
        print_text(f"  {text[:SHOWN_CHARACTERS]}{' …' if len(text) > SHOWN_CHARACTERS else ''}")
        for sentence in one.advice:
            print_text(f"  - {sentence}")
    if not found:
        say("No query took a second or more, as far as the looks after builds saw.")
