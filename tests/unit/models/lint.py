"""What every model must declare. Each problem is a sentence that names the model and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from warehouse.manifest import keys_of, layer, models

PREFIXES = {
    "staging": ("stg_",),
    "intermediate": ("int_",),
    "marts": ("dim_", "fct_", "agg_", "funnel_", "retention_", "feat_", "pred_"),
}
IMPERSONAL = ("", "none", "removed")  # else a class of the registry of event types: personal, sensitive
Manifest = dict[str, Any]
Model = dict[str, Any]


def problems(manifest: Manifest) -> list[str]:
    return [
        f"{model['name']} ({model['original_file_path']}): {problem}"
        for model in models(manifest)
        for rule in RULES
        for problem in rule(manifest, model)
    ]


def states_its_grain(_: Manifest, model: Model) -> Iterator[str]:
    if not model["description"].startswith("Grain: one row per "):
        yield "its description must begin with `Grain: one row per …`"


def has_a_tested_key(manifest: Manifest, model: Model) -> Iterator[str]:
    """Only a model whose rows do not count one by one may have none, and says why."""
    if not keys_of(manifest, model) and (layer(model) == "marts" or not model["config"]["meta"].get("no_key")):
        yield "no tested key: `unique` on a column or `unique_combination`; outside marts, else why not in meta.no_key"


def documents_its_columns(_: Manifest, model: Model) -> Iterator[str]:
    if not model["columns"]:
        yield "no column is documented"
    for column in model["columns"].values():
        for what in ("description", "data_type"):
            if not column[what]:
                yield f"column {column['name']} has no {what}"


def is_named_by_its_folder(_: Manifest, model: Model) -> Iterator[str]:
    prefixes = PREFIXES.get(layer(model), ())
    if layer(model) == "staging":
        prefixes = (f"stg_{model['fqn'][2]}__",)
    if not model["name"].startswith(prefixes):
        yield f"a model of {'/'.join(model['fqn'][1:-1])} begins with {' or '.join(prefixes)}"


def reads_sources_in_staging_only(_: Manifest, model: Model) -> Iterator[str]:
    if layer(model) != "staging":
        for source in model["depends_on"]["nodes"]:
            if source.startswith("source."):
                yield f"reads {'.'.join(source.split('.')[2:])} itself: put a staging model in front of it"


def keeps_a_contract_in_marts(_: Manifest, model: Model) -> Iterator[str]:
    if layer(model) == "marts" and not model["config"]["contract"]["enforced"]:
        yield "a mart needs config: {contract: {enforced: true}}"


def is_not_personal_in_marts(manifest: Manifest, model: Model) -> Iterator[str]:
    """Also not by another model's word: a column of the same name in what the mart is made from."""
    if layer(model) != "marts":
        return
    upstream = _personal_columns(manifest, model)
    for column in model["columns"].values():
        said = _pii(column)
        if said not in IMPERSONAL:
            yield f"column {column['name']} is {said}: nothing personal may be in a mart"
        elif not said and column["name"] in upstream:
            yield (
                f"column {column['name']} is personal in {upstream[column['name']]}: leave it out, or say "
                "meta: {pii: removed} where what is personal was taken out, {pii: none} where it is another thing"
            )


def tests_nothing_that_cannot_fail(manifest: Manifest, model: Model) -> Iterator[str]:
    """A contract that is enforced refuses a column that may be NULL where its type says that it may not."""
    if not model["config"]["contract"]["enforced"]:
        return
    for test in manifest["nodes"].values():
        column = model["columns"].get(test.get("column_name") or "", {})
        of_model = test.get("attached_node") == model["unique_id"]
        if of_model and test["test_metadata"]["name"] == "not_null" and "Nullable" not in column.get("data_type", ""):
            type_ = column["data_type"]
            yield f"not_null of {column['name']} cannot fail: the contract says {type_}, which is never NULL"


RULES: tuple[Callable[[Manifest, Model], Iterator[str]], ...] = (
    states_its_grain,
    has_a_tested_key,
    documents_its_columns,
    is_named_by_its_folder,
    reads_sources_in_staging_only,
    keeps_a_contract_in_marts,
    is_not_personal_in_marts,
    tests_nothing_that_cannot_fail,
)


def _personal_columns(manifest: Manifest, model: Model) -> dict[str, str]:
    """Column -> the model below the marts, among all that this one is made from, that calls it personal."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    todo = list(model["depends_on"]["nodes"])
    while todo:
        name = todo.pop()
        node = manifest["nodes"].get(name)
        if name in seen or node is None or node["resource_type"] != "model":
            continue
        seen.add(name)
        todo += node["depends_on"]["nodes"]
        if layer(node) != "marts":
            found |= {c["name"]: node["name"] for c in node["columns"].values() if _pii(c) not in IMPERSONAL}
    return found


def _pii(column: dict[str, Any]) -> str:
    return str(column["meta"].get("pii", ""))
