"""What marts.agg_lifetime_by_segment says of a project, for people."""

from __future__ import annotations

from typing import Any

from warehouse.connection import connect
from warehouse.errors import MillraceError
from warehouse.settings import Settings

COLUMNS = (
    "segment", "customers", "new_customers", "revenue", "expected_order_revenue_365_days",
    "expected_recurring_revenue_365_days", "lifetime_value", "cac", "payback_months",
)  # fmt: skip


def values_of_segments(settings: Settings, project: str, dimension: str) -> list[dict[str, Any]]:
    """The largest first, months in their order."""
    with connect(settings, "analyst") as client:
        if not client.query("EXISTS TABLE marts.agg_lifetime_by_segment").result_rows[0][0]:
            raise MillraceError(
                "Nothing is known of what customers are worth: the marts are not built.",
                hint="Load events with `millrace load`, then run `millrace build`.",
            )
        rows = client.query(
            f"SELECT {', '.join(COLUMNS)} FROM marts.agg_lifetime_by_segment "
            "WHERE project_id = {project:String} AND dimension = {dimension:String} "
            "ORDER BY if(dimension = 'cohort month', 0, customers) DESC, segment",
            parameters={"project": project, "dimension": dimension},
        ).result_rows
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]
