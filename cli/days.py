"""Days, in options of commands."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from warehouse.errors import WrongUsage

FromOption = Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day, e.g. 2026-01-01.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day; by default the first.")]


def day_of(text: str | None) -> date | None:
    """What stands behind --day."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise WrongUsage(f"--day {text!r} is no day.", hint="Write it as 2026-06-30.") from error
