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
from tests.integration.conformance.tables import DATABASE, removed, statements
from tests.support import Instance
from warehouse.dbt import invoke

PROJECT = Path(__file__).with_name("project")
Rows = list[tuple[Any, ...]]


class Shop:
    """Asks for metrics as a person would, and gets plain rows."""

    def __init__(self, clickhouse: Instance, compiler: Compiler) -> None:
        self.clickhouse, self.compiler = clickhouse, compiler

    def sql(self, *metrics: str, by: tuple[str, ...] = (), timezone: str = "Europe/Berlin", **more: Any) -> str:
        request = MetricFlowQueryRequest.create(
            metric_names=metrics, **{"group_by_names": by, "order_by_names": by, **more}
        )
        return self.compiler.compile(request, "demo", timezone)

    def ask(self, *metrics: str, by: tuple[str, ...] = (), timezone: str = "Europe/Berlin", **more: Any) -> Rows:
        return self.clickhouse.rows(self.sql(*metrics, by=by, timezone=timezone, **more), role="analyst")


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
def opened(clickhouse: Instance, declared: Path, name: str, *, nullable: bool, filled: bool = True) -> Iterator[Shop]:
    for statement in statements(name, nullable, filled):
        clickhouse.client().command(statement)
    renamed = json.loads(declared.read_text())
    for node in (*renamed["semantic_models"], *renamed["project_configuration"]["time_spines"]):
        relation = node["node_relation"]
        relation["schema_name"], relation["alias"] = DATABASE, f"{name}_{relation['alias']}"
        relation["relation_name"] = f"`{DATABASE}`.`{relation['alias']}`"
    path = declared.with_name(f"{name}.json")
    path.write_text(json.dumps(renamed))
    yield Shop(clickhouse, Compiler(load_manifest(path)))
    for statement in removed(name):
        clickhouse.client().command(statement)


@pytest.fixture(scope="session", params=["plain", "nullable"])
def shop(request: pytest.FixtureRequest, clickhouse: Instance, declared: Path) -> Iterator[Shop]:
    with opened(clickhouse, declared, request.param, nullable=request.param == "nullable") as one:
        yield one


@pytest.fixture(scope="session")
def empty_shop(clickhouse: Instance, declared: Path) -> Iterator[Shop]:
    with opened(clickhouse, declared, "empty", nullable=False, filled=False) as one:
        yield one
