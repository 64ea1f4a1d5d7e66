"""What a change of a table, or of one of its columns, would reach."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from warehouse.errors import WrongUsage, nearest
from warehouse.lineage.graph import Graph
from warehouse.lineage.kept import KeptLineage

ALL = frozenset({"*"})  # of a table whose columns cannot be told


@dataclass(frozen=True)
class Item:
    kind: str  # model, funnel, test, metric …
    name: str
    because: str  # what of it is reached, and by what
    certain: bool = True  # False: its columns cannot be told, so it may be reached


@dataclass(frozen=True)
class Reached:
    """Tables that a change reaches; `columns` of each where it is about a column, else None."""

    graph: Graph
    start: str
    column: str
    tables: tuple[str, ...]  # with the first one, as they are made after each other
    columns: Mapping[str, frozenset[str]] | None
    rows_only: frozenset[str] = frozenset()  # the column chooses or joins their rows, and is part of no value
    maybe: frozenset[str] = frozenset()

    def touches(self, asset: str, columns: Iterable[str]) -> bool:
        """Whether one of these columns of a table is reached."""
        if self.columns is None:
            return asset in self.tables
        reached = self.columns.get(asset, frozenset())
        return reached == ALL or bool(reached & set(columns))


Reader = Callable[[Reached], Iterable[Item]]


def impact(reached: Reached, readers: Sequence[Reader]) -> list[Item]:
    return [item for reader in readers for item in reader(reached)]


def reached_by(kept: KeptLineage, wanted: str) -> Reached:
    """`wanted`: fct_events, marts.fct_events, fct_events.user_id or marts.fct_events.user_id."""
    graph = kept.graph
    if not graph.nodes:
        raise WrongUsage("Nothing was built yet, so that nothing is known of the models.", hint="millrace build")
    start, column = _named(graph, wanted)
    below = graph.below(graph.nodes[start])
    tables = (start, *(graph.assets[node] for node in graph.in_order(below) if node in graph.assets))
    if not column:
        return Reached(graph, start, "", tables, None)
    known = _columns(kept, start, tables)
    if column not in known:
        raise WrongUsage(
            f"{start} has no column {column!r}{nearest(column, known) or '.'}",
            hint=f"Its columns: {', '.join(sorted(known)[:12])}{', …' if len(known) > 12 else ''}.",
        )
    return _by_column(kept, start, column, tables)


def _by_column(kept: KeptLineage, start: str, column: str, tables: Sequence[str]) -> Reached:
    columns: dict[str, frozenset[str]] = {start: frozenset({column})}
    rows_only: set[str] = set()
    maybe: set[str] = set()
    lineages = kept.everywhere()
    for asset in tables[1:]:
        parents = {kept.graph.assets.get(node, "") for node in kept.graph.parents(kept.graph.nodes[asset])}
        if not parents & columns.keys():
            continue
        lineage = lineages.get(asset)
        if lineage is None:
            columns[asset] = ALL
            maybe.add(asset)
            continue
        of_values = {one for made in lineage.columns.values() for one in made.of}
        hits = {one for one in lineage.reads | of_values if _is_hit(one, columns)}
        if not hits:
            continue
        surely = frozenset(name for name, made in lineage.columns.items() if made.of & hits)
        perhaps = frozenset(name for name, made in lineage.columns.items() if not made.known)
        if surely | perhaps:
            columns[asset] = surely | perhaps
        if not surely:
            (maybe if perhaps else rows_only).add(asset)
        elif all(one[0] in maybe for one in hits):
            maybe.add(asset)
    reached = tuple(asset for asset in tables if asset in columns or asset in rows_only)
    return Reached(kept.graph, start, column, reached, columns, frozenset(rows_only), frozenset(maybe))


def _is_hit(one: tuple[str, str], columns: Mapping[str, frozenset[str]]) -> bool:
    reached = columns.get(one[0], frozenset())
    return reached == ALL or one[1] in reached


def _named(graph: Graph, wanted: str) -> tuple[str, str]:
    by_name = {asset.partition(".")[2]: asset for asset in sorted(graph.nodes, reverse=True)}
    for table, column in ((wanted, ""), (wanted.rpartition(".")[0], wanted.rpartition(".")[2])):
        if table in graph.nodes:
            return table, column
        if table in by_name:
            return by_name[table], column
    word = wanted if wanted.count(".") == 0 else wanted.partition(".")[0]
    raise WrongUsage(
        f"No model or source is called {wanted!r}{nearest(word, [*by_name, *graph.nodes]) or '.'}",
        hint="`millrace dbt ls` lists what there is.",
    )


def _columns(kept: KeptLineage, asset: str, below: Sequence[str]) -> set[str]:
    """As declared, as its SQL has them, and as others read them."""
    node = kept.graph.nodes[asset]
    declared: Mapping[str, Any] = (kept.graph.manifest["nodes"].get(node) or kept.graph.manifest["sources"][node])[
        "columns"
    ]
    found = set(declared)
    if (own := kept.of(asset)) is not None:
        found |= set(own.columns)
    if not found:
        lineages = [lineage for lineage in kept.everywhere().values() if lineage]
        found = {name for lineage in lineages for table, name in lineage.reads if table == asset}
    return found
