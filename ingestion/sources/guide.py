"""The generated part of docs/sources.md: `python -m ingestion.sources.guide` writes it anew."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from ingestion.sources.definitions import SHIPPED, Definition, read_definition
from ingestion.sources.rows import REASON_SENTENCES
from warehouse.errors import MillraceError

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "sources.md"
BEGIN, END = "<!-- generated: {} -->\n", "<!-- end -->"


def regenerate(text: str) -> str:
    definitions = [read_definition(path) for path in sorted(SHIPPED.glob("*.yaml"))]
    parts = {
        "reasons": "\n".join(f"| `{reason}` | {why} |" for reason, why in REASON_SENTENCES.items()),
        "sources": "\n".join(_page(definition) for definition in definitions),
    }
    for name, part in parts.items():
        begin = BEGIN.format(name)
        before, found, rest = text.partition(begin)
        _, ended, after = rest.partition(END)
        if not found or not ended:
            raise MillraceError(f"The guide must hold the part {begin.strip()} … {END}.")
        heads = {"reasons": "| reason | why |\n|---|---|\n"}
        text = f"{before}{begin}{heads.get(name, '')}{part}\n{END}{after}"
    return text


def reading(definition: Definition) -> str:
    """How rows are told apart and read, in words."""
    key = f"One row per project_id, {', '.join(definition.key)}"
    if not definition.cursor:
        return f"{key}; read as a whole."
    lag = f", and {_words(definition.lag)} before it" if definition.lag else ""
    return f"{key}; read from the last {definition.cursor} on{lag}."


def _page(definition: Definition) -> str:
    rows = [
        f"| `{name}` | `{definition.clickhouse_type(name)}` | {'yes' if column.required else ''} | "
        f"{'' if column.pii == 'none' else column.pii} | {column.description} |"
        for name, column in definition.columns.items()
    ]
    return "\n".join(
        [
            f"\n### {definition.name}\n",
            f"{definition.description} Owner {definition.owner}. {reading(definition)}\n",
            "| column | type | required | personal | meaning |",
            "|---|---|---|---|---|",
            *rows,
        ]
    )


def _words(lag: timedelta) -> str:
    minutes = int(lag.total_seconds() // 60)
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes % size == 0:
            number = minutes // size
            return f"{number} {unit}{'' if number == 1 else 's'}"
    raise AssertionError(lag)


if __name__ == "__main__":
    GUIDE.write_text(regenerate(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
