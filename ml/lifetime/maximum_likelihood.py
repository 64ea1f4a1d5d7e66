"""Positive parameters under which data are likeliest: from several starts, so that no local top is taken for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from warehouse.errors import MillraceError

Floats = NDArray[np.float64]
STARTS = (1.0, 0.1, 10.0)  # of every parameter
BOUNDS = (-7.0, 9.0)  # of their logarithms: where data name no parameter, the likelihood rises without an end


def maximise(
    log_likelihood: Callable[..., Floats],
    parameters: int,
    weights: Floats,
    lowest: Sequence[float] | None = None,
    what: str = "the model",
) -> tuple[tuple[float, ...], float]:
    """The parameters, and the logarithm of the likelihood with them; `lowest` are bounds that the model itself has."""
    from scipy.optimize import minimize

    total = weights.sum()

    def loss(logarithms: Floats) -> float:
        found = float((log_likelihood(*np.exp(logarithms)) * weights).sum() / total)
        return -found if np.isfinite(found) else 1e10

    least = [BOUNDS[0] if not one else max(BOUNDS[0], float(np.log(one))) for one in lowest or [0] * parameters]
    bounds = [(low, BOUNDS[1]) for low in least]
    best = None
    for start in STARTS:
        begin = np.clip(np.full(parameters, np.log(start)), least, BOUNDS[1])
        tried = minimize(loss, begin, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-13, "gtol": 1e-8})
        if best is None or tried.fun < best.fun - 1e-12:
            best = tried
    if best is None or best.fun >= 1e10:
        raise MillraceError(
            f"No parameters of {what} were found: its likelihood is no number with any.",
            hint="Look for amounts or dates that cannot be: negative revenue, orders of the future.",
        )
    return tuple(float(value) for value in np.exp(best.x)), float(-best.fun * total)
