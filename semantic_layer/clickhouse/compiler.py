"""Requests of MetricFlow into statements of ClickHouse, each with the settings that it means something by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

from semantic_layer.clickhouse.client import PlanningClient

if TYPE_CHECKING:
    from metricflow_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest

# In the statement, not beside it: pasted anywhere else, it answers the same.
SETTINGS = {
    "join_use_nulls": "1",  # what has no match is NULL, not 0 or ''
    "prefer_column_name_to_alias": "1",  # WHERE x and sum(x) mean the column, not the alias x of a sum(x)
    "enable_positional_arguments": "1",  # ORDER BY is by position
}


class Compiler:
    def __init__(self, manifest: PydanticSemanticManifest) -> None:
        self.engine = MetricFlowEngine(
            semantic_manifest_lookup=SemanticManifestLookup(manifest),
            sql_client=PlanningClient(),  # type: ignore[arg-type] # its engine is not in MetricFlow's list
        )
        # Every one has a project_id (a test says so); the calendar, which has none, is no semantic model.
        self._tables = {
            model.node_relation.relation_name: f"{model.node_relation.schema_name}.{model.node_relation.alias}"
            for model in manifest.semantic_models
        }

    def compile(self, request: MetricFlowQueryRequest, project: str, timezone: str) -> str:
        """The statement that answers for one project, with days, weeks and months of its timezone."""
        sql = self.engine.explain(request).sql_statement.sql
        own = f"project_id = {_quoted(project)}"
        filters = ", ".join(f"{_quoted(name)}: {_quoted(own)}" for table, name in self._tables.items() if table in sql)
        settings = {
            **SETTINGS,
            "session_timezone": _quoted(timezone),
            **({"additional_table_filters": "{" + filters + "}"} if filters else {}),
        }
        return f"{sql}\nSETTINGS {', '.join(f'{name} = {value}' for name, value in settings.items())}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
