"""Numbers of metrics, as messages show them."""

from __future__ import annotations


def figure(value: float, format: str, currency: str) -> str:
    """`format` as metrics declare it."""
    if format == "percent":
        return f"{100 * value:.4g} %"
    text = f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
    unit = {"currency": currency, "seconds": "s", "milliseconds": "ms"}.get(format, "")
    return f"{text} {unit}".strip()
