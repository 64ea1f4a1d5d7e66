"""Requests of MetricFlow into statements of ClickHouse, each with the settings that it means something by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from metricflow.dataflow.builder.dataflow_plan_builder import DataflowPlanBuilder
from metricflow.dataflow.dataflow_plan import DataflowPlanNode
from metricflow.dataflow.nodes.join_over_time import JoinOverTimeRangeNode
from metricflow.dataflow.nodes.join_to_base import JoinDescription, JoinOnEntitiesNode
from metricflow.dataflow.nodes.join_to_time_spine import JoinToTimeSpineNode
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow_semantic_interfaces.references import MetricReference
from metricflow_semantic_interfaces.type_enums.metric_type import MetricType
from metricflow_semantic_interfaces.type_enums.time_granularity import TimeGranularity
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup
from metricflow_semantics.specs.time_dimension_spec import TimeDimensionSpec
from metricflow_semantics.time.granularity import ExpandedTimeGranularity

from semantic_layer.clickhouse.client import PlanningClient

if TYPE_CHECKING:
    from metricflow_semantic_interfaces.implementations.semantic_manifest import PydanticSemanticManifest

# In the statement, not beside it: pasted anywhere else, it answers the same.
SETTINGS = {
    "join_use_nulls": "1",  # what has no match is NULL, not 0 or ''
    "prefer_column_name_to_alias": "1",  # WHERE x and sum(x) mean the column, not the alias x of a sum(x)
    "enable_positional_arguments": "1",  # ORDER BY is by position
}
# Where facts are not at their own time any more.
MOVED = (JoinOverTimeRangeNode, JoinToTimeSpineNode)


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
    """As MetricFlow plans, but for what it gets wrong:

    - What holds at an instant, such as a user's plan, is looked up at that of the fact. MetricFlow looks after it has
      moved facts to the days that a total, or a comparison with earlier days, is told of: so at another time.
    - A total of all time so far is that at the end of the range where it is not asked by time. MetricFlow takes what
      came within the range alone, and names a column that is not there.
    - Running totals are told of days, also of facts that have an instant.
    """

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

    def _get_minimum_metric_time_spec_for_metric(self, metric_reference: MetricReference) -> TimeDimensionSpec:
        finest = super()._get_minimum_metric_time_spec_for_metric(metric_reference)
        is_total = self._metric_lookup.get_metric(metric_reference).type is MetricType.CUMULATIVE
        if not is_total or finest.base_granularity_sort_key >= TimeGranularity.DAY.to_int():
            return finest
        return finest.with_grain(ExpandedTimeGranularity.from_time_granularity(TimeGranularity.DAY))

    def _build_pre_aggregation_plan(  # type: ignore[override] # the rest is passed on
        self, source_node: DataflowPlanNode, join_targets: Sequence[JoinDescription] = (), **rest: Any
    ) -> DataflowPlanNode:
        of_a_metric = rest.get("queried_linkable_specs_for_semi_additive_join") is not None
        if of_a_metric and not isinstance(source_node, JoinToTimeSpineNode):
            rest["time_range_constraint"] = None  # facts, or days, were read within their range already
        if join_targets and isinstance(source_node, MOVED):
            source_node, join_targets = _joined_below(source_node, join_targets), ()
        return super()._build_pre_aggregation_plan(source_node, join_targets=join_targets, **rest)


def _joined_below(node: DataflowPlanNode, targets: Sequence[JoinDescription]) -> DataflowPlanNode:
    if not isinstance(node, MOVED):
        return JoinOnEntitiesNode.create(left_node=node, join_targets=targets)
    facts, *days = node.parent_nodes
    return node.with_new_parents((_joined_below(facts, targets), *days))


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
