"""The dbt project as dbt reads it, without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from warehouse.manifest import parsed


@pytest.fixture(scope="session")
def read_project() -> Iterator[Path]:
    with parsed() as folder:
        yield folder


@pytest.fixture(scope="session")
def manifest(read_project: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((read_project / "manifest.json").read_text(encoding="utf-8"))
    return found
