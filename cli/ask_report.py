"""`millrace ask --report`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cli.output import Format, print_json, print_table, print_text
from warehouse.settings import Settings


def print_report(settings: Settings, project: str | None, format: Format) -> None:
    from semantic_layer.ask.report import read_report
    from semantic_layer.metrics.catalogue import load_catalogue
    from warehouse.errors import MillraceError

    try:
        catalogue = load_catalogue(settings)
    except MillraceError:
        catalogue = None  # not built yet: then no word is near
    found = read_report(settings, catalogue, project)
    if format is Format.JSON:
        print_json(found)
        return
    if not found["questions"]:
        print_text("Nobody has asked anything yet.")
        return
    print_text(
        f"{found['questions']:,} questions since {found['first_asked_at'][:10]} (UTC): {found['answered']:,} answered, "
        f"{found['empty']:,} without rows, {found['refused']:,} refused, {found['failed']:,} failed. "
        f"By the language model: {found['by_language_model']:,}, {found['tokens']:,} tokens. "
        f"Good: {found['good']:,}, bad: {found['bad']:,}."
    )
    _section(
        "Words that nothing covers, and the nearest that something does. Add them as synonyms:",
        ("word", "questions", "nearest", "example"),
        [(row["word"], row["questions"], ", ".join(row["nearest"]), row["example"]) for row in found["unknown_words"]],
    )
    _section(
        "Why questions were refused or failed:",
        ("why", "questions", "example"),
        [(row["why"], row["questions"], row["example"]) for row in found["refusals"]],
    )
    _section(
        "Slow ones:",
        ("question", "ms", "route", "asked at (UTC)"),
        [(row["question"], row["milliseconds"], row["route"], row["asked_at"]) for row in found["slow"]],
    )
    _section(
        "Answers that were called bad:",
        ("question", "understood as", "asked at (UTC)"),
        [(row["question"], _short(row["structure"]), row["asked_at"]) for row in found["disliked"]],
    )


def _section(title: str, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
    if rows:
        print_text("")
        print_text(title)
        print_table(columns, rows)


def _short(structure: str) -> str:
    """Without what every structure has."""
    try:
        document = json.loads(structure)
    except ValueError:
        return structure
    document.pop("project", None)
    return json.dumps(document, ensure_ascii=False)
