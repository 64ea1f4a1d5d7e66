from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from ingestion.demo.run import generate
from ingestion.demo.world import World

TINY = 8_000


@pytest.fixture(scope="session")
def tiny() -> World:
    return World(size=TINY, seed=11)


@pytest.fixture(scope="session")
def folder(tiny: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("worlds") / "tiny"
    generate(tiny, made)
    return made


@pytest.fixture(scope="session")
def truths(folder: Path) -> Any:
    return orjson.loads((folder / "truths.json").read_bytes())
