"""Currency rates, and amounts in the project's currency: exact, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingestion.demo.clock import Clock
from ingestion.demo.reference import CURRENCIES, CURRENCY_LEVEL
from ingestion.demo.streams import stream

Ints = NDArray[np.int64]

RATE_UNIT = 1_000_000  # rates have six digits
MISSING = 0


@dataclass(frozen=True)
class Rates:
    """`rate[c, d]`: millionths of the project's currency for one unit of currency `c` on day `d`; MISSING."""

    currency: str
    rate: Ints
    missing_currency: str
    missing_day: int

    def convert(self, cents: Ints, currency: Ints, day: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """Amounts in hundred-millionths of the project's currency, and where there is a rate for them."""
        rate = self.rate[currency, day]
        return cents * rate, rate != MISSING


def rates(seed: int, project: str, currency: str, clock: Clock) -> Rates:
    """A slow random walk for each currency; one currency has no rate on one day, as happens."""
    rng = stream(seed, "rates", project)
    own = CURRENCIES.index(currency)
    steps = rng.normal(0, 0.004, (len(CURRENCIES), clock.days))
    level = CURRENCY_LEVEL[own] / np.array(CURRENCY_LEVEL)
    rate = np.rint(level[:, None] * np.exp(np.cumsum(steps, axis=1)) * RATE_UNIT).astype(np.int64)
    rate[own] = RATE_UNIT
    # A currency in which there are orders almost every day: the dollar, or the pound where that is our own.
    missing = CURRENCIES.index("USD" if currency != "USD" else "GBP")
    day = int(rng.integers(60, 120))
    rate[missing, day] = MISSING
    return Rates(currency, rate, CURRENCIES[missing], day)
