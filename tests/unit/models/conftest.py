"""The dbt project as dbt reads it, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from warehouse.manifest import read_manifest


@pytest.fixture(scope="session")
def manifest() -> dict[str, Any]:
    return read_manifest()
