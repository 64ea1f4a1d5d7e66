"""docs/data-dictionary.md says what the models declare."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from warehouse.data_dictionary import FILE, dictionary
from warehouse.manifest import models


def test_it_is_up_to_date(manifest: dict[str, Any]) -> None:
    assert FILE.read_text(encoding="utf-8") == dictionary(manifest), "write it anew: make docs"


def test_it_names_every_model_and_column(manifest: dict[str, Any]) -> None:
    """By hand, not by the generator: a page that came out empty would agree with itself."""
    pages = dict(part.split("\n", 1) for part in FILE.read_text(encoding="utf-8").split("\n### ")[1:])
    for model in models(manifest):
        page = pages[model["name"]]
        assert [name for name in model["columns"] if f"\n| `{name}` | `" not in page] == [], model["name"]
    page = pages["agg_active_users"]
    assert "Grain: one row per project and local day" in page
    assert "Key: `project_id` + `local_date`. Owner: product." in page
    assert (
        "| `daily_of_weekly` | `Nullable(Float64)` | Daily by weekly active users; NULL where there are none. |  |"
        in page
    )
    assert "one of empty, bot, internal, test_project" in pages["int_events_sessionised"]


def test_a_change_of_a_model_shows(manifest: dict[str, Any]) -> None:
    changed = deepcopy(manifest)
    changed["nodes"]["model.millrace.agg_active_users"]["columns"]["local_date"]["description"] = "Any day."
    assert dictionary(changed) != dictionary(manifest)
