"""MetricFlow's statements, put together anew: what selects from a range join of days and facts becomes one with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from metricflow.sql.sql_plan import SqlSelectColumn
from metricflow.sql.sql_select_node import SqlSelectStatementNode
from metricflow_semantics.sql.sql_exprs import (
    SqlColumnReference,
    SqlColumnReplacements,
    SqlExpressionNode,
    SqlLogicalExpression,
    SqlLogicalOperator,
)

Replacements = Mapping[SqlColumnReference, SqlExpressionNode]


def replaced(node: SqlSelectStatementNode, **changes: object) -> SqlSelectStatementNode:
    """A copy of a statement, whose parents are those that it names then."""
    fields = (
        *("select_columns", "from_source", "from_source_alias", "cte_sources", "join_descs"),
        *("group_bys", "order_bys", "where", "limit", "distinct"),
    )
    kept = {field: getattr(node, field) for field in fields}
    return SqlSelectStatementNode.create(description=node.description, **{**kept, **changes})


def is_plain(node: SqlSelectStatementNode) -> bool:
    """Selects from rows and leaves them rows."""
    return not (node.group_bys or node.distinct or node.cte_sources or node.order_bys or node.limit)


def merged(node: SqlSelectStatementNode, below: SqlSelectStatementNode) -> SqlSelectStatementNode | None:
    """The node as the range join `below`, which it selects from."""
    if node.join_descs or not is_plain(below) or any(_is_text(expression) for expression in _expressions(node)):
        return None
    inner = {SqlColumnReference(node.from_source_alias, c.column_alias): c.expr for c in below.select_columns}
    one = replaced(
        node,
        select_columns=_columns(node.select_columns, inner),
        group_bys=_columns(node.group_bys, inner),
        where=_both(below.where, node.where and _rewritten(node.where, inner)),
        from_source=below.from_source,
        from_source_alias=below.from_source_alias,
        join_descs=below.join_descs,
    )
    return None if any(_is_text(expression) for expression in _expressions(one)) else one


def _expressions(node: SqlSelectStatementNode) -> list[SqlExpressionNode]:
    columns = [column.expr for column in (*node.select_columns, *node.group_bys)]
    return [*columns, *([node.where] if node.where else [])]


def _is_text(expression: SqlExpressionNode) -> bool:
    """Somebody's words, in which no column can be told from another."""
    return expression.lineage.contains_ambiguous_exprs


def _columns(columns: Iterable[SqlSelectColumn], replacements: Replacements) -> tuple[SqlSelectColumn, ...]:
    return tuple(replace(column, expr=_rewritten(column.expr, replacements)) for column in columns)


def _rewritten(expression: SqlExpressionNode, replacements: Replacements) -> SqlExpressionNode:
    return expression.rewrite(column_replacements=SqlColumnReplacements(dict(replacements)))


def _both(one: SqlExpressionNode | None, other: SqlExpressionNode | None) -> SqlExpressionNode | None:
    if one is None or other is None:
        return one or other
    return SqlLogicalExpression.create(SqlLogicalOperator.AND, (one, other))
