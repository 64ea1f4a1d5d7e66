"""Expectations of our own for Great Expectations. All are judged in ClickHouse: what is brought here is numbers.

Those of rows are aggregates, which GX puts into one statement per table with its own. GX's own of columns are taken
without its samples of bad values: each costs a statement, and they may be personal.
"""

# No `from __future__ import annotations`: GX's pydantic reads the annotations of fields.

import math
from typing import Any, ClassVar

import sqlalchemy as sa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
from great_expectations.expectations.core.expect_column_values_to_be_in_set import ExpectColumnValuesToBeInSet
from great_expectations.expectations.core.expect_column_values_to_match_regex import ExpectColumnValuesToMatchRegex
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_partial, metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider

COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0, "include_unexpected_rows": False}


class _Columns(TableMetricProvider):
    """GX's own asks for all rows of a query, to see what its columns are called."""

    metric_name = "table.column_types"
    value_keys = ("include_nested",)
    default_kwarg_values = {"include_nested": True}  # noqa: RUF012 - as GX declares it

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(  # type: ignore[no-untyped-def]
        cls, execution_engine, metric_domain_kwargs, metric_value_kwargs, metrics, runtime_configuration
    ):
        rows, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        names = execution_engine.execute_query(sa.select(sa.text("*")).select_from(rows).limit(0)).keys()
        return [{"name": name} for name in names]


class _FailingRows(TableMetricProvider):
    metric_name = "millrace.failing_rows"
    value_keys = ("failing",)

    @metric_partial(
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(  # type: ignore[no-untyped-def]
        cls, execution_engine, metric_domain_kwargs, metric_value_kwargs, metrics, runtime_configuration
    ):
        return sa.literal_column(metric_value_kwargs["failing"]), metric_domain_kwargs, {}


class _Measure(TableMetricProvider):
    metric_name = "millrace.measure"
    value_keys = ("measure",)

    @metric_value(engine=SqlAlchemyExecutionEngine)
    def _sqlalchemy(  # type: ignore[no-untyped-def]
        cls, execution_engine, metric_domain_kwargs, metric_value_kwargs, metrics, runtime_configuration
    ):
        # Unescaped, a colon would begin a parameter.
        found = execution_engine.execute_query(sa.text(metric_value_kwargs["measure"].replace(":", r"\:")))
        return [_number(value) for value in found.fetchone()]


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


class ExpectRowsToPass(BatchExpectation):
    """`failing` is an aggregate that counts the rows that are wrong."""

    failing: str
    mostly: float = 1.0

    metric_dependencies: ClassVar = ("millrace.failing_rows", "table.row_count")
    success_keys: ClassVar = ("failing", "mostly")
    args_keys: ClassVar = ("failing", "mostly")

    def _validate(self, metrics, runtime_configuration=None, execution_engine=None):  # type: ignore[no-untyped-def]
        rows, failing = metrics["table.row_count"], metrics["millrace.failing_rows"]
        return {
            "success": not rows or (rows - failing) / rows >= self._get_success_kwarg("mostly"),
            "result": {
                "observed_value": failing,
                "element_count": rows,
                "unexpected_count": failing,
                "unexpected_percent": 100 * failing / rows if rows else 0,
            },
        }


class ExpectMeasureToBeAsUsual(BatchExpectation):
    """`measure` is a query of one row: what was measured, from where to where it may be, and of how many rows."""

    measure: str

    metric_dependencies: ClassVar = ("millrace.measure",)
    success_keys: ClassVar = ("measure",)
    args_keys: ClassVar = ("measure",)

    def _validate(self, metrics, runtime_configuration=None, execution_engine=None):  # type: ignore[no-untyped-def]
        measured, lower, upper, rows = metrics["millrace.measure"]
        return {
            "success": measured is None or lower <= measured <= upper,
            "result": {
                "observed_value": measured,
                "element_count": int(rows or 0),
                "details": {"lower": lower, "upper": upper},
            },
        }


class _WithoutSamples:
    """Counts alone, of an expectation of GX that judges rows."""

    def get_validation_dependencies(self, execution_engine=None, runtime_configuration=None, **more):  # type: ignore[no-untyped-def]
        asked = {**(runtime_configuration or {}), "result_format": "BOOLEAN_ONLY"}
        needed = super().get_validation_dependencies(execution_engine, asked, **more)  # type: ignore[misc]
        needed.result_format = COUNTS  # as only the truth was asked for, no more would be told
        return needed

    def _validate(self, metrics, runtime_configuration=None, execution_engine=None):  # type: ignore[no-untyped-def]
        no_samples: dict[str, Any] = {f"{self.map_metric}.unexpected_values": []}  # type: ignore[attr-defined]
        return super()._validate({**metrics, **no_samples}, {"result_format": COUNTS}, execution_engine)  # type: ignore[misc]


class ExpectColumnToBeBetween(_WithoutSamples, ExpectColumnValuesToBeBetween): ...


class ExpectColumnToMatchRegex(_WithoutSamples, ExpectColumnValuesToMatchRegex): ...


class ExpectColumnToBeInSet(_WithoutSamples, ExpectColumnValuesToBeInSet): ...
