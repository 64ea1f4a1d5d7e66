"""The tables of raw that sources fill: made from their definitions, kept in step with them, and inserted into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.privacy import sql_text
from ingestion.sources.definitions import PROJECT_ID, UNDECLARED_TYPE, Definition, Definitions
from ingestion.sources.rows import ROW_NUMBER
from warehouse.errors import MillraceError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

PROJECT_TYPE = "LowCardinality(String)"
# What we add to each row. `_version` decides which of several rows of one key stands: that with the later cursor; of
# the same cursor, that of the load that began later; in one load, the later row.
ADDED = {
    "_feed": ("LowCardinality(String)", "Feed of sources.yaml that it came by"),
    "_load_id": ("LowCardinality(String)", "Load that brought this version, as in raw.source_loads"),
    "_loaded_at": ("DateTime64(3, 'UTC')", "When this version was loaded; a row that comes again unchanged keeps it"),
    "_version": ("UInt128", "Of the rows of one key the highest stands: by cursor, then load, then row"),
    "_row_hash": ("UInt128", "Of all values that were sent"),
    ROW_NUMBER: ("UInt64", "Number of the row in its load"),
}
UNDECLARED_COMMENT = "Not declared: text, as it came"
# Bits of _version: the cursor's milliseconds above, the load's, the row's number below.
CURSOR_SHIFT, LOAD_SHIFT = 84, 40


def column_types(definition: Definition) -> dict[str, tuple[str, str]]:
    """Type and comment of every column, in order."""
    types = {PROJECT_ID: (PROJECT_TYPE, "Tenant")}
    for name, column in definition.columns.items():
        personal = "" if column.pii == "none" else f" ({column.pii})"
        types[name] = (definition.clickhouse_type(name), f"{column.description}{personal}")
    return {**types, **ADDED}


def create_statement(definition: Definition) -> str:
    columns = ",\n".join(
        f"    `{name}` {kind} COMMENT {sql_text(comment)}" for name, (kind, comment) in column_types(definition).items()
    )
    key = ", ".join(f"`{name}`" for name in (PROJECT_ID, *definition.key))
    return (
        f"CREATE TABLE IF NOT EXISTS {definition.table}\n(\n{columns}\n)\n"
        f"ENGINE = ReplacingMergeTree(_version)\nORDER BY ({key})\nCOMMENT {sql_text(table_comment(definition))}"
    )


def table_comment(definition: Definition) -> str:
    return f"{definition.description} Read it with FINAL."


def make_tables(client: Client, definitions: Definitions) -> list[str]:
    """A table for each source, so that models find one that nothing was loaded into; the sources that had none."""
    rows = client.query("SELECT name FROM system.tables WHERE database = 'raw'").result_rows
    present = {str(row[0]) for row in rows}
    missing = [name for name in definitions if name not in present]
    for name in missing:
        sync_table(client, definitions[name])
    return missing


def sync_table(client: Client, definition: Definition) -> None:
    """Make the table what the definition says. A column that was text until it was declared is converted."""
    client.command(create_statement(definition))
    _refuse_another_key(client, definition)
    present = _present(client, definition)
    for name, (kind, comment) in column_types(definition).items():
        alter, column = f"ALTER TABLE {definition.table}", f"`{name}` {kind} COMMENT {sql_text(comment)}"
        if name not in present:
            client.command(f"{alter} ADD COLUMN IF NOT EXISTS {column}")
        elif present[name] != (kind, comment):
            _refuse_to_lose(client, definition, name, present[name][0])
            client.command(f"{alter} MODIFY COLUMN {column}")


def add_columns(client: Client, definition: Definition, names: list[str]) -> None:
    """Columns that nobody declared."""
    for name in names:
        client.command(
            f"ALTER TABLE {definition.table} ADD COLUMN IF NOT EXISTS `{name}` {UNDECLARED_TYPE} "
            f"COMMENT {sql_text(UNDECLARED_COMMENT)}"
        )


def insert_statement(definition: Definition, columns: list[str]) -> str:
    """Inserts rows of these columns in Parquet. What is there already, value by value, is not written again.

    The hash leaves out what is NULL: a new column, absent in a row, does not make it another row.
    """
    declared = column_types(definition)
    types = {name: declared[name][0] if name in declared else UNDECLARED_TYPE for name in columns if name != ROW_NUMBER}
    structure = ", ".join(f"`{name}` {kind}" for name, kind in {**types, ROW_NUMBER: ADDED[ROW_NUMBER][0]}.items())
    hashes = [
        f"if(isNull(`{name}`), toUInt128(0), "
        f"reinterpretAsUInt128(sipHash128({sql_text(name)}, assumeNotNull(`{name}`))))"
        for name in types
    ]
    cursor = f"toUInt128(greatest(0, toUnixTimestamp64Milli(toDateTime64(`{definition.cursor}`, 3, 'UTC'))))"
    version = " + ".join(
        (
            f"bitShiftLeft({cursor if definition.cursor else 'toUInt128(0)'}, {CURSOR_SHIFT})",
            f"bitShiftLeft(toUInt128(toUnixTimestamp64Milli({{begun:DateTime64(3, 'UTC')}})), {LOAD_SHIFT})",
            ROW_NUMBER,
        )
    )
    names = ", ".join(f"`{name}`" for name in types)
    return (
        f"INSERT INTO {definition.table} ({names}, {', '.join(ADDED)}) "
        f"SELECT {names}, {{feed:String}}, {{load_id:String}}, now64(3), {version}, hash, {ROW_NUMBER} "
        f"FROM (SELECT *, {' + '.join(hashes)} AS hash FROM input({sql_text(structure)})) "
        f"WHERE hash NOT IN (SELECT _row_hash FROM {definition.table} FINAL) FORMAT Parquet"
    )


def _present(client: Client, definition: Definition) -> dict[str, tuple[str, str]]:
    rows = client.query(
        "SELECT name, type, comment FROM system.columns WHERE database = 'raw' AND table = {table:String}",
        parameters={"table": definition.name},
    ).result_rows
    return {str(name): (str(kind), str(comment)) for name, kind, comment in rows}


def _refuse_to_lose(client: Client, definition: Definition, name: str, present: str) -> None:
    """A MODIFY makes NULL of what does not fit, without a word."""
    wanted = definition.columns[name].plain_type if name in definition.columns else ADDED[name][0]
    nullable = name in definition.columns and name not in definition.never_null
    lost = f"isNotNull(`{name}`) AND isNull(accurateCastOrNull(`{name}`, {sql_text(wanted)}))"
    if not nullable:
        lost = f"isNull(accurateCastOrNull(`{name}`, {sql_text(wanted)}))"
    rows = client.query(f"SELECT count() FROM {definition.table} FINAL WHERE {lost}").result_rows[0][0]
    if rows:
        raise MillraceError(
            f"{definition.table}: {name} is {present} and cannot become {wanted}: {rows:,} rows have another value.",
            hint="Declare the column as the type that it has, or rename the table and load anew.",
        )


def _refuse_another_key(client: Client, definition: Definition) -> None:
    key = client.query(
        "SELECT sorting_key FROM system.tables WHERE database = 'raw' AND name = {table:String}",
        parameters={"table": definition.name},
    ).result_rows[0][0]
    wanted = ", ".join((PROJECT_ID, *definition.key))
    if str(key).replace("`", "") != wanted:
        raise MillraceError(
            f"{definition.table} has the key ({key}), and its definition now says ({wanted}).",
            hint=f"A table keeps its key. Rename the old one (RENAME TABLE {definition.table} TO …) and load anew.",
        )
