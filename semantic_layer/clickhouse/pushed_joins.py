"""Joins that follow a range join of days and facts, done before it where they only ask about the facts.

So dimensions of users, not users, are what running totals are grouped by before they are joined to days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from metricflow.sql.sql_plan import SqlSelectColumn
from metricflow.sql.sql_select_node import SqlJoinDescription, SqlSelectStatementNode
from metricflow_semantics.sql.sql_exprs import (
    SqlColumnReference,
    SqlColumnReferenceExpression,
    SqlColumnReplacements,
    SqlExpressionNode,
    SqlLogicalExpression,
    SqlLogicalOperator,
)
from metricflow_semantics.sql.sql_join_type import SqlJoinType

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


def pushed_down(node: SqlSelectStatementNode, below: SqlSelectStatementNode) -> SqlSelectStatementNode | None:
    """The node as the range join `below`, which it selects from, with the node's own joins in the facts of that."""
    if not is_plain(below) or any(_is_text(expression) for expression in _expressions(node)):
        return None
    (range_join,) = below.join_descs
    facts, days = range_join.right_source_alias, below.from_source_alias
    inner = {SqlColumnReference(node.from_source_alias, c.column_alias): c.expr for c in below.select_columns}
    joins, known = [], {facts}
    for join in node.join_descs:
        if join.join_type not in (SqlJoinType.LEFT_OUTER, SqlJoinType.INNER) or join.on_condition is None:
            return None
        if _is_text(join.on_condition) or join.right_source_alias in (days, *known):
            return None
        condition = _rewritten(join.on_condition, inner)
        known.add(join.right_source_alias)
        if _is_text(condition) or not {ref.table_alias for ref in _references([condition])} <= known:
            return None  # asks about the days too, as versions of things do
        joins.append(replace(join, on_condition=condition))
    merged = replaced(
        node,
        select_columns=_columns(node.select_columns, inner),
        group_bys=_columns(node.group_bys, inner),
        where=_both(below.where, node.where and _rewritten(node.where, inner)),
        from_source=below.from_source,
        from_source_alias=days,
        join_descs=(range_join,),
    )
    if any(_is_text(expression) for expression in _expressions(merged)):
        return None
    return _with_joined_facts(merged, joins) if joins else merged


def _with_joined_facts(node: SqlSelectStatementNode, joins: list[SqlJoinDescription]) -> SqlSelectStatementNode:
    (range_join,) = node.join_descs
    facts = range_join.right_source_alias
    columns: list[SqlSelectColumn] = []
    outside: dict[SqlColumnReference, SqlExpressionNode] = {}
    for ref in dict.fromkeys(_references([*_expressions(node), range_join.on_condition])):
        if ref.table_alias == node.from_source_alias:
            continue
        taken = any(column.column_alias == ref.column_name for column in columns)
        name = f"{ref.column_name}_{len(columns)}" if taken else ref.column_name
        column = SqlSelectColumn(SqlColumnReferenceExpression.create(ref), name)
        columns.append(column)
        outside[ref] = column.reference_from(facts)
    joined = SqlSelectStatementNode.create(
        description="Joined before they are grouped",
        select_columns=columns,
        from_source=range_join.right_source,
        from_source_alias=facts,
        join_descs=tuple(joins),
    )
    return replaced(
        node,
        select_columns=_columns(node.select_columns, outside),
        group_bys=_columns(node.group_bys, outside),
        where=node.where and _rewritten(node.where, outside),
        join_descs=(
            replace(
                range_join.with_right_source(joined),
                on_condition=range_join.on_condition and _rewritten(range_join.on_condition, outside),
            ),
        ),
    )


def _expressions(node: SqlSelectStatementNode) -> list[SqlExpressionNode]:
    columns = [column.expr for column in (*node.select_columns, *node.group_bys)]
    return [*columns, *([node.where] if node.where else [])]


def _references(expressions: Iterable[SqlExpressionNode | None]) -> list[SqlColumnReference]:
    return [part.col_ref for e in expressions if e for part in e.lineage.column_reference_exprs]


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
