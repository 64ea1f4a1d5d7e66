"""Of the world of tests/truths what takes long."""

from __future__ import annotations

from tests.truths.conftest import built, superset, world

__all__ = ["built", "superset", "world"]
