"""A simulated shop whose numbers are known: events as SDKs send them, other sources, and the truths about them.

`generate` and what it returns are imported when they are first asked for: numpy and Arrow take a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ingestion.demo.run import WorldSummary, generate
    from ingestion.demo.world import World

__all__ = ["World", "WorldSummary", "generate"]


def __getattr__(name: str) -> Any:
    if name == "World":
        from ingestion.demo.world import World

        return World
    if name in ("WorldSummary", "generate"):
        from ingestion.demo import run

        return getattr(run, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
