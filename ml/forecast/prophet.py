"""Prophet: a trend that bends, and the week and year as waves. It needs days of a calendar."""

from __future__ import annotations

import logging
from datetime import timedelta

import numpy as np

from ml.forecast.series import Floats, Past

SEED = 42
DAYS_OF_A_YEAR = 730  # of history, before a year is a pattern

# It misses plotly, which nothing here draws with; Stan would tell of each fit on standard error.
logging.getLogger("prophet.plot").setLevel(logging.CRITICAL)
logging.getLogger("cmdstanpy").setLevel(logging.ERROR)
logging.getLogger("cmdstanpy").addHandler(logging.NullHandler())


def prophet(past: Past, steps: int) -> Floats:
    import pandas
    from prophet import Prophet

    if past.start is None:
        raise ValueError("Prophet needs days of a calendar.")
    days = [past.start + timedelta(days=step) for step in range(len(past) + steps)]
    told = pandas.DataFrame({"ds": pandas.to_datetime(days[: len(past)]), "y": past.scaled})
    # No samples: its own bands differ from call to call whatever seed the fit has (predict draws from numpy's global
    # state), and bands are made of backtests anyhow.
    model = Prophet(
        weekly_seasonality=True,
        daily_seasonality=False,
        yearly_seasonality=len(past) >= DAYS_OF_A_YEAR,
        uncertainty_samples=0,
    )
    model.fit(told, seed=SEED)
    ahead = pandas.DataFrame({"ds": pandas.to_datetime(days[len(past) :])})
    return np.asarray(model.predict(ahead)["yhat"], dtype=np.float64)
