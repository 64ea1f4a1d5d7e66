"""Plots that are kept with a training."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def png(figure: Figure) -> bytes:
    """The same figure gives the same bytes."""
    kept = io.BytesIO()
    figure.savefig(kept, format="png", bbox_inches="tight", metadata={"Software": None})
    return kept.getvalue()
