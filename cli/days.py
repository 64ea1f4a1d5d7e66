"""The options --from and --to of commands that work on days."""

from __future__ import annotations

from typing import Annotated

import typer

FromOption = Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day, e.g. 2026-01-01.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day; by default the first.")]
