"""The demo world's twins of other systems, loaded to the row and the cent, and nothing personal with them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from ingestion.demo import World, generate
from ingestion.sources.definitions import SHIPPED
from tests.integration.tickets import counts, lines, load
from tests.other_sources import SOURCES, load_other_sources
from tests.support import Instance


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("sources") / "millrace") as own:
        own.up()
        yield own


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    generate(World(size=4_000), folder)
    return folder / "sources"


def rows_of(world: Path, name: str) -> list[dict[str, Any]]:
    """The rows by plain Python."""
    (path,) = world.glob(f"{name}.*")
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    if path.suffix == ".jsonl":
        return [json.loads(line, parse_float=Decimal) for line in path.read_text().splitlines()]
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def loaded(warehouse: Instance, world: Path) -> dict[str, dict[str, Any]]:
    return load_other_sources(warehouse, world)


def test_the_twins_of_the_world_are_loaded_to_the_row_and_the_cent(
    warehouse: Instance, world: Path, loaded: dict[str, dict[str, Any]]
) -> None:
    times = {name: 2 if name in ("products", "currency_rates") else 1 for name in SOURCES}
    sent = {name: rows_of(world, name) for name in SOURCES}
    for name in SOURCES:
        rows = len(sent[name]) * times[name]
        assert counts(loaded[name]) == (rows, rows, 0, 0), name
        assert (loaded[name]["undeclared"], loaded[name]["missing"]) == ([], []), name
        assert warehouse.rows(f"SELECT count() FROM raw.{name}") == [(rows,)]
    sums = {
        "subscriptions": ("amount", "plan"),
        "invoices": ("amount", "status"),
        "marketing_spend": ("cost", "campaign"),
        "products": ("price", "category"),
        "currency_rates": ("rate", "from_currency"),
        "nps_answers": ("score", "user_id"),
    }
    for name, (amount, group) in sums.items():
        expected: dict[str, Decimal] = {}
        for row in sent[name]:
            expected[row[group]] = expected.get(row[group], Decimal()) + Decimal(str(row[amount])) * times[name]
        found = warehouse.rows(f"SELECT {group}, sum({amount}) FROM raw.{name} FINAL GROUP BY 1")
        assert {row[0]: Decimal(row[1]) for row in found} == expected, name


@pytest.mark.usefixtures("loaded")
def test_every_customer_is_there_value_by_value(warehouse: Instance, world: Path) -> None:
    def instant(text: str) -> datetime | None:
        return datetime.fromisoformat(text).replace(tzinfo=None) if text else None

    expected = {
        (r["user_id"], instant(r["updated_at"])): (
            *(r["email"], r["name"], r["plan"], r["country"], r["tier"], r["company_id"] or None),
            *(r["is_internal"] == "true", instant(r["created_at"]), instant(r["onboarded_at"])),
        )
        for r in rows_of(world, "customers")
        if r["project_id"] == "demo"
    }
    found = warehouse.rows(
        "SELECT user_id, updated_at, email, name, plan, country, tier, company_id, is_internal, created_at, "
        "onboarded_at FROM raw.customers FINAL WHERE project_id = 'demo'"
    )
    assert {(row[0], row[1]): row[2:] for row in found} == expected
    assert len(found) == len(expected) > 20


@pytest.mark.usefixtures("loaded")
def test_the_same_files_again_change_nothing(warehouse: Instance, world: Path) -> None:
    physical = {name: warehouse.rows(f"SELECT count(), max(_loaded_at) FROM raw.{name}") for name in SOURCES}
    for result in load_other_sources(warehouse, world).values():
        assert counts(result) == (result["received"], 0, 0, result["received"])
    assert {name: warehouse.rows(f"SELECT count(), max(_loaded_at) FROM raw.{name}") for name in SOURCES} == physical


@pytest.mark.usefixtures("loaded")
def test_nothing_personal_of_a_strict_project_is_in_any_table(warehouse: Instance, world: Path, tmp_path: Path) -> None:
    """Neither of rows that were accepted nor of those that were not, nor in dlt's tables or files."""
    personal = [row for row in rows_of(world, "customers") if row["project_id"] == "demo_mobile"]
    secrets = {row[key] for row in personal for key in ("email", "name")} | {"leak@mobile.example", "Leaky McLeak"}
    bad = {**personal[0], "updated_at": "never", "email": "leak@mobile.example", "name": "Leaky McLeak"}
    odd = {**personal[0], "name": "Leaky McLeak", "phone": "leak@mobile.example", "user_id": "leak@mobile.example"}
    result = load(warehouse, "--file", f"customers={lines(tmp_path / 'leak.jsonl', [bad, odd])}")
    assert (result["accepted"], result["rejected"]) == (1, {"bad_value": 1})
    columns = warehouse.rows(
        "SELECT table, name FROM system.columns WHERE database = 'raw' AND type LIKE '%String%' "
        "AND table IN (SELECT name FROM system.tables WHERE database = 'raw' AND engine LIKE '%MergeTree')"
    )
    assert ("source_rows_rejected", "row") in columns
    for table, column in columns:
        found = warehouse.client().query(
            f"SELECT count() FROM raw.`{table}` WHERE multiSearchAny(ifNull(toString(`{column}`), ''), "
            "{secrets:Array(String)})",
            parameters={"secrets": sorted(secrets)},
        )
        assert found.result_rows == [(0,)], (table, column)
    assert warehouse.rows(
        "SELECT count(), uniqExact(email), countIf(name IS NULL) FROM raw.customers FINAL "
        "WHERE project_id = 'demo_mobile' AND email LIKE '%@masked.invalid' AND user_id LIKE 'u_%'"
    ) == [(len(personal), len({row["email"] for row in personal}), len(personal))]
    left = [path for path in (warehouse.data_dir / "loads").rglob("*") if path.is_file() and path.stat().st_size]
    assert left == []


@pytest.mark.usefixtures("loaded")
def test_a_table_says_what_it_holds(warehouse: Instance) -> None:
    for name in SOURCES:
        description = yaml.safe_load((SHIPPED / f"{name}.yaml").read_text())["description"]
        comment, key, primary = warehouse.rows(
            f"SELECT comment, sorting_key, primary_key FROM system.tables WHERE database = 'raw' AND name = '{name}'"
        )[0]
        assert comment.startswith(description)
        assert key == primary
        assert key.startswith("project_id, ")
        assert warehouse.rows(
            f"SELECT count() FROM system.columns WHERE database = 'raw' AND table = '{name}' AND comment = ''"
        ) == [(0,)]
