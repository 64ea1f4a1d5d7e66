"""Macros of the dbt project that need nothing of dbt, rendered as they are."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, StrictUndefined

from warehouse.dbt import PROJECT


def dbt_macros(file: str) -> Any:
    """The macros of a file in dbt_project/macros; each gives its SQL as text."""
    text = (PROJECT / "macros" / file).read_text(encoding="utf-8")
    return Environment(undefined=StrictUndefined, autoescape=False).from_string(text).module
