"""What `alerts` and `incidents` share: a list whose next step is to show one of it, short ids, moments in UTC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

import typer

from cli.output import Format, print_json, print_table, print_text

T = TypeVar("T")
AllOption = Annotated[bool, typer.Option("--all", help="Also those that ended.")]


def print_list(
    found: Sequence[T],
    format: Format,
    as_json: Callable[[T], Any],
    columns: Sequence[str],
    row: Callable[[T], Sequence[Any]],
    none: str,
    show: str,
) -> None:
    """`none`: what is said where there is nothing; `show`: the command that shows one, whose id is first in its row."""
    if format is Format.JSON:
        print_json([as_json(one) for one in found])
        return
    if not found:
        print_text(none)
        return
    rows = [row(one) for one in found]
    print_table(columns, rows)
    print_text(f"Next: {show} {rows[0][0]}")


def short(id: object) -> str:
    return str(id)[:8]


def at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def plain(value: Any) -> Any:
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(value, datetime) else value
