"""`millrace reconcile`: are tables that are built in parts what a full build would make?"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.days import FromOption, ToOption
from cli.output import Format, FormatOption, print_json, print_table, print_text
from warehouse.settings import load_settings

if TYPE_CHECKING:
    from warehouse.reconciliation import Reconciliation


def register(app: typer.Typer) -> None:
    app.command()(reconcile)


def reconcile(
    days: Annotated[int, typer.Option(min=1, help="So many days: the latest, and others by chance.")] = 7,
    from_: FromOption = None,
    to: ToOption = None,
    format: FormatOption = Format.TABLE,
) -> None:
    """Compare tables that are built in parts with what a full build would make, on a sample of days."""
    from expectations.breaker import build_all
    from warehouse.days import days_between
    from warehouse.reconciliation import reconcile

    found = reconcile(load_settings(), days, days_between(from_, to), build_all=build_all)
    if format is Format.JSON:
        print_json({"days": found.days, "checks": [asdict(check) for check in found.checks]})
    else:
        _print(found)
    if found.drifted:
        raise typer.Exit(1)


def _print(found: Reconciliation) -> None:
    if found.drifted:
        print_table(["table", "rows that differ", "where"], [(c.asset, c.failures, c.message) for c in found.drifted])
        print_text(f"{len(found.drifted)} of {len(found.checks)} tables are not what a full build would make. {HEALED}")
        return
    rows = sum(check.checked or 0 for check in found.checks)
    print_text(
        f"{len(found.checks)} tables are what a full build would make: {rows:,} rows compared, of tables of days "
        f"{len(found.days)} days, {found.days[0]} to {found.days[-1]}."
        if found.days
        else f"{len(found.checks)} tables are what a full build would make; there are no events of such days."
    )


HEALED = "To heal: millrace build --from DAY --to DAY for days, --full-refresh for the rest."
