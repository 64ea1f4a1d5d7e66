"""A small simulated world, loaded once, beside what is true of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from ingestion.demo import World, generate
from tests.other_sources import load_other_sources
from tests.support import Instance

# What builds would have written on days of this world: day, table, project (empty: all of them at once) and score.
SCORES = [
    ("2026-03-02", "marts.fct_orders", "demo", 60.0),
    ("2026-03-02", "marts.fct_orders", "demo_mobile", 90.0),
    ("2026-03-02", "marts.dim_dates", "", 100.0),
    ("2026-03-31", "raw.events", "demo", 75.5),
    ("2026-04-01", "marts.dim_dates", "", 40.0),
]
# The mean of all tables is none of a table, and of a day and table the last score counts.
BESIDE_SCORES = [
    ("2026-03-02", "", "demo", 1.0),
    ("2026-03-02", "", "", 2.0),
    ("2026-04-01", "marts.dim_dates", "", 3.0),
]


@dataclass(frozen=True)
class LoadedWorld:
    instance: Instance
    folder: Path
    truths: dict[str, Any]
    loaded: dict[str, Any]
    manifest: dict[str, Any] = field(default_factory=dict)  # what dbt says of the project, once it is built


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadedWorld]:
    folder = tmp_path_factory.mktemp("truths") / "world"
    generate(World(size=8_000), folder)
    with Instance(tmp_path_factory.mktemp("truths") / "millrace") as instance:
        instance.up()
        loaded = instance.json("load", str(folder / "events"), str(folder / "faults"))
        load_other_sources(instance, folder / "sources")
        yield LoadedWorld(instance, folder, json.loads((folder / "truths.json").read_text()), loaded)


@pytest.fixture(scope="session")
def built(world: LoadedWorld) -> LoadedWorld:
    """The same, with the models built."""
    client, columns = world.instance.client(), ("day", "asset", "project_id", "score")
    for rows, hour in ((BESIDE_SCORES, 8), (SCORES, 9)):
        stamped = [(date.fromisoformat(day), *row, datetime(2026, 7, 1, hour, tzinfo=UTC)) for day, *row in rows]
        client.insert("ops.quality_scores", stamped, column_names=(*columns, "written_at"))
    done = world.instance.json("build")
    assert {node["status"] for node in done["nodes"]} <= {"success", "pass"}
    manifest = world.instance.data_dir / "dbt" / "target" / "manifest.json"
    return replace(world, manifest=json.loads(manifest.read_text()))


@pytest.fixture(scope="session")
def metrics(built: LoadedWorld) -> Any:
    from tests.truths.asking import Metrics  # which knows a world, too

    return Metrics(built)


@pytest.fixture(scope="session")
def superset(built: LoadedWorld) -> Any:
    """Superset of that world, with its dashboards; it is stopped with the world's server."""
    from tests.truths.running_superset import RunningSuperset

    return RunningSuperset(built.instance)
