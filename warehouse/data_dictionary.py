"""docs/data-dictionary.md, of what the dbt project declares: `python -m warehouse.data_dictionary` writes it anew."""

from __future__ import annotations

from typing import Any

from warehouse.dbt import PROJECT
from warehouse.manifest import keys_of, layer, models, read_manifest, tests_of

FILE = PROJECT.parent / "docs" / "data-dictionary.md"
OPENING = """# Data dictionary

Generated from the YAML of dbt_project by `make docs`; edit that, not this. One ClickHouse database per layer. Analysts
and dashboards read `marts`.
"""
LAYER_SENTENCES = {
    "marts": "What people read. Columns and types are kept by contract; nothing personal is in it.",
    "intermediate": "What marts are made from. Not for reports: it changes when models do.",
    "staging": "Views of raw: renamed and cast, nothing else.",
}
MADE = {
    "view": "a view",
    "table": "a table, made anew by each build",
    "by_day": "a table of days: a build makes the days that changed",
    "collected": "a table that each build adds to",
}


def dictionary(manifest: dict[str, Any]) -> str:
    pages = [OPENING]
    for name, sentence in LAYER_SENTENCES.items():
        found = [model for model in models(manifest) if layer(model) == name]
        listed = ", ".join(f"[{model['name']}](#{model['name']})" for model in found)
        pages += [f"\n## {name}\n\n{sentence}\n\n{listed}\n", *(_page(manifest, model) for model in found)]
    return "".join(pages)


def _page(manifest: dict[str, Any], model: dict[str, Any]) -> str:
    made = MADE[model["config"]["materialized"]]
    facts = [f"In `{model['schema']}`, {made}."]
    if keys := keys_of(manifest, model):
        facts.append(f"Key: {', or '.join(_names(key) for key in keys)}.")
    if owner := model["config"]["meta"].get("owner"):
        facts.append(f"Owner: {owner}.")
    if others := _tests(manifest, model, ""):
        facts.append(f"Tested: {others}.")
    rows = [
        f"| `{column['name']}` | `{_cell(column['data_type'] or '')}` | {_cell(column['description'])} | "
        f"{_cell(_tests(manifest, model, column['name']))} |"
        for column in model["columns"].values()
    ]
    return "\n".join(
        [
            f"\n### {model['name']}\n",
            " ".join(model["description"].split()) + "\n",
            " ".join(facts) + "\n",
            *(["| column | type | meaning | tested |", "|---|---|---|---|", *rows] if rows else []),
            "",
        ]
    )


def _tests(manifest: dict[str, Any], model: dict[str, Any], column: str) -> str:
    """The tests of a column, or of the model as a whole other than its keys, in words."""
    words = [
        _test(test)
        for test in tests_of(manifest, model)
        if (test["column_name"] or "") == column and test["test_metadata"]["name"] != "unique_combination"
    ]
    return "; ".join(sorted(words))


def _test(test: dict[str, Any]) -> str:
    declared = test["test_metadata"]
    given = declared["kwargs"]
    if declared["name"] == "relationships":
        return f"is in {given['to'].removeprefix('ref(').strip(')').strip(chr(39))}.{given['field']}"
    if declared["name"] == "accepted_values":
        return f"one of {', '.join(str(value) or 'empty' for value in given['values'])}"
    return str(declared["name"]).replace("_", " ")


def _names(columns: tuple[str, ...]) -> str:
    return " + ".join(f"`{column}`" for column in columns)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    FILE.write_text(dictionary(read_manifest()), encoding="utf-8")
