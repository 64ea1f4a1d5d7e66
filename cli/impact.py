"""`millrace impact`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import Format, FormatOption, print_json, print_table, print_text
from warehouse.settings import load_settings

if TYPE_CHECKING:
    from warehouse.lineage.impact import Item, Reader
    from warehouse.settings import Settings


def register(app: typer.Typer) -> None:
    app.command()(impact)


def readers(settings: Settings) -> list[Reader]:
    """Who knows what hangs on tables. A room that makes something of them adds its own."""
    from bi.reached import charts
    from monitoring.reached import monitors
    from warehouse.lineage import reached_by_dbt

    by_dbt = [reached_by_dbt.tables, reached_by_dbt.tests, reached_by_dbt.metrics, reached_by_dbt.exposures]
    return [*by_dbt, lambda reached: charts(settings, reached), lambda reached: monitors(settings, reached)]


def impact(
    wanted: Annotated[str, typer.Argument(metavar="MODEL[.COLUMN]", help="As fct_orders or fct_orders.revenue.")],
    format: FormatOption = Format.TABLE,
) -> None:
    """What a change of a model, or of one of its columns, would reach: models, tests, metrics, charts, monitors."""
    from warehouse.lineage.graph import built_graph
    from warehouse.lineage.impact import impact as found_by
    from warehouse.lineage.impact import reached_by
    from warehouse.lineage.kept import KeptLineage

    settings = load_settings()
    reached = reached_by(KeptLineage(settings, built_graph(settings)), wanted)
    found = found_by(reached, readers(settings))
    if format is Format.JSON:
        print_json(
            {"asset": reached.start, "column": reached.column or None, "reached": [asdict(one) for one in found]}
        )
        return
    about = f"{reached.start}{f'.{reached.column}' if reached.column else ''}"
    if not found:
        print_text(f"Nothing is made of {about}.")
        return
    print_text(f"A change of {about} reaches {_counted(found)}.")
    print_table(("kind", "name", "because"), [(one.kind, one.name, _because(one)) for one in found])
    if reached.column:
        print_text("By the SQL of the last build. What has it in its rows only is told, not what is made of that.")


def _because(one: Item) -> str:
    return one.because if one.certain else f"perhaps: {one.because}"


def _counted(found: list[Item]) -> str:
    kinds = Counter(one.kind for one in found)
    plural = {"retention": "retentions", "paths": "paths"}
    return ", ".join(f"{count} {kind if count == 1 else plural.get(kind, kind + 's')}" for kind, count in kinds.items())
