"""What the dbt project and the rest of the house must say alike."""

from __future__ import annotations

import yaml

from ingestion.masking import personal_names, persons
from ingestion.privacy import EMAIL
from ingestion.registry import Pii, load_registry
from warehouse.dbt import PROJECT


def test_what_is_personal_for_the_loader_is_in_no_mart() -> None:
    registry = load_registry()
    personal = {name for name, schema in registry.paths.items() if schema.pii is not Pii.NONE}
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    assert set(variables["personal_properties"]) == personal
    assert variables["personal_names"] == personal_names(registry)
    assert variables["persons"] == persons()
    assert variables["email"] == EMAIL
