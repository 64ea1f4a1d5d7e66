"""The registry's properties as typed paths of raw.events.properties.

Adding a path rewrites the column. ClickHouse reads the old rows through the new type from that moment on: one old value
that does not go into it makes the column unreadable and holds up every later mutation, whatever the settings. So old
values are looked at first, and a path that they forbid is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ingestion.registry import Registry
from warehouse.errors import MillraceError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Unregistered properties beyond these share one column per part: nothing is lost, they are only slower to read.
MAX_DYNAMIC_PATHS = 256


def typed_paths(registry: Registry) -> dict[str, str]:
    """Path -> ClickHouse type, by name."""
    return {path: schema.clickhouse_type for path, schema in sorted(registry.paths.items())}


def properties_type(paths: Mapping[str, str]) -> str:
    """The type of the column. Names are quoted: a property may be called `order` or `comment`."""
    typed = "".join(f", `{path}` {kind}" for path, kind in paths.items())
    return f"JSON(max_dynamic_paths={MAX_DYNAMIC_PATHS}{typed})"


def modify_statement(paths: Mapping[str, str], table: str = "raw.events") -> str:
    return f"ALTER TABLE {table} MODIFY COLUMN properties {properties_type(paths)}"


def sync_typed_paths(client: Client, registry: Registry, table: str = "raw.events") -> list[str]:
    """Give the table the typed paths of the registry; returns those added or changed, [] where it had them all.

    A path that left the registry keeps its type: its events are still there.
    """
    present, wanted = present_paths(client, table), typed_paths(registry)
    changed = {path: kind for path, kind in wanted.items() if present.get(path) != kind}
    if changed:
        _refuse_what_old_values_forbid(client, registry, changed, table)
        client.command(modify_statement({**present, **wanted}, table))
    return list(changed)


def present_paths(client: Client, table: str = "raw.events", column: str = "properties") -> dict[str, str]:
    """The typed paths that the table's JSON column has now."""
    rows = client.query(
        "SELECT type FROM system.columns "
        "WHERE concat(database, '.', table) = {table:String} AND name = {column:String}",
        parameters={"table": table, "column": column},
    ).result_rows
    if not rows:
        raise MillraceError(f"{table} has no column {column}.", hint="Bring the schema up to date: millrace migrate")
    inside = str(rows[0][0]).removeprefix("JSON").removeprefix("(").removesuffix(")")
    parts = (part.partition(" ") for part in _top_level_parts(inside) if "=" not in part.split(" ")[0])
    return {path.strip("`"): kind for path, _, kind in parts}


def _refuse_what_old_values_forbid(client: Client, registry: Registry, paths: Mapping[str, str], table: str) -> None:
    def among_old_values(some: Mapping[str, str], what: str) -> Sequence[Any]:
        # The cast cuts 1.5 to 1 without a word.
        cut = " OR ".join(
            f"JSONExtractFloat(document, '{path}') != trunc(JSONExtractFloat(document, '{path}'))"
            for path, kind in some.items()
            if kind == "Nullable(Int64)"
        )
        return client.query(
            f"SELECT {what} FROM (SELECT event, toJSONString(properties) AS document FROM {table}) "
            f"WHERE isNull(accurateCastOrNull(document, {{type:String}})) OR {cut or 0}",
            parameters={"type": properties_type(some), "path": next(iter(some))},
        ).result_rows[0]

    if not among_old_values(paths, "count()")[0]:
        return
    for path, kind in paths.items():
        example = "any((event, JSONExtractRaw(document, {path:String})))"
        count, event, value = among_old_values({path: kind}, f"count(), {example}.1, {example}.2")
        if count:
            raise MillraceError(
                f"`{path}` cannot become {registry.paths[path].expected}: {count:,} events of {table} hold something "
                f"else, as {str(value)[:60]} in {event!r}.",
                hint="Register it under another name or with the type that was sent, or delete those events first.",
            )


def _top_level_parts(text: str) -> Iterator[str]:
    """The comma-separated parts of a type's inside, leaving commas in brackets and quotes alone."""
    depth, start = 0, 0
    for position, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            yield text[start:position].strip()
            start = position + 1
    if text[start:].strip():
        yield text[start:].strip()
