"""The generated parts of docs/events.md: `python -m ingestion.event_guide` writes them anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from ingestion.contract import COLUMNS, CONTEXT_KEYS, REASON_SENTENCES, Reason
from ingestion.registry import Pii, Registry, load_registry
from ingestion.typed_paths import typed_paths
from ingestion.validation import rule_in_words
from warehouse.errors import MillraceError

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "events.md"


def regenerate(text: str, registry: Registry) -> str:
    """The guide with each part between `<!-- generated: name -->` and `<!-- end -->` as the definitions have it."""
    parts: dict[str, Callable[[], str]] = {
        "columns": _columns,
        "context": _context,
        "reasons": _reasons,
        "event types": lambda: _event_types(registry),
        "typed paths": lambda: _typed_paths(registry),
    }
    found = re.findall(r"<!-- generated: ([a-z ]+) -->", text)
    if sorted(found) != sorted(parts):
        raise MillraceError(
            f"The guide must hold each of {', '.join(sorted(parts))} once, and holds {', '.join(found)}."
        )
    for name, part in parts.items():
        begin, end = f"<!-- generated: {name} -->\n", "<!-- end -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}{part()}\n{end}{after}"
    return text


def _columns() -> str:
    rows = (
        (f"`{c.name}`", f"`{c.clickhouse_type}`", c.meaning if c.sent else f"{c.meaning}; set by the load")
        for c in COLUMNS
    )
    return _table(("column", "type", "meaning"), rows)


def _context() -> str:
    return _table(("key", "meaning"), ((f"`{key.path}`", key.meaning) for key in CONTEXT_KEYS))


def _reasons() -> str:
    return _table(("reason", "why"), ((f"`{reason}`", REASON_SENTENCES[reason]) for reason in Reason))


def _event_types(registry: Registry) -> str:
    rows = []
    for event_type in registry.values():
        names = [
            f"**{path}**" if path in event_type.schema.required else path
            for path, schema in event_type.properties.items()
            if not schema.deprecated
        ]
        description = f"{event_type.description}{' (deprecated)' if event_type.deprecated else ''}"
        rows.append((f"`{event_type.name}`", event_type.owner, description, ", ".join(names)))
    return _table(("event", "owner", "meaning", "properties (**required**)"), rows)


def _typed_paths(registry: Registry) -> str:
    rows = []
    for path, kind in typed_paths(registry).items():
        uses = [event_type for event_type in registry.values() if path in event_type.properties]
        rules = dict.fromkeys(rule_in_words(event_type.properties[path]) for event_type in uses)
        personal = registry.paths[path].pii
        words = "; ".join(rule for rule in rules if rule)
        rows.append((f"`{path}`", f"`{kind}`", "" if personal is Pii.NONE else str(personal), words))
    return _table(("property", "column type", "personal", "rules"), rows)


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    header = list(header)
    return "\n".join([line(header), line("---" for _ in header), *(line(row) for row in rows)])


if __name__ == "__main__":
    GUIDE.write_text(regenerate(GUIDE.read_text(encoding="utf-8"), load_registry()), encoding="utf-8")
