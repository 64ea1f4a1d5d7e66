"""Rows on their way: columns of text under the names that the definition uses, and lines that are no rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ingestion.sources.values import text_of, texts_of, trimmed
from ingestion.wire.names import snake_case
from warehouse.errors import MillraceError

BATCH_ROWS = 50_000
MAX_COLUMNS = 1_000
NO_OBJECT = "it is no JSON object"


@dataclass(frozen=True)
class Unreadable:
    text: str
    detail: str


@dataclass(frozen=True)
class Batch:
    columns: Mapping[str, pa.Array]  # all of the same length
    rows: int
    origin: str  # the file, the address or the table
    unreadable: tuple[Unreadable, ...] = ()


def names_of(given: Iterable[str], rename: Mapping[str, str], origin: str) -> dict[str, str]:
    """What each column is called here: `Contact ID` is contact_id, unless the feed renames it."""
    names: dict[str, str] = {}
    for name in given:
        if name in names:
            raise MillraceError(f"{origin} has the column {name!r} twice.")
        ours = rename.get(name) or snake_case(name)
        if not ours:
            raise MillraceError(f"{origin} has a column without a name.", hint="Is its first line the header?")
        if same := [other for other, taken in names.items() if taken == ours]:
            raise MillraceError(
                f"{origin} has the columns {same[0]!r} and {name!r}, which would both be {ours!r}.",
                hint="Give one of them another name in sources.yaml: rename: {their name: our_name}.",
            )
        names[name] = ours
    if len(names) > MAX_COLUMNS:
        raise MillraceError(f"{origin} has {len(names):,} columns; at most {MAX_COLUMNS:,} are read.")
    return names


def batch_of_items(items: list[Any], rename: Mapping[str, str], origin: str) -> Batch:
    """Values of JSON, of which some may be no objects."""
    rows = [item for item in items if isinstance(item, dict)]
    others = [Unreadable(text_of(item) or "null", NO_OBJECT) for item in items if not isinstance(item, dict)]
    return batch_of_rows(rows, rename, origin, others)


def batch_of_rows(
    rows: list[dict[str, Any]], rename: Mapping[str, str], origin: str, unreadable: Iterable[Unreadable] = ()
) -> Batch:
    """Rows of JSON or of a database, in which a key may be absent."""
    names = names_of(dict.fromkeys(str(key) for row in rows for key in row), rename, origin)
    columns = {ours: trimmed(texts_of([row.get(theirs) for row in rows])) for theirs, ours in names.items()}
    return Batch(columns, len(rows), origin, tuple(unreadable))
