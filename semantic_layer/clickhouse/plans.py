"""MetricFlow's plans as ClickHouse's statements."""

from __future__ import annotations

from dataclasses import replace

from metricflow.sql.render.sql_plan_renderer import DefaultSqlPlanRenderer, SqlPlanRenderResult
from metricflow.sql.sql_select_node import SqlOrderByDescription, SqlSelectStatementNode
from metricflow_semantics.sql.sql_exprs import SqlStringExpression

from semantic_layer.clickhouse.expressions import ClickHouseExpressionRenderer
from semantic_layer.clickhouse.ranges import grouped_before_the_join


class ClickHousePlanRenderer(DefaultSqlPlanRenderer):
    EXPR_RENDERER = ClickHouseExpressionRenderer()

    def visit_select_statement_node(self, node: SqlSelectStatementNode) -> SqlPlanRenderResult:
        ordered = replace(node, order_bys=self._by_position(node))
        cheaper = grouped_before_the_join(ordered, lambda part: self.EXPR_RENDERER.render_sql_expr(part).sql)
        return super().visit_select_statement_node(cheaper or ordered)

    def _by_position(self, node: SqlSelectStatementNode) -> tuple[SqlOrderByDescription, ...]:
        """A name would mean the source's column, where it has one of that name, since prefer_column_name_to_alias has
        WHERE mean it."""
        positions: dict[str, int] = {}
        for position, column in enumerate(node.select_columns, start=1):
            positions.setdefault(column.column_alias, position)
            positions[self.EXPR_RENDERER.render_sql_expr(column.expr).sql] = position
        ordered = []
        for order_by in node.order_bys:
            name = self.EXPR_RENDERER.render_sql_expr(order_by.expr).sql
            found = positions.get(name) or positions.get(name.rpartition(".")[2])
            if found is None:
                raise NotImplementedError(f"ORDER BY {name}, which is not selected")
            ordered.append(SqlOrderByDescription(SqlStringExpression.create(str(found)), order_by.desc))
        return tuple(ordered)
