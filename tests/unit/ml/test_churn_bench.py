"""The product's own churn model on a CSV of customers, as `python -m bench.churn` measures it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.churn import customers, out_of_fold
from ml.churn.judging import figures

TELCO = Path(__file__).parents[4] / "shared/data/ml/Telco-Customer-Churn.csv.gz"


def test_customers_of_a_csv(tmp_path: Path) -> None:
    """A small twin of the file: blanks, numbers and words in the columns of each kind."""
    path = tmp_path / "customers.csv"
    path.write_text("id,Plan,Months,Total,Churn\na,Basic,1,29.5,Yes\nb,,34, ,No\nc,Gold,2,108,No\n")
    examples, categories, numbers = customers(path)
    assert (categories, numbers) == (["Plan"], ["Months", "Total"])
    assert examples.columns == {"Plan": ["Basic", None, "Gold"], "Months": [1, 34, 2], "Total": [29.5, None, 108]}
    assert examples.happened.tolist() == [True, False, False]


@pytest.mark.skipif(not TELCO.is_file(), reason=f"{TELCO} is not there; its small twin is read all the same")
def test_it_reaches_what_is_known_to_be_possible_on_telco() -> None:
    examples, categories, numbers = customers(TELCO)
    said = out_of_fold(examples, categories, numbers)
    found = figures(said, examples.happened)
    assert (len(said), int(np.sum(examples.happened))) == (7043, 1869)
    assert found["auc"] >= 0.845
    assert found["brier"] <= 0.136
