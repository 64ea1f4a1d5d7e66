"""Which columns of which tables a chart reads: by the SQL that Superset will ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bi.model import Bundle, Chart, Dataset
from warehouse.lineage.columns import Column, Schema, lineage_of, qualified

MARTS = "marts"


def schema_of(manifest: Mapping[str, Any]) -> Schema:
    """The columns of every model, as dbt declares them."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model":
            columns = {name: str(one["data_type"] or "String") for name, one in node["columns"].items()}
            found.setdefault(node["schema"], {})[node["name"]] = columns
    return found


def reads(chart: Chart, schema: Schema) -> frozenset[Column]:
    lineage = lineage_of(_without_what_nobody_asks(_asked(chart), schema), schema)
    return lineage.reads if lineage else frozenset()


def _without_what_nobody_asks(sql: str, schema: Schema) -> str:
    """Datasets have more columns than a chart shows."""
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.pushdown_projections import pushdown_projections

    try:
        query = qualified(sql, schema)
        return pushdown_projections(query).sql("clickhouse")
    except SqlglotError:
        return sql


def unknown_columns(bundle: Bundle, schema: Schema) -> Iterator[str]:
    """A sentence for each column that a chart asks for and no mart has: what a renamed column breaks."""
    marts = schema[MARTS]
    for chart in bundle.charts:
        for table, column in sorted(reads(chart, schema)):
            name = table.removeprefix(f"{MARTS}.")
            if table.startswith(f"{MARTS}.") and column not in marts.get(name, {}):
                yield f"{chart.place}: the chart {chart.title!r} reads {name}.{column}, which is not there"


def _asked(chart: Chart) -> str:
    dataset = chart.dataset
    computed = {one.name: one.expression for one in dataset.columns if one.expression}
    columns = [computed.get(name, name) for name in chart.columns]
    measures = [dataset.measure(name).expression for name in chart.measures]
    return f"SELECT {', '.join([*columns, *measures]) or '1'} FROM {source_of(dataset)}"


def source_of(dataset: Dataset) -> str:
    return f"({dataset.sql}) AS {dataset.name}" if dataset.sql else f"{MARTS}.{dataset.table} AS {dataset.name}"
