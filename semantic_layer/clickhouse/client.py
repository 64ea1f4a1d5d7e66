"""What MetricFlow wants a client for: the engine it plans for, and who writes its SQL. Nothing is run by it."""

from __future__ import annotations

from typing import NoReturn

from metricflow_semantics.errors.error_classes import SqlBindParametersNotSupportedError
from metricflow_semantics.sql.sql_bind_parameters import SqlBindParameterSet

from semantic_layer.clickhouse.engine_type import ClickHouseEngine
from semantic_layer.clickhouse.plans import ClickHousePlanRenderer


class PlanningClient:
    sql_engine_type = ClickHouseEngine.CLICKHOUSE
    sql_plan_renderer = ClickHousePlanRenderer()

    def query(self, stmt: str, sql_bind_parameter_set: SqlBindParameterSet = SqlBindParameterSet()) -> NoReturn:  # noqa: B008
        raise NotImplementedError("semantic_layer/reader.py runs what was compiled")

    execute = dry_run = query

    def close(self) -> None: ...

    def render_bind_parameter_key(self, bind_parameter_key: str) -> str:
        raise SqlBindParametersNotSupportedError(f"{bind_parameter_key}: values are in the statement")
