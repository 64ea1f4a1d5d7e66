"""The YAML of the dbt models of features, from the registry: `python -m ml.features.dbt_yaml` writes it anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ml.features.registry import COLUMN_TYPES, Feature, FeatureTable, feature_tables

FILE = Path(__file__).resolve().parents[2] / "dbt_project" / "models" / "marts" / "features" / "_features.yml"
OPENING = "# Generated from ml/features/*.yaml by `make docs`; edit those, not this.\n"
KEY = {
    "project_id": ("LowCardinality(String)", "The project."),
    "person_key": ("UInt64", "Who; the key that all facts share. The key to erase by."),
    "local_date": ("Date", "The day at whose end it was so, in the project's timezone."),
}


def dbt_yaml(tables: dict[str, FeatureTable]) -> str:
    models = [_model(table) for table in tables.values()]
    document = {"version": 2, "models": models}
    return OPENING + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _model(table: FeatureTable) -> dict[str, Any]:
    columns: list[dict[str, Any]] = [
        {"name": name, "data_type": data_type, "description": description}
        for name, (data_type, description) in KEY.items()
    ]
    for name, feature in table.features.items():
        columns.append(
            {
                "name": name,
                "data_type": COLUMN_TYPES[feature.type],
                "description": _description(feature),
                "meta": {"feature": {"owner": feature.owner or table.owner, "window": feature.window}},
            }
        )
    return {
        "name": table.table,
        "description": table.about,
        "config": {"contract": {"enforced": True}, "meta": {"owner": table.owner}},
        "data_tests": [{"unique_combination": {"arguments": {"columns": list(KEY)}}}],
        "columns": columns,
    }


def _description(feature: Feature) -> str:
    window = "" if feature.window == "state" else f" Of the last {feature.window}, the day included."
    return f"{feature.definition}{window}"


def main() -> None:
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(dbt_yaml(feature_tables()), encoding="utf-8")


if __name__ == "__main__":
    main()
