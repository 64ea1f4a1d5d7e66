"""How well does the product's own churn model do on customers that everybody knows?

`python -m bench.churn PATH` takes a CSV of customers, packed or not: one row each, a column Churn (Yes or No), an id in
the first column, everything else is a feature. Five folds, seed 42; every figure is of rows that the model was not
trained on.
"""

from __future__ import annotations

import csv
import gzip
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.harness import report
from ml.churn.judging import figures
from ml.churn.model import Examples, fit

OUTCOME, YES = "Churn", "Yes"
FOLDS, SEED = 5, 42


def customers(path: Path) -> tuple[Examples, list[str], list[str]]:
    """The examples, and which of their columns are categories and which numbers."""
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    of_id, *names = (name for name in rows[0] if name != OUTCOME)
    categories = [name for name in names if not all(_number(row[name]) for row in rows)]
    numbers = [name for name in names if name not in categories]
    columns: dict[str, list[Any]] = {name: [row[name].strip() or None for row in rows] for name in categories}
    columns |= {name: [float(row[name]) if row[name].strip() else None for row in rows] for name in numbers}
    happened = np.array([row[OUTCOME] == YES for row in rows])
    assert len({row[of_id] for row in rows}) == len(rows), f"{of_id} is no id: it stands twice"
    return Examples(columns, happened, np.arange(len(rows), dtype=np.uint64)), categories, numbers


def _number(text: str) -> bool:
    try:
        float(text or 0)
    except ValueError:
        return not text.strip()
    return True


def out_of_fold(examples: Examples, categories: list[str], numbers: list[str]) -> NDArray[np.float64]:
    from sklearn.model_selection import StratifiedKFold

    said = np.zeros(len(examples.happened))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    for known, held_out in folds.split(said, examples.happened):
        model = fit(examples.rows(known), categories, numbers)
        said[held_out] = model.probability(examples.rows(held_out).columns)
    return said


def main(path: Path) -> None:
    examples, categories, numbers = customers(path)
    found = figures(out_of_fold(examples, categories, numbers), examples.happened)
    title = f"{len(examples.happened)} customers, {int(examples.happened.sum())} left; {FOLDS} folds, seed {SEED}"
    report("churn", title, ("figure", "value"), [(name, round(value, 4)) for name, value in found.items()])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python -m bench.churn CUSTOMERS.csv[.gz]")
    main(Path(sys.argv[1]))
