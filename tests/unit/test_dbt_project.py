"""What the dbt project and the rest of the house must say alike."""

from __future__ import annotations

import yaml

from ingestion.registry import Pii, load_registry
from warehouse.dbt import PROJECT


def test_what_the_registry_calls_personal_is_in_no_mart() -> None:
    personal = {name for name, schema in load_registry().paths.items() if schema.pii is not Pii.NONE}
    variables = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
    assert set(variables["personal_properties"]) == personal
