"""docs/metrics.md, of what the dbt project declares: `python -m semantic_layer.metrics.guide` writes it anew."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from semantic_layer.metrics.catalogue import Dimension, Metric
from semantic_layer.metrics.declared import declared
from warehouse.dbt import PROJECT
from warehouse.manifest import parsed

FILE = PROJECT.parent / "docs" / "metrics.md"
OPENING = """# Metrics

Generated from `dbt_project/models/semantic` by `make docs`; edit that, not this. For people who ask, and for those who
add a metric. How to ask is in [cli.md](cli.md) and [questions.md](questions.md), metrics without YAML are in
[formulas.md](formulas.md).

- Days, weeks (from Monday) and months are those of the project's timezone, amounts are in its currency.
- *Number* says how it is shown (percent is of 1), and whether more is better (↑), worse (↓) or neither.
- *By* is what a metric can be grouped and filtered by, beside `metric_time`: `session` is every dimension of
  [session](#session). It is the first of those listed that is meant where several have one of the same name: the
  country of sessions is where they were, that of orders the buyer's home.
- A share of people that takes time to be known, as day-7 retention, leaves out those for whom that time is not over:
  they are not told as people who did not come back.
- What was known of a user is that of the instant of the fact. Strangers have no plan.

To add one, write it beside its like and run `make docs`. A test says what is missing: a label, a description, who
answers for it (`meta.owner`), how it reads (`format`, `good`) and what people call it (`synonyms`, no two metrics the
same). With `meta.hidden` a metric, a dimension or an entity only helps others; `meta.prefers` of a semantic model is
the order of *By*, and a dimension with `meta.own` is of the metrics of its semantic model alone. What waits for
people, as *activated within 7 days*, says how long (`window_days: 7`; of a conversion metric its window is known): of
so many last days it is told as not final.
"""
SIGNS = {"up": " ↑", "down": " ↓", "neutral": ""}


def guide(metrics: Mapping[str, Metric], dimensions: Mapping[str, Dimension], files: Mapping[str, str]) -> str:
    """`files`: the file that declares each metric, without its ending: the domain."""
    domains: dict[str, list[Metric]] = defaultdict(list)
    for metric in metrics.values():
        domains[files[metric.name]].append(metric)
    entities: dict[str, list[Dimension]] = defaultdict(list)
    for dimension in dimensions.values():
        entities[_entity(dimension.name)].append(dimension)
    pages = [OPENING, f"\n{len(metrics)} metrics: {', '.join(map(_link, sorted(domains)))}. {_link('dimensions')}.\n"]
    for domain, those in sorted(domains.items()):
        pages += [f"\n## {_title(domain)}\n\n", "| metric | what | made of | number | by |\n|---|---|---|---|---|\n"]
        pages += [_metric(metric, entities) for metric in sorted(those, key=lambda metric: metric.name)]
    pages.append("\n## Dimensions\n")
    for entity, its in sorted(entities.items()):
        pages += [f"\n### {entity}\n\n", "| dimension | what | values |\n|---|---|---|\n", *map(_dimension, its)]
    return "".join(pages)


def domains_of(manifest: Mapping[str, Mapping[str, Mapping[str, str]]]) -> dict[str, str]:
    files = {metric["name"]: Path(metric["original_file_path"]) for metric in manifest["metrics"].values()}
    # Those that `metrics define` wrote have a file each.
    return {name: file.parent.name if file.parent.name == "defined" else file.stem for name, file in files.items()}


def _metric(metric: Metric, entities: Mapping[str, Iterable[Dimension]]) -> str:
    own: dict[str, list[str]] = defaultdict(list)
    for name in metric.dimensions:
        own[_entity(name)].append(name)
    by = [
        entity if len(names) == len(list(entities[entity])) else ", ".join(f"`{name}`" for name in names)
        for entity, names in own.items()
    ]
    if metric.needs_time:
        by.insert(0, "always `metric_time`")
    what = f"**{metric.label}**. {metric.description}"
    return _row(
        f"`{metric.name}`",
        what,
        f"{metric.kind}: {metric.made_of}",
        f"{metric.format}{SIGNS[metric.good]}",
        ", ".join(by),
    )


def _dimension(dimension: Dimension) -> str:
    values = ", ".join(f"`{value}` ({', '.join(words[:2])})" for value, words in dimension.value_synonyms.items())
    what = f"**{dimension.label}**. {dimension.description}"
    return _row(f"`{dimension.name}`", what, values if dimension.kind != "time" else f"a time, by {dimension.grain}")


def _entity(name: str) -> str:
    return name.rpartition("__")[0]


def _title(domain: str) -> str:
    return domain.replace("_", " ").capitalize()


def _link(domain: str) -> str:
    return f"[{_title(domain)}](#{domain.replace('_', '-')})"


def _row(*cells: str) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |\n"


def write(file: Path = FILE) -> None:
    with parsed() as folder:
        metrics, dimensions = declared(folder / "semantic_manifest.json")
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    file.write_text(guide(metrics, dimensions, domains_of(manifest)), encoding="utf-8")


if __name__ == "__main__":
    write()
