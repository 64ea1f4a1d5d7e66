"""Do the models of lifetimes find what the literature found, and who of them tells best what customers do?

`python -m bench.lifetime CDNOW_sample.txt`: 39 weeks to learn from, 39 to judge by (Fader, Hardie and Lee 2005). The
file has a purchase per line: id, id in the sample, yyyymmdd, CDs, dollars.
"""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path
from typing import get_args

import numpy as np

from bench.harness import report
from ml.lifetime.buying import Kind, fit_buying, likeliest_buying
from ml.lifetime.histories import Histories, Purchases, histories_at, purchases_between, purchases_of
from ml.lifetime.model import compared
from ml.lifetime.spending import fit_spending

LEARNED_UNTIL, WEEKS = date(1997, 9, 30), 39
PUBLISHED = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426, "p": 6.25, "q": 3.74, "v": 15.44}


def read_cdnow(path: Path) -> Purchases:
    rows = []
    for line in path.read_text().splitlines():
        _, customer, day, _, dollars = line.split()
        rows.append((customer, date(int(day[:4]), int(day[4:6]), int(day[6:])), float(dollars)))
    return purchases_of(rows)


def split(purchases: Purchases) -> tuple[Histories, np.ndarray, np.ndarray]:
    histories = histories_at(purchases, LEARNED_UNTIL)
    until = LEARNED_UNTIL + timedelta(weeks=WEEKS)
    return histories, *purchases_between(purchases, histories.customers, LEARNED_UNTIL, until)


def main() -> None:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_file():
        sys.exit("Usage: python -m bench.lifetime CDNOW_sample.txt")
    histories, actual, paid = split(read_cdnow(Path(sys.argv[1])))
    spending = fit_spending(histories)
    fitted = {kind: fit_buying(histories, kind) for kind in get_args(Kind)}
    found = {**{name: getattr(fitted["BG/NBD"], name) for name in ("r", "alpha", "a", "b")}}
    found |= {name: getattr(spending, name) for name in ("p", "q", "v")}
    report(
        "lifetime_parameters",
        f"BG/NBD and Gamma-Gamma of {len(histories):,} customers",
        ("parameter", "published", "found"),
        [(name, PUBLISHED[name], found[name]) for name in PUBLISHED],
    )
    chosen = likeliest_buying(histories).kind
    rate = histories.repeats.sum() / histories.age.sum() * WEEKS
    said = {
        **{
            kind + " (what millrace takes)" * (kind == chosen): (
                model.expected(histories, WEEKS),
                model.log_likelihood,
            )
            for kind, model in fitted.items()
        },
        "rate of each customer": (histories.repeats / histories.age * WEEKS, float("nan")),
        "rate of all customers": (np.full(len(histories), rate), float("nan")),
        "nobody comes": (np.zeros(len(histories)), float("nan")),
    }
    rows = []
    for name, (expected, likelihood) in said.items():
        judged = compared(expected, expected * spending.expected(histories), actual, paid)
        columns = ("mae", "rmse", "deviance", "purchases_expected", "purchases")
        rows.append((name, "" if np.isnan(likelihood) else likelihood, *(judged[column] for column in columns)))
    report(
        "lifetime_holdout",
        f"{WEEKS} weeks that were not learned from",
        ("who says it", "log-likelihood", "MAE", "RMSE", "deviance", "expected", "came"),
        rows,
    )


if __name__ == "__main__":
    main()
