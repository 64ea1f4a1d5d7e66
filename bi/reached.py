"""Charts among what a change of a table or column reaches: for `millrace impact`."""

from __future__ import annotations

from collections.abc import Iterator

from bi.columns import reads, schema_of
from bi.syncing import bundle_of
from warehouse.errors import MillraceError
from warehouse.lineage.impact import Item, Reached
from warehouse.settings import Settings


def charts(settings: Settings, reached: Reached) -> Iterator[Item]:
    schema = schema_of(reached.graph.manifest)
    try:
        bundle = bundle_of(settings)
    except MillraceError as error:
        yield Item("dashboard", "all of them", f"cannot be told: {error.message}", certain=False)
        return
    for chart in bundle.charts:
        by_table: dict[str, set[str]] = {}
        for table, column in reads(chart, schema):
            by_table.setdefault(table, set()).add(column)
        touched = [table for table, columns in sorted(by_table.items()) if reached.touches(table, columns)]
        if touched:
            surely = any(table not in reached.maybe for table in touched)
            yield Item("chart", f"{chart.dashboard}: {chart.title}", f"reads {touched[0]}", surely)
