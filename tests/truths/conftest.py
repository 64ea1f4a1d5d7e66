"""A small simulated world, loaded once, beside what is true of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from ingestion.demo import World, generate
from tests.other_sources import load_other_sources
from tests.support import Instance


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
    done = world.instance.json("build")
    assert {node["status"] for node in done["nodes"]} <= {"success", "pass"}
    manifest = world.instance.data_dir / "dbt" / "target" / "manifest.json"
    return replace(world, manifest=json.loads(manifest.read_text()))


@pytest.fixture(scope="session")
def metrics(built: LoadedWorld) -> Any:
    from tests.truths.asking import Metrics  # which knows a world, too

    return Metrics(built)
