"""docs/metrics.md says what the semantic models and metrics declare."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from semantic_layer.metrics.catalogue import Dimension, Metric
from semantic_layer.metrics.declared import declared
from semantic_layer.metrics.guide import FILE, domains_of, guide

Declared = tuple[dict[str, Metric], dict[str, Dimension]]


@pytest.fixture(scope="module")
def read(read_project: Path) -> Declared:
    return declared(read_project / "semantic_manifest.json")


def test_it_is_up_to_date(manifest: dict[str, Any], read: Declared) -> None:
    assert FILE.read_text(encoding="utf-8") == guide(*read, domains_of(manifest)), "write it anew: make docs"


def test_it_names_every_metric_and_dimension(manifest: dict[str, Any]) -> None:
    """By hand, not by the generator: a page that came out empty would agree with itself."""
    text = FILE.read_text(encoding="utf-8")
    shown = [metric for metric in manifest["metrics"].values() if not metric["config"]["meta"].get("hidden")]
    assert [metric["name"] for metric in shown if f"\n| `{metric['name']}` | **{metric['label']}**. " not in text] == []
    assert "mrr_at_start` |" not in text
    pages = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    assert "| ratio: revenue / marketing_spend | number ↑ | " in pages["Growth"]
    assert "| `user__plan` | **Plan**. " in pages["Dimensions"]


def test_a_change_of_a_metric_shows(manifest: dict[str, Any], read: Declared) -> None:
    metrics, dimensions = read
    changed = {**metrics, "orders": replace(metrics["orders"], description="Whatever.")}
    assert guide(changed, dimensions, domains_of(manifest)) != guide(metrics, dimensions, domains_of(manifest))
