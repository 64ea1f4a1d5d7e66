"""What the YAML of the models documents is what the tables and views have."""

from __future__ import annotations

from tests.truths.conftest import LoadedWorld
from warehouse.manifest import layer, models, read_manifest

# Documented without what is in them, which follows the registry of event types.
OPEN_TYPES = ("JSON", "Tuple")


def test_documented_columns_and_types_are_those_of_the_warehouse(built: LoadedWorld) -> None:
    rows = built.instance.rows(
        "SELECT database, table, name, type FROM system.columns WHERE database IN ('staging', 'intermediate', 'marts')"
    )
    actual: dict[tuple[str, str], dict[str, str]] = {}
    for database, table, name, kind in rows:
        actual.setdefault((database, table), {})[name] = kind
    declared = {
        (layer(model), model["name"]): {
            # ClickHouse quotes the paths of a JSON type when it describes a query, and not when it describes a table.
            name: column["data_type"].replace("`", "")
            for name, column in model["columns"].items()
        }
        for model in models(read_manifest())
    }
    assert len(actual) > 15
    assert sorted(declared) == sorted(actual)
    for model, columns in declared.items():
        for name, kind in columns.items():
            if kind in OPEN_TYPES and actual[model].get(name, "").startswith(f"{kind}("):
                actual[model][name] = kind
        # ClickHouse shows a skipped path without the quotes that its parser wants.
        assert {name: kind.replace("`", "") for name, kind in columns.items()} == actual[model], model
