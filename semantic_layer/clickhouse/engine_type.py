"""Stands in for a member of MetricFlow's closed list of engines. It asks two things of it: whether it is BigQuery, and
which grains it lacks."""

from __future__ import annotations

from enum import Enum

from metricflow_semantic_interfaces.type_enums.time_granularity import TimeGranularity


class ClickHouseEngine(Enum):
    CLICKHOUSE = "ClickHouse"

    @property
    def unsupported_granularities(self) -> set[TimeGranularity]:
        return {TimeGranularity.NANOSECOND}  # an instant is a DateTime64(6) here
