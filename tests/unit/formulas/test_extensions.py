"""What a semantic model brings that extends another."""

from __future__ import annotations

from typing import Any

from semantic_layer.metrics.extensions import merged


def model(name: str, dimensions: str, measures: str, extends: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "dimensions": [{"name": letter, "expr": f"{name} {letter}"} for letter in dimensions],
        "measures": [{"name": letter, "expr": f"{name} {letter}"} for letter in measures],
        "config": {"meta": {"extends": extends} if extends else {}},
    }


def test_its_measures_and_dimensions_are_of_the_extended_model() -> None:
    manifest = {
        "metrics": [{"name": "m"}],
        "semantic_models": [
            model("more", "tb", "y", extends="events"),
            model("events", "ta", "x"),
            model("others", "t", "z"),
            model("again", "tbc", "v", extends="events"),
        ],
    }
    before = repr(manifest)
    events, others = merged(manifest)["semantic_models"]
    assert repr(manifest) == before
    assert [measure["expr"] for measure in events["measures"]] == ["events x", "more y", "again v"]
    assert [d["expr"] for d in events["dimensions"]] == ["events t", "events a", "more b", "again c"]
    assert others == manifest["semantic_models"][2] and merged(manifest)["metrics"] == [{"name": "m"}]


def test_a_model_that_extends_what_there_is_not_stays() -> None:
    manifest = {
        "metrics": [],
        "semantic_models": [{**model("a", "t", "x", extends="none")}, {**model("b", "", ""), "config": None}],
    }
    assert merged(manifest) == manifest
