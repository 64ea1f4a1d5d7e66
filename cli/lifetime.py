"""`millrace lifetime`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cli.output import Format, FormatOption, print_json, print_table, print_text
from warehouse.settings import load_settings

UNKNOWN = "?"


class By(StrEnum):
    ALL = "all"
    CHANNEL = "channel"
    COUNTRY = "country"
    PLAN = "plan"
    MONTH = "month"


def register(app: typer.Typer) -> None:
    app.command()(lifetime)


def lifetime(
    by: Annotated[By, typer.Option(help="By what; month: of the first subscription or order.")] = By.CHANNEL,
    project: Annotated[str | None, typer.Option(help="The project; needed where several have events.")] = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """What customers are worth: what they paid, what is expected of them, what they cost to win."""
    from ml.lifetime.answers import values_of_segments
    from semantic_layer.journeys.known import with_events
    from semantic_layer.projects import choose_project
    from semantic_layer.reader import Reader
    from warehouse.projects import load_projects

    settings = load_settings()
    reader = Reader(settings)
    chosen = choose_project(settings, project, load_projects(settings), lambda names: with_events(reader, names))
    rows = values_of_segments(settings, chosen, "cohort month" if by is By.MONTH else by.value)
    if format is Format.JSON:
        print_json({"project": chosen, "by": by.value, "segments": rows})
        return
    if not rows:
        print_text(f"Nobody has paid for anything in {chosen} yet.")
        return
    print_table(
        (by.value, "number", "paid", "orders", "subscr.", "each", "CAC", "months"),
        [
            (
                *(one["segment"], one["customers"], _amount(one["revenue"])),
                _amount(one["expected_order_revenue_365_days"]) or UNKNOWN,
                *(_amount(one["expected_recurring_revenue_365_days"]), _amount(one["lifetime_value"]) or UNKNOWN),
                *(_amount(one["cac"]), "" if one["payback_months"] is None else f"{one['payback_months']:.1f}"),
            )
            for one in rows
        ],
    )
    print_text("paid: so far; orders, subscr.: expected within a year; each: all of it per customer;")
    print_text("months: until a customer has paid what it cost to win one (CAC).")
    if any(one["lifetime_value"] is None for one in rows):
        print_text(f"{UNKNOWN}: the model lifetime has told nothing of this project. Next: millrace train lifetime")


def _amount(number: float | None) -> str:
    return "" if number is None else f"{number:,.0f}" if abs(number) >= 100 else f"{number:,.2f}"
