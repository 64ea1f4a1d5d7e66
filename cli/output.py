"""How commands speak: results on standard output as table or JSON, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="How to print the result.")]


def print_json(value: Any) -> None:
    sys.stdout.write(json_text(value))


def json_text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=_plain) + "\n"


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=_box(), header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        # Text: in a bare one [a] would be markup and :heart: an emoji.
        table.add_row(*(Text(_cell(value)) for value in row))
    console().print(table)


def print_text(text: str) -> None:
    """A line of a result, as it is: no markup, no wrapping."""
    sys.stdout.write(f"{text}\n")


def print_sentence(text: str, indent: int = 0) -> None:
    """As a line; where a width is known (a terminal, COLUMNS), broken between words, what follows so far inwards."""
    print_text(_broken(text, sys.stdout.isatty(), indent))


def say_sentence(text: str) -> None:
    say(_broken(text, sys.stderr.isatty()))


def _broken(text: str, is_terminal: bool, indent: int = 0) -> str:
    import os

    if not is_terminal and "COLUMNS" not in os.environ:
        return text
    import textwrap

    further = " " * indent
    return textwrap.fill(
        text, console().width, subsequent_indent=further, break_long_words=False, break_on_hyphens=False
    )


def print_fitting(*tables: Table) -> None:
    """The first that fits into the width with no name broken, else the last."""
    from rich.measure import Measurement

    known = console()
    wide = known.options.update(max_width=10_000)
    fitting = (table for table in tables if Measurement.get(known, wide, table).maximum <= known.width)
    known.print(next(fitting, tables[-1]))


def say(text: str) -> None:
    """A remark for the person at the terminal; scripts that read standard output do not see it."""
    sys.stderr.write(f"{text}\n")


def console(stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def human_bytes(number: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:,.0f} {unit}" if unit == "B" else f"{number:,.1f} {unit}"
        number /= 1024
    return f"{number:,.1f} TiB"


def human_age(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} s"


def _box() -> Any:
    from rich import box

    return box.SIMPLE_HEAD


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
