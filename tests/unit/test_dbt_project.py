"""What the dbt project and the rest of the house must say alike."""

from __future__ import annotations

import os
import threading

import pytest
import yaml

from ingestion.masking import personal_names, persons
from ingestion.privacy import EMAIL
from ingestion.registry import Pii, load_registry
from warehouse.dbt import PROJECT, variables


def test_what_is_personal_for_the_loader_is_in_no_mart() -> None:
    registry = load_registry()
    personal = {name for name, schema in registry.paths.items() if schema.pii is not Pii.NONE}
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    assert set(variables["personal_properties"]) == personal
    assert variables["personal_names"] == personal_names(registry)
    assert variables["persons"] == persons()
    assert variables["email"] == EMAIL


def test_what_is_set_for_dbt_leaves_the_rest_of_the_environment_there_for_other_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALWAYS", "there")
    monkeypatch.setenv("CHANGED", "before")
    missed, done = [], threading.Event()

    def watch() -> None:
        while not done.is_set():
            missed.extend(name for name in ("ALWAYS", "PATH") if name not in os.environ)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(300):
        with variables({"CHANGED": "inside", "ADDED": "inside"}):
            os.environ["BY_DBT"] = "inside"
    done.set()
    watcher.join()
    assert missed == []
    assert os.environ["CHANGED"] == "before"
    assert not {"ADDED", "BY_DBT"} & os.environ.keys()
