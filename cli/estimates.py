"""`--explain`: what a question would read, and whether it may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import human_bytes, print_json, print_table, print_text
from warehouse.errors import MillraceError

if TYPE_CHECKING:
    from semantic_layer.estimate import Estimate

ExplainOption = Annotated[
    bool, typer.Option("--explain", help="Say how much would be read, and whether it may; run nothing.")
]


def show_estimate(estimate: Estimate, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "rows": estimate.rows,
                "allowed_rows": estimate.allowed_rows,
                "allowed": estimate.is_allowed,
                "tables": [vars(table) for table in estimate.tables],
            }
        )
    else:
        print_table(
            ("table", "rows to read", "parts", "at most"),
            [(table.table, table.rows, table.parts, human_bytes(table.bytes)) for table in estimate.tables],
        )
        allowed = "any number" if estimate.allowed_rows is None else f"{estimate.allowed_rows:,}"
        print_text(f"{estimate.rows:,} rows to read; {allowed} may be.")
    if not estimate.is_allowed:
        raise MillraceError(
            f"The query would be refused: it reads {estimate.rows:,} rows, and {estimate.allowed_rows:,} may be read.",
            hint="Ask for fewer days, or raise max_rows_to_read of the role analyst in access.yaml.",
        )
