"""A warehouse of any earlier schema is brought to the newest one: its rows stay, and it is then like a new one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import Instance
from warehouse.migrate import load_steps, migrate

DATABASES = ("raw", "vault", "staging", "intermediate", "marts", "ml", "ops")
STEPS = load_steps()
OUR = f"database IN {DATABASES} AND name != 'schema_migrations'"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("upgrades") / "millrace") as own:
        own.up()
        yield own


@pytest.fixture(scope="module")
def fresh(server: Instance) -> dict[str, str]:
    at_version(server, len(STEPS))
    return structure(server)


def at_version(server: Instance, version: int) -> None:
    for database in DATABASES:
        server.client().command(f"DROP DATABASE IF EXISTS {database} SYNC")
    migrate(server.client(), STEPS[:version])


def structure(server: Instance) -> dict[str, str]:
    return dict(server.rows(f"SELECT concat(database, '.', name), create_table_query FROM system.tables WHERE {OUR}"))


def fill(server: Instance) -> dict[str, list[str]]:
    """Three rows into every table that keeps rows, in each column whose type is a plain one: its columns by table."""
    filled = {}
    tables = server.rows(
        f"SELECT concat(database, '.', name) FROM system.tables WHERE {OUR} AND engine LIKE '%MergeTree'"
    )
    for (table,) in tables:
        columns = server.rows(
            f"SELECT name, type FROM system.columns WHERE concat(database, '.', table) = '{table}' "
            "AND default_kind NOT IN ('MATERIALIZED', 'ALIAS') ORDER BY position"
        )
        values = {name: value for name, kind in columns if (value := value_of(str(kind)))}
        server.client().command(
            f"INSERT INTO {table} ({', '.join(f'`{name}`' for name in values)}) "
            f"SELECT {', '.join(values.values())} FROM numbers(3)"
        )
        filled[str(table)] = list(values)
    return filled


def value_of(kind: str) -> str:
    """Of the row `number`: something that this type holds; empty where it is left to its default."""
    plain = re.sub(r"^(?:LowCardinality|Nullable)\((.*)\)$", r"\1", re.sub(r"^LowCardinality\((.*)\)$", r"\1", kind))
    for begins, value in (
        ("String", "concat('text ', toString(number))"),
        ("Date", "now() - number"),  # nothing that has expired
        ("UInt", "number"),
        ("Int", "number"),
        ("Float", "number / 4"),
        ("Decimal", "number / 4"),
        ("Bool", "number % 2"),
        ("UUID", "toUUID('00000000-0000-0000-0000-00000000000' || toString(number))"),
    ):
        if plain.startswith(begins):
            return value
    return ""


def rows_of(server: Instance, filled: dict[str, list[str]]) -> dict[str, Any]:
    return {
        table: server.rows(f"SELECT {', '.join(f'`{name}`' for name in columns)} FROM {table} ORDER BY ALL")
        for table, columns in filled.items()
    }


@pytest.mark.parametrize("version", range(1, len(STEPS)))
def test_an_earlier_schema_is_brought_to_the_newest(server: Instance, fresh: dict[str, str], version: int) -> None:
    at_version(server, version)
    filled = fill(server)
    before = rows_of(server, filled)
    assert version < 2 or sum(map(len, before.values())) >= 3 * len(filled) - 2  # of sums some rows are one
    assert [step.version for step in migrate(server.client(), STEPS)] == [step.version for step in STEPS[version:]]
    assert rows_of(server, filled) == before
    assert structure(server) == fresh
    assert migrate(server.client(), STEPS) == []
