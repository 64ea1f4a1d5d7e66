"""Messages that point at a place of a formula."""

from __future__ import annotations

import unicodedata

from semantic_layer.metrics.formulas.tree import Span
from warehouse.errors import WrongUsage

SHOWN_AROUND = 40


def wrong(text: str, span: Span, message: str, hint: str = "") -> WrongUsage:
    """What is wrong, and below it the formula with a line that marks where."""
    begin = max(0, span.begin - SHOWN_AROUND)
    end = min(len(text), max(span.end, span.begin + 1) + SHOWN_AROUND)
    before, after = "…" * (begin > 0), "…" * (end < len(text))
    blanks = _width(before + text[begin : span.begin])
    marks = max(1, _width(text[span.begin : min(span.end, end)]))
    shown = [f"{before}{text[begin:end]}{after}", f"{' ' * blanks}{'^' * marks}"]
    told = message if message.endswith("?") else f"{message}."
    return WrongUsage(f"In the formula, {told}", hint="\n  ".join([*shown, hint] if hint else shown))


def _width(text: str) -> int:
    """Cells of a terminal."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )
