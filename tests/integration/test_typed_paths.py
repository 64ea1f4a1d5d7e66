"""Typed paths on a real table: added from the registry, old rows readable, absent is NULL, and nothing is broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from ingestion.registry import EventType, Registry, Schema
from ingestion.typed_paths import modify_statement, present_paths, sync_typed_paths
from tests.support import Instance
from warehouse.errors import MillraceError

TABLE = "typed_paths.events"


def registry_of(**properties: Schema) -> Registry:
    return Registry([EventType("ordered", "shop", "An order.", Schema("object", properties=properties))])


PRICE = {"price": Schema("number")}


@pytest.fixture
def client(clickhouse: Instance) -> Iterator[Client]:
    client = clickhouse.client("admin")
    client.command("CREATE DATABASE IF NOT EXISTS typed_paths ENGINE = Atomic")
    client.command(
        f"CREATE OR REPLACE TABLE {TABLE} (number UInt32, event String, properties JSON(max_dynamic_paths = 256)) "
        "ENGINE = MergeTree ORDER BY number"
    )
    yield client
    client.command("DROP DATABASE typed_paths")


def insert(client: Client, *properties: dict[str, Any]) -> None:
    count = client.query(f"SELECT count() FROM {TABLE}").result_rows[0][0]
    rows = [(count + n, "ordered", json.dumps(entry)) for n, entry in enumerate(properties)]
    client.insert(TABLE, rows, column_names=["number", "event", "properties"])


def column(client: Client, expression: str) -> list[Any]:
    return [row[0] for row in client.query(f"SELECT {expression} FROM {TABLE} ORDER BY number").result_rows]


def test_old_rows_are_readable_and_absent_is_null(client: Client) -> None:
    insert(client, {"price": 3, "other": "x"}, {"price": 3.5}, {}, {"price": None})
    assert sync_typed_paths(client, registry_of(**PRICE), TABLE) == ["price"]
    insert(client, {"price": 4}, {"unregistered": 1})
    assert column(client, "properties.price") == [3.0, 3.5, None, None, 4.0, None]
    assert column(client, "toTypeName(properties.price)")[0] == "Nullable(Float64)"
    # The trap that typed paths are there for: by one dynamic type, 3 and 4 would be missing from this sum.
    assert client.query(f"SELECT sum(properties.price) FROM {TABLE}").result_rows[0][0] == 10.5
    assert column(client, "toString(properties.other)")[0] == "x"


def test_every_type_of_the_registry_works_on_a_real_column(client: Client) -> None:
    item = Schema("object", properties={"id": Schema("string"), "price": Schema("number")})
    registry = registry_of(
        text=Schema("string"),
        number=Schema("number"),
        integer=Schema("integer"),
        flag=Schema("boolean"),
        moment=Schema("string", is_instant=True),
        tags=Schema("array", items=Schema("string")),
        items=Schema("array", items=item),
        owner=Schema("object", properties={"name": Schema("string")}),
        order=Schema("integer"),
    )
    given = {
        "text": "é",
        "number": 2,
        "integer": 3.0,
        "flag": False,
        "moment": "2026-01-31T14:00:00.123+02:00",
        "tags": ["a", "b"],
        "items": [{"id": "P1", "price": 2, "more": 1}, {"id": "P2"}],
        "owner": {"name": "ada", "more": 1},
        "order": 9007199254740991,
    }
    insert(client, given)
    assert len(sync_typed_paths(client, registry, TABLE)) == 9
    insert(client, given, {})
    expressions = {
        "properties.text": ["é", "é", None],
        "properties.number": [2.0, 2.0, None],
        "properties.integer": [3, 3, None],
        "properties.flag": [False, False, None],
        "toString(properties.moment)": ["2026-01-31 12:00:00.123", "2026-01-31 12:00:00.123", None],
        "properties.tags": [["a", "b"], ["a", "b"], []],
        "properties.items.price": [[2.0, None], [2.0, None], []],
        "properties.owner.name": ["ada", "ada", None],
        "properties.`order`": [9007199254740991, 9007199254740991, None],
    }
    assert {expression: column(client, expression) for expression in expressions} == expressions


def test_a_second_time_there_is_nothing_to_do(client: Client) -> None:
    registry = registry_of(**PRICE, items=Schema("array", items=Schema("object", properties={"b": Schema("string")})))
    assert sync_typed_paths(client, registry, TABLE) == ["items", "price"]
    assert sync_typed_paths(client, registry, TABLE) == []
    more = registry_of(**PRICE, plan=Schema("string"))
    assert sync_typed_paths(client, more, TABLE) == ["plan"]
    # `items` left the registry; its events did not leave the table.
    assert set(present_paths(client, TABLE)) == {"items", "plan", "price"}


@pytest.mark.parametrize(
    ("schema", "old", "shown"),
    [
        (Schema("number"), "abc", '"abc"'),
        (Schema("number"), {"amount": 5}, '{"amount":5}'),
        (Schema("integer"), 1.5, "1.5"),  # would be cut to 1 without a word
        (Schema("boolean"), "yes", '"yes"'),
        (Schema("string", is_instant=True), "soon", '"soon"'),
        (Schema("array", items=Schema("number")), "one", '"one"'),
    ],
)
def test_a_path_that_old_values_forbid_is_refused_and_the_table_stays_as_it_was(
    client: Client, schema: Schema, old: Any, shown: str
) -> None:
    insert(client, {"price": old}, {"price": 5}, {})
    with pytest.raises(MillraceError) as caught:
        sync_typed_paths(client, registry_of(price=schema, plan=Schema("string")), TABLE)
    assert f"`price` cannot become {schema.expected}: " in caught.value.message
    assert f"as {shown} in 'ordered'." in caught.value.message or "as 5 in 'ordered'." in caught.value.message
    assert present_paths(client, TABLE) == {}
    assert len(column(client, "toString(properties)")) == 3


def test_clickhouse_itself_would_have_broken_the_table(client: Client) -> None:
    """Why old values are looked at. When this fails, ClickHouse has become kinder and the look can go."""
    insert(client, {"price": "abc"})
    with pytest.raises(Exception, match="Code: 341"):
        client.command(modify_statement({"price": "Nullable(Float64)"}, TABLE))
    with pytest.raises(Exception, match="Code: 117"):
        column(client, "toString(properties)")


def test_a_table_without_the_column_is_told(client: Client) -> None:
    with pytest.raises(MillraceError, match=r"typed_paths\.nothing has no column properties") as caught:
        sync_typed_paths(client, registry_of(**PRICE), "typed_paths.nothing")
    assert "millrace migrate" in caught.value.hint
