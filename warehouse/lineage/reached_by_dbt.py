"""What dbt's manifest knows beside tables: tests, semantic models, metrics, exposures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from warehouse.lineage.impact import ALL, Item, Reached

# A mart that is declared by one call: what people know it as.
JOURNEYS = {"funnel_mart": "funnel", "retention_mart": "retention", "paths_mart": "paths"}
SHOWN_COLUMNS = 4


def tables(reached: Reached) -> Iterator[Item]:
    for asset in reached.tables[1:]:
        node = reached.graph.manifest["nodes"][reached.graph.nodes[asset]]
        macros = {macro.rpartition(".")[2] for macro in node["depends_on"]["macros"]}
        kind = next((name for macro, name in JOURNEYS.items() if macro in macros), "model")
        yield Item(kind, asset, _because(reached, asset), asset not in reached.maybe)


def tests(reached: Reached) -> Iterator[Item]:
    graph = reached.graph
    for test in graph.tests.values():
        about = [graph.assets[node] for node in test["depends_on"]["nodes"] if node in graph.assets]
        metadata = test.get("test_metadata")
        arguments = (metadata or {}).get("kwargs", {})
        words = _words(json.dumps(arguments) if metadata else test["raw_code"])
        touched = [asset for asset in about if reached.touches(asset, words)]
        if touched:
            surely = any(asset not in reached.maybe for asset in touched)
            yield Item("test", test["name"], f"reads {touched[0]}", surely)


def metrics(reached: Reached) -> Iterator[Item]:
    """Semantic models, and metrics of what is reached in them; formulas are metrics too."""
    manifest, graph = reached.graph.manifest, reached.graph
    measures: dict[str, str] = {}
    dimensions: set[str] = set()
    for model in manifest["semantic_models"].values():
        asset = next((graph.assets[node] for node in model["depends_on"]["nodes"] if node in graph.assets), "")
        touched = {
            kind: [one for one in model[kind] if reached.touches(asset, _words(one["expr"] or one["name"]))]
            for kind in ("measures", "dimensions", "entities")
        }
        named = {one["name"] for one in touched["dimensions"]}
        default_time = (model.get("defaults") or {}).get("agg_time_dimension")
        by_time = [one for one in model["measures"] if (one["agg_time_dimension"] or default_time) in named]
        of_model = {one["name"] for one in [*touched["measures"], *by_time]}
        if of_model or named or touched["entities"]:
            yield Item("semantic model", model["name"], f"is made of {asset}", asset not in reached.maybe)
        measures |= dict.fromkeys(of_model, asset)
        dimensions |= {f"__{name}'" for name in named}
    yield from _metrics(manifest["metrics"].values(), measures, dimensions, reached.maybe)


def _metrics(
    declared: Iterable[Mapping[str, Any]], measures: Mapping[str, str], dimensions: set[str], maybe: frozenset[str]
) -> Iterator[Item]:
    reached: dict[str, Item] = {}
    left = list(declared)
    while left:
        later = []
        for metric in left:
            item = _metric(metric, measures, dimensions, maybe, reached)
            if item is None:
                later.append(metric)
            else:
                reached[metric["unique_id"]] = item
        if len(later) == len(left):
            break
        left = later
    yield from sorted(reached.values(), key=lambda item: item.name)


def _metric(
    metric: Mapping[str, Any],
    measures: Mapping[str, str],
    dimensions: set[str],
    maybe: frozenset[str],
    reached: Mapping[str, Item],
) -> Item | None:
    kind = "formula" if metric["config"].get("meta", {}).get("formula") else "metric"
    for measure in metric["type_params"].get("input_measures") or ():
        if (name := measure["name"]) in measures:
            return Item(kind, metric["name"], f"counts {name} of {measures[name]}", measures[name] not in maybe)
    filters = json.dumps([metric["filter"], metric["type_params"]])
    for dimension in sorted(dimensions):
        if dimension in filters:
            return Item(kind, metric["name"], f"filters by {dimension[2:-1]}")
    for other in metric["depends_on"]["nodes"]:
        if other in reached:
            return Item(kind, metric["name"], f"is made of the metric {reached[other].name}", reached[other].certain)
    return None


def exposures(reached: Reached) -> Iterator[Item]:
    """Which columns one uses, nobody declares."""
    for exposure in reached.graph.manifest["exposures"].values():
        used = [reached.graph.assets.get(node, "") for node in exposure["depends_on"]["nodes"]]
        if touched := [asset for asset in used if asset in reached.tables]:
            yield Item("exposure", exposure["name"], f"uses {touched[0]}", reached.columns is None)


def _because(reached: Reached, asset: str) -> str:
    if reached.columns is None:
        parents = [reached.graph.assets.get(one, "") for one in reached.graph.parents(reached.graph.nodes[asset])]
        return f"is made of {', '.join(parent for parent in parents if parent in reached.tables)}"
    if asset in reached.rows_only:
        return "in which rows it has, no value of it"
    columns = reached.columns[asset]
    if columns == ALL:
        return "which of its columns cannot be told"
    shown = sorted(columns)
    more = f" and {len(shown) - SHOWN_COLUMNS} more" if len(shown) > SHOWN_COLUMNS else ""
    return f"{', '.join(shown[:SHOWN_COLUMNS])}{more}"


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))
