"""Requests of MetricFlow into statements of ClickHouse, each with the settings that it means something by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metricflow.dataflow.builder.dataflow_plan_builder import DataflowPlanBuilder
from metricflow.dataflow.dataflow_plan import DataflowPlanNode
from metricflow.dataflow.nodes.join_over_time import JoinOverTimeRangeNode
from metricflow.dataflow.nodes.join_to_time_spine import JoinToTimeSpineNode
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
        self.engine._dataflow_plan_builder = _PlanBuilder.instead_of(
            self.engine._dataflow_plan_builder, self.engine._semantic_manifest_lookup
        )
        # Every one has a project_id, the days that MetricFlow joins to as well.
        relations = [model.node_relation for model in manifest.semantic_models]
        relations += [spine.node_relation for spine in manifest.project_configuration.time_spines]
        self._tables = {relation.relation_name: f"{relation.schema_name}.{relation.alias}" for relation in relations}

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


class _PlanBuilder(DataflowPlanBuilder):
    """A total of all time so far is that at the end of the range where it is not asked by time: MetricFlow would take
    what came within the range alone, and names a column that is not there."""

    @staticmethod
    def instead_of(builder: DataflowPlanBuilder, lookup: SemanticManifestLookup) -> _PlanBuilder:
        return _PlanBuilder(
            source_node_set=builder._source_node_set,
            semantic_manifest_lookup=lookup,
            node_output_resolver=builder._node_data_set_resolver,
            column_association_resolver=builder._column_association_resolver,
            source_node_builder=builder._source_node_builder,
            dataflow_plan_builder_cache=builder._cache,
        )

    def _build_pre_aggregation_plan(  # type: ignore[override] # the rest is passed on
        self, source_node: DataflowPlanNode, **rest: Any
    ) -> DataflowPlanNode:
        of_a_metric = rest.get("queried_linkable_specs_for_semi_additive_join") is not None
        if of_a_metric and not isinstance(source_node, JoinOverTimeRangeNode | JoinToTimeSpineNode):
            rest["time_range_constraint"] = None  # what was read was within its range already
        return super()._build_pre_aggregation_plan(source_node, **rest)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
