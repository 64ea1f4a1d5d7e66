"""Days that somebody asks for, and days that have events: what tables of days are made of."""

from __future__ import annotations

from contextlib import closing
from datetime import date

from warehouse.connection import connect
from warehouse.errors import WrongUsage
from warehouse.settings import Settings


def days_with_events(settings: Settings, between: tuple[date, date] | None = None) -> list[date]:
    """In their order; none before the first build."""
    with closing(connect(settings, "engineer")) as client:
        if not client.command("EXISTS intermediate.int_changed_days"):
            return []
        known = client.query(
            "SELECT DISTINCT local_date FROM intermediate.int_changed_days WHERE events > 0 ORDER BY local_date"
        ).result_rows
    return [day for (day,) in known if between is None or between[0] <= day <= between[1]]


def days_between(first: str | None, last: str | None) -> tuple[date, date] | None:
    """Both days, by default the same one; none where none is asked for."""
    if not first:
        if last:
            raise WrongUsage(f"A last day, {last}, without a first one.", hint="--from says it.")
        return None
    begins, ends = _day(first), _day(last or first)
    if ends < begins:
        raise WrongUsage(f"The last day, {ends}, is before the first, {begins}.")
    return begins, ends


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"{text!r} is not a day: write it as 2026-01-31.") from None


def must_have_events(settings: Settings, between: tuple[date, date]) -> None:
    if days_with_events(settings, between):
        return
    known = days_with_events(settings)
    raise WrongUsage(
        f"From {between[0]} to {between[1]} there are no events.",
        hint=f"There are from {known[0]} to {known[-1]}." if known else "Nothing was built so far: millrace build",
    )
