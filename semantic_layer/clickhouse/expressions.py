"""MetricFlow's expressions in ClickHouse's SQL."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

from metricflow.sql.render.expr_renderer import DefaultSqlExpressionRenderer, SqlExpressionRenderResult
from metricflow_semantic_interfaces.type_enums.date_part import DatePart
from metricflow_semantic_interfaces.type_enums.time_granularity import TimeGranularity
from metricflow_semantics.sql.sql_bind_parameters import SqlBindParameterSet
from metricflow_semantics.sql.sql_exprs import (
    SqlAddTimeExpression,
    SqlAggregateFunctionExpression,
    SqlBetweenExpression,
    SqlDateTruncExpression,
    SqlExpressionNode,
    SqlExtractExpression,
    SqlFunction,
    SqlGenerateUuidExpression,
    SqlPercentileExpression,
    SqlPercentileFunctionType,
    SqlStringLiteralExpression,
    SqlSubtractTimeIntervalExpression,
    SqlWindowFunction,
    SqlWindowFunctionExpression,
)

from semantic_layer.clickhouse.engine_type import ClickHouseEngine

DATE_PARTS = {
    DatePart.YEAR: "toYear",
    DatePart.QUARTER: "toQuarter",
    DatePart.MONTH: "toMonth",
    DatePart.DAY: "toDayOfMonth",
    DatePart.DOW: "toDayOfWeek",  # Monday is 1
    DatePart.DOY: "toDayOfYear",
}
# Of no rows: NULL as in SQL, not 0 or nan.
OR_NULL = {
    SqlFunction.SUM: "sumOrNull",
    SqlFunction.MIN: "minOrNull",
    SqlFunction.MAX: "maxOrNull",
    SqlFunction.AVERAGE: "avgOrNull",
}
DAY = re.compile(r"'\d{4}-\d{2}-\d{2}'")
INSTANT = re.compile(r"'\d{4}-\d{2}-\d{2}[ T][\d:.]+'")


class ClickHouseExpressionRenderer(DefaultSqlExpressionRenderer):
    sql_engine = ClickHouseEngine.CLICKHOUSE  # type: ignore[assignment]

    @property
    def double_data_type(self) -> str:
        return "Nullable(Float64)"

    @property
    def timestamp_data_type(self) -> str:
        return "Nullable(DateTime64(6))"

    @property
    def supported_percentile_function_types(self) -> Collection[SqlPercentileFunctionType]:
        return set(SqlPercentileFunctionType)

    def visit_date_trunc_expr(self, node: SqlDateTruncExpression) -> SqlExpressionRenderResult:
        self._validate_granularity_for_engine(node.time_granularity)
        # date_trunc() is a Date, Date32, DateTime or DateTime64 by unit and argument: one type for all that are joined.
        # Of days a date, not the midnight that it begins with: where clocks are set forward at midnight there is none,
        # and the one a week before or later would be an hour off.
        type_ = "toDateTime64({}, 6)" if node.time_granularity < TimeGranularity.DAY else "toDate32({})"
        return self._as(type_.format(f"date_trunc('{node.time_granularity.value}', {{}})"), node.arg)

    def visit_extract_expr(self, node: SqlExtractExpression) -> SqlExpressionRenderResult:
        return self._as(f"{DATE_PARTS[node.date_part]}({{}})", node.arg)

    def visit_subtract_time_interval_expr(self, node: SqlSubtractTimeIntervalExpression) -> SqlExpressionRenderResult:
        return self._as(f"{{}} - toInterval{node.granularity.value.capitalize()}({node.count})", node.arg)

    def visit_add_time_expr(self, node: SqlAddTimeExpression) -> SqlExpressionRenderResult:
        return self._as(f"{{}} + toInterval{node.granularity.value.capitalize()}({{}})", node.arg, node.count_expr)

    def visit_generate_uuid_expr(self, node: SqlGenerateUuidExpression) -> SqlExpressionRenderResult:
        return self._as("generateUUIDv4()")

    def visit_between_expr(self, node: SqlBetweenExpression) -> SqlExpressionRenderResult:
        column, begin, end = (
            self.render_sql_expr(part).sql for part in (node.column_arg, node.start_expr, node.end_expr)
        )
        # A range of days ends with its last day, not with the midnight at which that begins.
        until = f"< toDateTime64(toDate32({end}) + 1, 6)" if DAY.fullmatch(end) else f"<= {_instant(end)}"
        if INSTANT.fullmatch(end):
            until = f"< {_instant(end)} + toIntervalSecond(1)"  # MetricFlow's ends are the last whole second
        return self._as(
            f"({column} >= {_instant(begin)} AND {column} {until})",
            of=(node.column_arg, node.start_expr, node.end_expr),
        )

    def visit_string_literal_expr(self, node: SqlStringLiteralExpression) -> SqlExpressionRenderResult:
        escaped = node.literal_value.replace("\\", "\\\\").replace("'", "\\'")
        return self._as(f"'{escaped}'")

    def visit_percentile_expr(self, node: SqlPercentileExpression) -> SqlExpressionRenderResult:
        share = node.percentile_args.percentile
        match node.percentile_args.function_type:
            case SqlPercentileFunctionType.CONTINUOUS:
                # Of a Decimal there is none.
                return self._as(f"quantileExactInclusiveOrNull({share})(toFloat64({{}}))", node.order_by_arg)
            case SqlPercentileFunctionType.DISCRETE:
                # quantileExact() takes the element floor(p * n), PERCENTILE_DISC the one at ceil(p * n): another one
                # wherever p * n is whole.
                return self._as(
                    "arrayElementOrNull(arraySort(groupArray({0})), "
                    f"toUInt64(greatest(ceil(toDecimal64({share}, 6) * count({{0}})), 1)))",
                    node.order_by_arg,
                )
            case SqlPercentileFunctionType.APPROXIMATE_CONTINUOUS:
                return self._as(f"quantileTDigestOrNull({share})(toFloat64({{}}))", node.order_by_arg)
            case SqlPercentileFunctionType.APPROXIMATE_DISCRETE:
                return self._as(f"quantileGKOrNull(1000, {share})({{}})", node.order_by_arg)

    def visit_window_function_expr(self, node: SqlWindowFunctionExpression) -> SqlExpressionRenderResult:
        rendered = super().visit_window_function_expr(node)
        # ClickHouse's skip NULLs unless they are told not to.
        if node.sql_function in (SqlWindowFunction.FIRST_VALUE, SqlWindowFunction.LAST_VALUE):
            head, _, tail = rendered.sql.partition(") OVER (")
            return SqlExpressionRenderResult(f"{head}) RESPECT NULLS OVER ({tail}", rendered.bind_parameter_set)
        return rendered

    def visit_function_expr(self, node: SqlAggregateFunctionExpression) -> SqlExpressionRenderResult:
        name = OR_NULL.get(node.sql_function)
        if name is None:
            return super().visit_function_expr(node)
        return self._as(f"{name}({', '.join('{}' for _ in node.sql_function_args)})", *node.sql_function_args)

    def _as(
        self, template: str, *parts: SqlExpressionNode, of: Iterable[SqlExpressionNode] = ()
    ) -> SqlExpressionRenderResult:
        """The template with the parts in it, in parentheses where they need some; parameters of `of` come along."""
        rendered = [self.render_sql_expr(part) for part in parts]
        bracketed = [
            f"({result.sql})" if part.requires_parenthesis else result.sql
            for part, result in zip(parts, rendered, strict=True)
        ]
        parameters: list[Any] = [result.bind_parameter_set for result in rendered]
        parameters += [self.render_sql_expr(part).bind_parameter_set for part in of]
        sql = template.format(*bracketed) if parts else template
        return SqlExpressionRenderResult(sql, SqlBindParameterSet.merge_iterable(parameters))


def _instant(literal: str) -> str:
    """A Date cannot be compared with a text that has a time of day."""
    if DAY.fullmatch(literal):
        return f"toDateTime64(toDate32({literal}), 6)"
    return f"toDateTime64({literal}, 6)" if INSTANT.fullmatch(literal) else literal
