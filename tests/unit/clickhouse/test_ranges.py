"""Facts are grouped before they are joined to days only where parts of them mean the same as rows."""

from __future__ import annotations

from typing import Any

import pytest
from metricflow.sql.sql_plan import SqlSelectColumn
from metricflow.sql.sql_select_node import SqlJoinDescription, SqlSelectStatementNode
from metricflow.sql.sql_table_node import SqlTableNode
from metricflow_semantics.sql.sql_exprs import (
    SqlAggregateFunctionExpression,
    SqlColumnReference,
    SqlColumnReferenceExpression,
    SqlComparison,
    SqlComparisonExpression,
    SqlExpressionNode,
    SqlFunction,
    SqlStringExpression,
)
from metricflow_semantics.sql.sql_join_type import SqlJoinType
from metricflow_semantics.sql.sql_table import SqlTable

from semantic_layer.clickhouse.expressions import ClickHouseExpressionRenderer
from semantic_layer.clickhouse.ranges import grouped_before_the_join


def column(table: str, name: str) -> SqlColumnReferenceExpression:
    return SqlColumnReferenceExpression.create(SqlColumnReference(table, name))


def table(name: str) -> SqlTableNode:
    return SqlTableNode.create(SqlTable(schema_name="marts", table_name=name))


def aggregated(how: SqlFunction, name: str = "amount") -> SqlAggregateFunctionExpression:
    return SqlAggregateFunctionExpression.create(how, [column("joined", name)])


def compared(comparison: SqlComparison = SqlComparison.LESS_THAN_OR_EQUALS) -> SqlExpressionNode:
    return SqlComparisonExpression.create(column("facts", "day"), comparison, column("days", "day"))


def range_join(on: SqlExpressionNode | None = None, **more: Any) -> SqlSelectStatementNode:
    return SqlSelectStatementNode.create(
        description="",
        select_columns=[
            SqlSelectColumn(column("days", "day"), "day"),
            SqlSelectColumn(column("facts", "country"), "country"),
            SqlSelectColumn(column("facts", "amount"), "amount"),
        ],
        from_source=table("days"),
        from_source_alias="days",
        join_descs=(SqlJoinDescription(table("facts"), "facts", SqlJoinType.INNER, on or compared()),),
        **more,
    )


def aggregation(*columns: SqlSelectColumn, source: SqlSelectStatementNode | None = None, **more: Any) -> str | None:
    """The names of what the facts are grouped by and hold then, or nothing where they stay as they are."""
    by = (SqlSelectColumn(column("joined", "day"), "day"), *more.pop("by", ()))
    node = SqlSelectStatementNode.create(
        description="",
        select_columns=[*by, *(columns or [SqlSelectColumn(aggregated(SqlFunction.SUM), "total")])],
        from_source=source or range_join(),
        from_source_alias="joined",
        group_bys=by,
        **more,
    )
    renderer = ClickHouseExpressionRenderer()
    found = grouped_before_the_join(node, lambda part: renderer.render_sql_expr(part).sql)
    while found is not None and not found.join_descs:
        found = found.from_source.as_select_node
    facts = found and found.join_descs[0].right_source.as_select_node
    return ", ".join(renderer.render_sql_expr(c.expr).sql for c in facts.select_columns) if facts else None


def text(sql: str) -> SqlStringExpression:
    return SqlStringExpression.create(sql)


def test_by_day_and_by_whatever_is_asked_further_up() -> None:
    assert aggregation() == "facts.day, sumOrNull(facts.amount)"
    by = (SqlSelectColumn(column("joined", "country"), "country"),)
    assert aggregation(by=by) == "facts.day, facts.country, sumOrNull(facts.amount)"
    assert aggregation(where=text("country = 'DE'")) == "facts.day, facts.country, sumOrNull(facts.amount)"
    by = (SqlSelectColumn(column("joined", "amount"), "amount"),)
    assert aggregation(by=by) == "facts.day, facts.amount, sumOrNull(facts.amount)"


@pytest.mark.parametrize(
    "reason",
    [
        {"where": text("amount > 1")},
        {"by": (SqlSelectColumn(column("joined", "amount"), "amount"),), "where": text("country = 'DE'")},
        {
            "join_descs": (
                SqlJoinDescription(
                    table("prices"),
                    "prices",
                    SqlJoinType.LEFT_OUTER,
                    SqlComparisonExpression.create(
                        column("joined", "amount"), SqlComparison.EQUALS, column("prices", "amount")
                    ),
                ),
            ),
            "where": text("country = 'DE'"),
        },
        {"source": range_join(compared(SqlComparison.EQUALS))},
        {"source": range_join(distinct=True)},
        {"source": range_join(limit=3)},
        {"distinct": True},
    ],
    ids=["filtered by rows", "grouped by rows", "joined by rows", "no range", "distinct rows", "some rows", "distinct"],
)
def test_what_looks_at_rows_gets_rows(reason: dict[str, Any]) -> None:
    assert aggregation(**reason) is None


def test_one_column_is_no_two_parts_below_a_filter() -> None:
    total = SqlSelectColumn(aggregated(SqlFunction.SUM), "total")
    largest = SqlSelectColumn(aggregated(SqlFunction.MAX), "largest")
    assert aggregation(total, largest) == "facts.day, sumOrNull(facts.amount), maxOrNull(facts.amount)"
    assert aggregation(total, largest, where=text("country = 'DE'")) is None
