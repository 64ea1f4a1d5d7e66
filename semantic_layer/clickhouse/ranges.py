"""Running totals: the facts are grouped before they are joined to the days.

MetricFlow joins rows as they are: `FROM days INNER JOIN facts ON facts.day <= days.day`. With one bound that is a cross
join, rows times days. What can be put together from parts (sums, least, greatest, means and distinct values as states)
is grouped first by all that is asked of the facts further up: day, dimensions, what others are joined by. So days times
groups are joined, and whoever aggregated rows aggregates parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from metricflow.sql.sql_plan import SqlPlanNode, SqlSelectColumn
from metricflow.sql.sql_select_node import SqlJoinDescription, SqlSelectStatementNode
from metricflow_semantics.sql.sql_exprs import (
    SqlAggregateFunctionExpression,
    SqlComparison,
    SqlComparisonExpression,
    SqlExpressionNode,
    SqlFunction,
    SqlLogicalExpression,
    SqlLogicalOperator,
    SqlStringExpression,
)
from metricflow_semantics.sql.sql_join_type import SqlJoinType

from semantic_layer.clickhouse.statements import is_plain, merged, replaced

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
Render = Callable[[SqlExpressionNode], str]
Parts = Mapping[str, SqlFunction]  # columns that are aggregated further up, and how


class _DoesNotApply(Exception):
    """Then the statement stays as it was planned."""


def grouped_before_the_join(node: SqlSelectStatementNode, render: Render) -> SqlSelectStatementNode | None:
    """The same as the node, which aggregates what a range join below it or in it gives; None where it does not."""
    aggregated = {
        column.column_alias: column.expr
        for column in node.select_columns
        if isinstance(column.expr, SqlAggregateFunctionExpression) and column.expr.sql_function in IN_PARTS
    }
    if not aggregated or node.distinct or node.cte_sources:
        return None
    try:
        if any(len(expression.sql_function_args) != 1 for expression in aggregated.values()):
            raise _DoesNotApply
        # As a node that only selects what is aggregated, and the aggregation of it.
        arguments = [SqlSelectColumn(e.sql_function_args[0], name) for name, e in aggregated.items()]
        parts = {name: expression.sql_function for name, expression in aggregated.items()}
        others = [column for column in node.select_columns if column.column_alias not in aggregated]
        flat = node.with_select_columns([*others, *arguments])
        below = _with_parts(flat, parts, render)
    except _DoesNotApply:
        return None
    values = {column.column_alias: column for column in below.select_columns}
    columns = [
        SqlSelectColumn(SqlStringExpression.create(f"{IN_PARTS[parts[name]][1]}({render(values[name].expr)})"), name)
        if (name := column.column_alias) in parts
        else values[name]
        for column in node.select_columns
    ]
    return below.with_select_columns(columns)


def _with_parts(node: SqlSelectStatementNode, parts: Parts, render: Render) -> SqlSelectStatementNode:
    """The node, in whose columns of these names parts are instead of values."""
    joined = _as_range_join(node)
    if joined is not None:
        return _RangeJoin(joined, parts, render).grouped()
    inner = node.from_source.as_select_node
    if inner is None or not is_plain(inner):
        raise _DoesNotApply
    if any(join.join_type not in (SqlJoinType.LEFT_OUTER, SqlJoinType.INNER) for join in node.join_descs):
        raise _DoesNotApply
    below: dict[str, SqlFunction] = {}
    others = [column.expr for column in (*node.select_columns, *node.group_bys) if column.column_alias not in parts]
    others += [expression for expression in (node.where, *(j.on_condition for j in node.join_descs)) if expression]
    for column in node.select_columns:
        if column.column_alias not in parts:
            continue
        reference = column.expr.as_column_reference_expression
        if reference is None or reference.col_ref.table_alias != node.from_source_alias:
            raise _DoesNotApply
        how = parts[column.column_alias]
        if below.setdefault(reference.col_ref.column_name, how) is not how:
            raise _DoesNotApply
    if any(_mentions(expression, node.from_source_alias, below) for expression in others):
        raise _DoesNotApply
    return replaced(node, from_source=_with_parts(inner, below, render))


def _as_range_join(node: SqlSelectStatementNode) -> SqlSelectStatementNode | None:
    if len(node.join_descs) == 1 and _is_range(node.join_descs[0]):
        return node
    inner = node.from_source.as_select_node
    below = inner and _as_range_join(inner)
    return merged(node, below) if below is not None else None


class _RangeJoin:
    def __init__(self, node: SqlSelectStatementNode, parts: Parts, render: Render) -> None:
        self._node, self._parts, self._render = node, parts, render
        self._join = node.join_descs[0]
        self._facts = self._join.right_source_alias
        self._keys: dict[str, SqlSelectColumn] = {}  # what the facts are grouped by, as it is rendered
        self._made: dict[str, SqlSelectColumn] = {}
        self._values: dict[str, SqlExpressionNode] = {}
        self._used: set[str] = set()  # keys, since last looked at

    def grouped(self) -> SqlSelectStatementNode:
        node, join = self._node, self._join
        assert join.on_condition is not None
        on = [self._comparison(part) for part in _conjuncts(join.on_condition)]
        compared, self._used = self._used, set()
        if node.where and self._facts in _tables(node.where):
            raise _DoesNotApply
        columns = [replace(column, expr=self._column(column)) for column in node.select_columns]
        group_bys = tuple(replace(column, expr=self._key(column.expr)) for column in node.group_bys)
        if not self._keys:
            raise _DoesNotApply
        facts = self._grouped_facts(join.right_source)
        if self._is_of_all_time(on) and not compared & self._used:
            facts = self._first_ones(facts, *compared)
        joined = SqlJoinDescription(facts, self._facts, join.join_type, _all(on))
        return replaced(node, select_columns=tuple(columns), group_bys=group_bys, join_descs=(joined,))

    def _grouped_facts(self, source: SqlPlanNode) -> SqlSelectStatementNode:
        keys, made = tuple(self._keys.values()), tuple(self._made.values())
        return SqlSelectStatementNode.create(
            description="Grouped before they are joined",
            select_columns=(*keys, *made),
            from_source=source,
            from_source_alias=self._facts,
            group_bys=keys,
        )

    def _is_of_all_time(self, on: list[SqlExpressionNode]) -> bool:
        """Whether the day of a fact has only an upper bound."""
        if len(on) != 1 or not isinstance(on[0], SqlComparisonExpression):
            return False
        upper = on[0].comparison in (SqlComparison.LESS_THAN, SqlComparison.LESS_THAN_OR_EQUALS)
        return _tables(on[0].left_expr if upper else on[0].right_expr) == {self._facts}

    def _first_ones(self, facts: SqlSelectStatementNode, day: str) -> SqlSelectStatementNode:
        """Of all time so far, who was there once stays: only the first day of each distinct value counts."""
        if set(self._parts.values()) != {SqlFunction.COUNT_DISTINCT} or len(self._values) != 1:
            return facts
        (part,), (value,) = self._made.values(), self._values.values()
        others = [column for key, column in self._keys.items() if key != day]
        first = SqlSelectColumn(SqlStringExpression.create(f"min({day})"), self._keys[day].column_alias)
        distinct = SqlSelectColumn(value, "value")
        firsts = replaced(facts, select_columns=(first, *others, distinct), group_bys=(*others, distinct))
        keys = tuple(SqlSelectColumn(c.reference_from(self._facts), c.column_alias) for c in self._keys.values())
        states = SqlStringExpression.create(f"{IN_PARTS[SqlFunction.COUNT_DISTINCT][0]}({self._facts}.value)")
        return SqlSelectStatementNode.create(
            description="By the first day of each",
            select_columns=(*keys, replace(part, expr=states)),
            from_source=firsts,
            from_source_alias=self._facts,
            group_bys=keys,
        )

    def _comparison(self, part: SqlExpressionNode) -> SqlExpressionNode:
        if not isinstance(part, SqlComparisonExpression) or part.comparison not in RANGES:
            raise _DoesNotApply
        return SqlComparisonExpression.create(self._key(part.left_expr), part.comparison, self._key(part.right_expr))

    def _column(self, column: SqlSelectColumn) -> SqlExpressionNode:
        how = self._parts.get(column.column_alias)
        if how is None:
            return self._key(column.expr)
        if _tables(column.expr) != {self._facts}:
            raise _DoesNotApply
        value = self._render(column.expr)
        self._values.setdefault(value, column.expr)
        sql = f"{IN_PARTS[how][0]}({value})"
        made = SqlSelectColumn(SqlStringExpression.create(sql), f"part_{len(self._made)}")
        return self._made.setdefault(sql, made).reference_from(self._facts)

    def _key(self, expression: SqlExpressionNode) -> SqlExpressionNode:
        """The expression outside of the join: one of the facts under its new name."""
        tables = _tables(expression)
        if self._facts not in tables:
            return expression
        if tables != {self._facts}:
            raise _DoesNotApply
        sql = self._render(expression)
        self._used.add(sql)
        key = SqlSelectColumn(expression, f"key_{len(self._keys)}")
        return self._keys.setdefault(sql, key).reference_from(self._facts)


def _is_range(join: SqlJoinDescription) -> bool:
    return (
        join.join_type is SqlJoinType.INNER
        and join.on_condition is not None
        and all(
            isinstance(part, SqlComparisonExpression) and part.comparison in RANGES
            for part in _conjuncts(join.on_condition)
        )
    )


def _tables(expression: SqlExpressionNode) -> set[str]:
    if expression.lineage.contains_ambiguous_exprs:
        raise _DoesNotApply  # text of somebody's, which may name any column
    return {column.col_ref.table_alias for column in expression.lineage.column_reference_exprs}


def _mentions(expression: SqlExpressionNode, table: str, columns: Iterable[str]) -> bool:
    lineage, names = expression.lineage, set(columns)
    referred = {(column.col_ref.table_alias, column.col_ref.column_name) for column in lineage.column_reference_exprs}
    if referred & {(table, name) for name in names}:
        return True
    words = {word for text in lineage.string_exprs for word in re.findall(r"\w+", text.sql_expr)}
    return bool(names & (words | {alias.column_alias for alias in lineage.column_alias_reference_exprs}))


def _conjuncts(expression: SqlExpressionNode) -> Iterator[SqlExpressionNode]:
    if isinstance(expression, SqlLogicalExpression) and expression.operator is SqlLogicalOperator.AND:
        for part in expression.args:
            yield from _conjuncts(part)
    else:
        yield expression


def _all(conditions: list[SqlExpressionNode]) -> SqlExpressionNode | None:
    if len(conditions) < 2:
        return conditions[0] if conditions else None
    return SqlLogicalExpression.create(SqlLogicalOperator.AND, conditions)
