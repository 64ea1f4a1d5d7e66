"""The declarations of the small shop, compiled, and its tables: with columns that take NULL, and without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

from semantic_layer.clickhouse.compiler import Compiler
from semantic_layer.clickhouse.loader import load_manifest
from tests.integration.conformance.shop import statements
from tests.support import Instance
from warehouse.dbt import invoke

PROJECT = Path(__file__).with_name("project")
Rows = list[tuple[Any, ...]]


class Shop:
    """Asks for metrics as a person would, and gets plain rows."""

    def __init__(self, clickhouse: Instance, compiler: Compiler) -> None:
        self.clickhouse, self.compiler = clickhouse, compiler

    def sql(self, *metrics: str, by: tuple[str, ...] = (), timezone: str = "Europe/Berlin", **more: Any) -> str:
        grouped = {"group_by_names": by, "order_by_names": by} if by else {}
        request = MetricFlowQueryRequest.create(metric_names=metrics, **grouped, **more)
        return self.compiler.compile(request, "demo", timezone)

    def ask(self, *metrics: str, by: tuple[str, ...] = (), timezone: str = "Europe/Berlin", **more: Any) -> Rows:
        return self.clickhouse.rows(self.sql(*metrics, by=by, timezone=timezone, **more))


@pytest.fixture(scope="session")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conformance")
    here = ("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT))
    outcome = invoke(
        ["--log-level", "none", "--log-path", str(folder), "parse", *here, "--target-path", str(folder)],
        {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
    )
    assert outcome.success, outcome.exception
    return folder / "semantic_manifest.json"


@contextmanager
def opened(clickhouse: Instance, declared: Path, name: str, *, nullable: bool, filled: bool) -> Iterator[Shop]:
    for statement in statements(name, nullable):
        if filled or not statement.startswith("INSERT"):
            clickhouse.client().command(statement)
    renamed = json.loads(declared.read_text())
    for node in (*renamed["semantic_models"], *renamed["project_configuration"]["time_spines"]):
        relation = node["node_relation"]
        relation["relation_name"] = relation["relation_name"].replace("`shop`", f"`{name}`")
        relation["schema_name"] = name
    path = declared.with_name(f"{name}.json")
    path.write_text(json.dumps(renamed))
    yield Shop(clickhouse, Compiler(load_manifest(path)))
    clickhouse.client().command(f"DROP DATABASE {name} SYNC")


@pytest.fixture(scope="session", params=["plain", "nullable"])
def shop(request: pytest.FixtureRequest, clickhouse: Instance, declared: Path) -> Iterator[Shop]:
    nullable = request.param == "nullable"
    with opened(clickhouse, declared, f"shop_{request.param}", nullable=nullable, filled=True) as one:
        yield one


@pytest.fixture(scope="session")
def empty_shop(clickhouse: Instance, declared: Path) -> Iterator[Shop]:
    with opened(clickhouse, declared, "shop_empty", nullable=False, filled=False) as one:
        yield one
