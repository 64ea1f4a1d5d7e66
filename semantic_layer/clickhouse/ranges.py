"""Running totals: the facts are grouped before they are joined to the days.

MetricFlow joins rows as they are: `FROM days INNER JOIN facts ON facts.day <= days.day`. With one bound that is a cross
join, rows times days. What can be put together from parts (sums, least, greatest, distinct values as states) is grouped
by day and dimensions first, so that days times dimensions are joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import indent
from typing import TYPE_CHECKING

from metricflow.sql.sql_select_node import SqlSelectStatementNode
from metricflow_semantics.sql.sql_exprs import (
    SqlAggregateFunctionExpression,
    SqlComparison,
    SqlComparisonExpression,
    SqlExpressionNode,
    SqlFunction,
    SqlLogicalExpression,
    SqlLogicalOperator,
)
from metricflow_semantics.sql.sql_join_type import SqlJoinType

if TYPE_CHECKING:
    from semantic_layer.clickhouse.plans import ClickHousePlanRenderer

# How each is made of a group, and of the groups together.
IN_PARTS: Mapping[SqlFunction, tuple[str, str]] = {
    SqlFunction.SUM: ("sumOrNull", "sumOrNull"),
    SqlFunction.MIN: ("minOrNull", "minOrNull"),
    SqlFunction.MAX: ("maxOrNull", "maxOrNull"),
    SqlFunction.AVERAGE: ("avgOrNullState", "avgOrNullMerge"),
    SqlFunction.COUNT_DISTINCT: ("uniqExactState", "uniqExactMerge"),
}
RANGES = (
    SqlComparison.LESS_THAN,
    SqlComparison.LESS_THAN_OR_EQUALS,
    SqlComparison.GREATER_THAN,
    SqlComparison.GREATER_THAN_OR_EQUALS,
)


class _DoesNotApply(Exception):
    """Then the statement stays as it was planned."""


def grouped_before_the_join(renderer: ClickHousePlanRenderer, node: SqlSelectStatementNode) -> str | None:
    if len(node.join_descs) != 1 or not node.group_bys or node.cte_sources or node.distinct:
        return None
    try:
        return _Rewriting(renderer, node).sql()
    except _DoesNotApply:
        return None


class _Rewriting:
    def __init__(self, renderer: ClickHousePlanRenderer, node: SqlSelectStatementNode) -> None:
        self._renderer, self._node = renderer, node
        self._join = node.join_descs[0]
        self._facts = self._join.right_source_alias
        self._keys: dict[str, str] = {}  # what the facts are grouped by, and its name outside
        self._parts: list[str] = []

    def sql(self) -> str:
        if self._join.join_type is not SqlJoinType.INNER or self._join.on_condition is None:
            raise _DoesNotApply
        on = [self._comparison(part) for part in _conjuncts(self._join.on_condition)]
        where = self._where()
        grouped = {self._render(column.expr) for column in self._node.group_bys}
        selected = [
            f"{self._selected(column.expr, grouped)} AS {column.column_alias}" for column in self._node.select_columns
        ]
        by = [self._key(column.expr) for column in self._node.group_bys]
        if not self._parts or not self._keys:
            raise _DoesNotApply
        source = self._renderer._render_from_section(self._join.right_source, self._facts).sql
        order = self._renderer._render_order_by_section(self._node.order_bys)
        limit = self._renderer._render_limit_section(self._node.limit)
        days = self._renderer._render_from_section(self._node.from_source, self._node.from_source_alias).sql
        groups = [f"{expression} AS {name}" for expression, name in self._keys.items()]
        inner = _lines(
            "SELECT", *_listed([*groups, *self._parts]), source, *where, "GROUP BY", *_listed(self._keys.values())
        )
        return _lines(
            *("SELECT", *_listed(selected), days, "INNER JOIN (", indent(inner, "  "), f") {self._facts}"),
            *("ON", f"  {' AND '.join(on)}", "GROUP BY", *_listed(by)),
            *(part.sql for part in (order, limit) if part is not None),
        )

    def _where(self) -> list[str]:
        if self._node.where is None:
            return []
        if _tables(self._node.where) != {self._facts}:
            raise _DoesNotApply
        return [f"WHERE {self._render(self._node.where)}"]

    def _comparison(self, part: SqlExpressionNode) -> str:
        if not isinstance(part, SqlComparisonExpression) or part.comparison not in RANGES:
            raise _DoesNotApply
        return f"({self._key(part.left_expr)} {part.comparison.value} {self._key(part.right_expr)})"

    def _selected(self, expression: SqlExpressionNode, grouped: set[str]) -> str:
        if self._render(expression) in grouped:
            return self._key(expression)
        if not isinstance(expression, SqlAggregateFunctionExpression) or expression.sql_function not in IN_PARTS:
            raise _DoesNotApply
        if len(expression.sql_function_args) != 1 or _tables(expression.sql_function_args[0]) != {self._facts}:
            raise _DoesNotApply
        of_a_group, together = IN_PARTS[expression.sql_function]
        name = f"part_{len(self._parts)}"
        self._parts.append(f"{of_a_group}({self._render(expression.sql_function_args[0])}) AS {name}")
        return f"{together}({self._facts}.{name})"

    def _key(self, expression: SqlExpressionNode) -> str:
        """The expression outside of the join: one of the facts under its new name."""
        tables, sql = _tables(expression), self._render(expression)
        if tables == {self._facts}:
            return f"{self._facts}.{self._keys.setdefault(sql, f'key_{len(self._keys)}')}"
        if self._facts in tables:
            raise _DoesNotApply
        return sql

    def _render(self, expression: SqlExpressionNode) -> str:
        return self._renderer.EXPR_RENDERER.render_sql_expr(expression).sql


def _tables(expression: SqlExpressionNode) -> set[str]:
    if expression.lineage.contains_ambiguous_exprs:
        raise _DoesNotApply  # text of somebody's, which may name any column
    return {column.col_ref.table_alias for column in expression.lineage.column_reference_exprs}


def _conjuncts(expression: SqlExpressionNode) -> Iterator[SqlExpressionNode]:
    if isinstance(expression, SqlLogicalExpression) and expression.operator is SqlLogicalOperator.AND:
        for part in expression.args:
            yield from _conjuncts(part)
    else:
        yield expression


def _listed(items: object) -> list[str]:
    return [f"  {', ' if n else ''}{item}" for n, item in enumerate(items)]  # type: ignore[arg-type, var-annotated]


def _lines(*lines: str) -> str:
    return "\n".join(lines)
