"""Which columns a column is made of, read from the SQL of a model as dbt compiled it.

It tells of values: what chooses, joins or groups rows is in `reads` alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

Column = tuple[str, str]  # database.table, column
Schema = Mapping[str, Mapping[str, Mapping[str, str]]]  # database, table, column, type


@dataclass(frozen=True)
class Made:
    """What a column is made of; where not `known`, of something beside it that cannot be told."""

    of: frozenset[Column]
    known: bool = True

    def __or__(self, other: Made) -> Made:
        return Made(self.of | other.of, self.known and other.known)


NOTHING = Made(frozenset())
UNKNOWN = Made(frozenset(), known=False)


@dataclass(frozen=True)
class Lineage:
    columns: Mapping[str, Made]
    reads: frozenset[Column]  # for whatever purpose


def qualified(sql: str, schema: Schema) -> exp.Expr:
    """With the table of each column; sqlglot's own errors where it is not understood."""
    from sqlglot import parse_one
    from sqlglot.optimizer.qualify import qualify

    return qualify(
        parse_one(sql, read="clickhouse"),
        schema=dict(schema),
        dialect="clickhouse",
        validate_qualify_columns=False,
        quote_identifiers=False,
        identify=False,
    )


def lineage_of(sql: str, schema: Schema) -> Lineage | None:
    """None where the SQL is not understood."""
    from sqlglot import exp
    from sqlglot.errors import SqlglotError
    from sqlglot.optimizer.scope import build_scope

    try:
        query = qualified(sql, schema)
        scope = build_scope(query)
        if scope is None or not isinstance(query, exp.Query):
            return None
        reader = _Reader(scope)
        columns = {name: reader.column(scope, name) for name in query.named_selects if name != "*"}
    except (SqlglotError, RecursionError, ValueError):
        return None
    return Lineage(columns, reader.reads())


class _Reader:
    def __init__(self, root: Scope) -> None:
        self.scopes = {id(scope.expression): scope for scope in root.traverse()}
        self.known: dict[tuple[int, str], Made] = {}

    def reads(self) -> frozenset[Column]:
        """Of tables only: what is read of a CTE was read by it."""
        from sqlglot import exp

        found: set[Column] = set()
        for scope in self.scopes.values():
            for column in scope.columns:
                source = self._source(scope, column.table)
                if not column.table and len(scope.sources) == 1:
                    source = next(iter(scope.sources.values()))
                if isinstance(source, exp.Table):
                    found.add((_asset(source), column.name))
        return frozenset(found)

    def column(self, scope: Scope, name: str) -> Made:
        key = (id(scope), name)
        if key not in self.known:
            self.known[key] = UNKNOWN  # where it leads back to itself
            self.known[key] = self._column(scope, name)
        return self.known[key]

    def _column(self, scope: Scope, name: str) -> Made:
        from sqlglot import exp

        query = scope.expression
        if isinstance(query, exp.SetOperation):
            names = query.named_selects
            if name not in names:
                return UNKNOWN
            made = NOTHING
            place = names.index(name)
            for side in (query.left.unnest(), query.right.unnest()):
                branch = self.scopes.get(id(side))
                of_branch = side.named_selects if isinstance(side, exp.Query) else []
                made |= self.column(branch, of_branch[place]) if branch and place < len(of_branch) else UNKNOWN
            return made
        for projection in getattr(query, "selects", ()):
            if projection.alias_or_name == name and not projection.is_star:
                return self._of(projection, scope)
        return UNKNOWN

    def _of(self, expression: exp.Expression, scope: Scope) -> Made:
        from sqlglot import exp

        made = NOTHING
        for column in expression.find_all(exp.Column):
            inner = column.find_ancestor(exp.Select)
            made |= self._of_column(column, self.scopes.get(id(inner), scope), expression)
        return made

    def _of_column(self, column: exp.Column, scope: Scope, within: exp.Expression) -> Made:
        from sqlglot import exp
        from sqlglot.optimizer.scope import Scope

        if _is_parameter(column):
            return NOTHING
        source = self._source(scope, column.table)
        if isinstance(source, exp.Table | Scope):
            return self._of_source(source, column.name)
        for name, expression in _named_beside(scope.expression):
            if name == (column.table or column.name) and expression is not within:
                return self._of(expression, scope)
        if not column.table and len(scope.sources) == 1:  # of which nobody says the columns
            return self._of_source(next(iter(scope.sources.values())), column.name)
        return UNKNOWN

    def _of_source(self, source: Any, name: str) -> Made:
        from sqlglot import exp

        if isinstance(source, exp.Table):
            return Made(frozenset({(_asset(source), name)}))
        return self.column(source, name)

    def _source(self, scope: Scope | None, table: str) -> Any:
        """Also of an outer query, for one that stands in an expression."""
        while scope is not None and table:
            if table in scope.sources:
                return scope.sources[table]
            scope = scope.parent
        return None


def _asset(table: exp.Table) -> str:
    return f"{table.db}.{table.name}" if table.db else str(table.name)


def _is_parameter(column: exp.Column) -> bool:
    """Of a lambda: x in arrayMap(x -> x + 1, …)."""
    from sqlglot import exp

    around = column.find_ancestor(exp.Lambda)
    while around is not None:
        if (column.table or column.name) in {parameter.name for parameter in around.expressions}:
            return True
        around = around.find_ancestor(exp.Lambda)
    return False


def _named_beside(query: Any) -> Iterator[tuple[str, exp.Expression]]:
    """What has a name within a query beside its tables: of ARRAY JOIN, of WITH, and other columns."""
    from sqlglot import exp

    for join in query.args.get("joins") or ():
        if "ARRAY" in (join.kind or "").upper() or "ARRAY" in (join.side or "").upper():
            for one in (join.this, *(join.expressions or ())):
                if isinstance(one, exp.Alias):
                    yield one.alias, one.this
    for projection in getattr(query, "selects", ()):
        if isinstance(projection, exp.Alias):
            yield projection.alias, projection
