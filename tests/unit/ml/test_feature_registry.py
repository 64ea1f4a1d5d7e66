"""The registry of features: what it may say, and that dbt says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.features.dbt_yaml import FILE, dbt_yaml
from ml.features.registry import feature_table, feature_tables
from warehouse.errors import MillraceError

TABLE = """
table: feat_things
owner: growth
about: "Grain: one row per thing."
features:
  colour:
    definition: Colour of it.
    type: category
    window: state
    theme: looks
    says: "it is {value}"
"""


def test_dbt_has_what_the_registry_declares() -> None:
    assert FILE.read_text(encoding="utf-8") == dbt_yaml(feature_tables()), "run `make docs`"


def test_every_value_has_words() -> None:
    features = feature_table("feat_user_daily").features
    assert features["activity_fall_30"].in_words(0.5).startswith("active days fell by 50%")
    assert features["errors_30"].in_words(3.0) == "3 errors shown in the last 30 days"
    assert features["payment_failed_30"].in_words(True) == "a payment failed in the last 30 days"
    assert features["payment_failed_30"].in_words(False) == "no payment failed in the last 30 days"
    assert features["monthly_revenue"].in_words(1234.5) == "pays 1,234.5 per month"
    assert features["days_on_plan"].in_words(None) == "at this plan and price for unknown days"


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("type: category", "type: colour", "features.colour.type"),
        ("window: state", "window: soon", "features.colour.window"),
        ("{value}", "red", "the text must hold {value}"),
        ("    window: state\n", "", "features.colour.window: Field required"),
        ("  colour:", "  Colour:", "features.Colour"),
        ("type: category", "type: flag", "a flag has two texts"),
        ("owner: growth", "owner: growth\nowner: sales", "'owner' stands twice"),
        ("owner: growth", "owner: [", "is no YAML"),
    ],
)
def test_what_a_declaration_may_not_say(tmp_path: Path, before: str, after: str, sentence: str) -> None:
    assert before in TABLE
    (tmp_path / "things.yaml").write_text(TABLE.replace(before, after))
    with pytest.raises(MillraceError) as error:
        feature_tables(tmp_path)
    assert "things.yaml" in error.value.message and sentence in error.value.message


def test_an_unknown_feature_is_named_with_its_nearest() -> None:
    with pytest.raises(MillraceError, match="did you mean 'errors_30'"):
        feature_table("feat_user_daily").feature("errors_3")
