"""Every dbt model as an asset and every data test as a check, built by the same code as `millrace build`."""

# No `from __future__ import annotations`: Dagster reads the annotations of what it decorates.

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from queue import SimpleQueue
from threading import Thread
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from expectations.breaker import Breaker, Judging
from expectations.suites import Suite
from orchestration.assets.expectations import as_checks, judged_alone, specs
from orchestration.infrastructure import (
    ALONE,
    POOL,
    RETRIES,
    retried_where_the_infrastructure_failed,
    tells_of_the_infrastructure,
)
from orchestration.selection import arguments_for
from orchestration.translation import Translator
from warehouse.connection import connect
from warehouse.days import days_between, must_have_events
from warehouse.dbt import NodeResult, Run, run
from warehouse.lineage.graph import Graph
from warehouse.lineage.kept import KeptLineage
from warehouse.observability.records import CheckResult, RunRecord
from warehouse.settings import Settings, load_settings


class BuildConfig(dg.Config):
    full_refresh: bool = False
    from_day: str = ""  # these days are made anew, although nothing changed in raw
    to_day: str = ""


def model_assets(manifest: Mapping[str, Any], suites: Mapping[str, Suite]) -> dg.AssetsDefinition:
    """Tests of dbt and expectations are judged in the step that makes the tables: what fails keeps back the rest of it.
    `suites`: those of models."""
    described = dbt_assets(manifest=manifest, exclude="resource_type:unit_test", dagster_dbt_translator=Translator())(
        _described
    )
    expected = specs(suites.values(), blocking=True)
    expected_keys = {spec.key for spec in expected}

    @dg.multi_asset(
        name="models",
        specs=list(described.specs),
        check_specs=[*described.check_specs, *expected],
        can_subset=True,
        pool=POOL,
        retry_policy=RETRIES,
        required_resource_keys=ALONE,
    )
    def models(context: dg.AssetExecutionContext, config: BuildConfig) -> Iterator[Any]:
        wanted = {key.path[-1] for key in context.selected_asset_keys}
        if not wanted and context.selected_asset_check_keys <= expected_keys:
            yield from judged_alone(suites.values(), context.selected_asset_check_keys, context.run_id)
            return
        settings = load_settings()
        # Of a run of some assets, `assets_def` knows those alone.
        known = {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "model"}
        told = _Told(context, described.check_specs, suites, Graph(manifest), settings)
        with retried_where_the_infrastructure_failed():
            record = RunRecord("build", started_by="dagster", dagster_run_id=context.run_id)
            arguments = arguments_for(wanted, known, config.full_refresh)
            days = days_between(config.from_day, config.to_day)
            if days:
                must_have_events(settings, days)
            with Breaker(settings, suites) as breaker:
                for found in _as_it_goes(settings, arguments, days, record, breaker, context.log):
                    yield from told.of(found)
        told.lineage.keep()
        if told.done.has_failed:
            raise dg.Failure(
                description=told.done.sentence(),
                allow_retries=any(tells_of_the_infrastructure(reason) for reason in told.done.reasons),
            )

    return models


def _described(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """Never run: what dagster-dbt makes of the manifest is taken into a step that has more checks."""
    yield from ()


def _as_it_goes(
    settings: Settings,
    arguments: list[str],
    days: tuple[date, date] | None,
    record: RunRecord,
    breaker: Breaker,
    log: dg.DagsterLogManager,
) -> Iterator[NodeResult | Sequence[CheckResult] | Run]:
    """What a build in another thread has made and found, one after another; its failure is ours."""
    told: SimpleQueue[NodeResult | Sequence[CheckResult] | Run | BaseException] = SimpleQueue()

    class Teller(Judging):
        def finished(self, node: NodeResult) -> None:
            told.put(node)

        def judge(self, node: NodeResult) -> Sequence[CheckResult]:
            return self._tell(super().judge(node))

        def judge_the_rest(self) -> Sequence[CheckResult]:
            return self._tell(super().judge_the_rest())

        def _tell(self, results: Sequence[CheckResult]) -> Sequence[CheckResult]:
            told.put(results)
            return results

    def build() -> None:
        try:
            told.put(run(settings, arguments, Teller(breaker), waits=True, record=record, days=days))
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits
            told.put(error)

    Thread(target=build, name="dbt", daemon=True).start()
    finished = set()
    while not isinstance(item := told.get(), Run):
        if isinstance(item, BaseException):
            raise item
        if isinstance(item, NodeResult):
            finished.add(item.id)
        yield item
    for remark in item.remarks:
        log.warning(remark)
    # Those that dbt skipped are in the results alone.
    yield from (node for node in item.nodes if node.id not in finished)
    yield item


class _Told:
    """The events of Dagster for what the build says."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        tests: Iterable[dg.AssetCheckSpec],
        suites: Mapping[str, Suite],
        graph: Graph,
        settings: Settings,
    ) -> None:
        self.context, self.suites, self.graph, self.settings = context, suites, graph, settings
        self.tests = {check.name: check for check in tests}
        self.done = Run()
        self.lineage = KeptLineage(settings, graph)

    def of(self, found: NodeResult | Sequence[CheckResult] | Run) -> Iterator[Any]:
        if isinstance(found, Run):
            self.done.put_back = found.put_back
        elif isinstance(found, NodeResult):
            self.done.nodes.append(found)
            yield from self._node(found)
        else:
            self.done.judged += found
            yield from self._expectations(found)

    def _node(self, node: NodeResult) -> Iterator[Any]:
        if node.status == "skipped":
            return
        if node.is_test:
            yield from self._check(node)
        elif node.id.startswith("model.") and node.status == "success":
            yield self._materialized(node)

    def _expectations(self, results: Sequence[CheckResult]) -> Iterator[dg.AssetCheckResult]:
        wanted = {".".join(key.path) for key in self.context.selected_asset_keys}
        waiting = {
            one.asset: [table for table in self.graph.tables_below(one.asset) if table in wanted]
            for one in results
            if one.blocks
        }
        yield from as_checks(
            results, self.suites.values(), self.context.selected_asset_check_keys, self.settings, waiting
        )

    def _check(self, node: NodeResult) -> Iterator[Any]:
        check = self.tests.get(node.name)
        if check is None or check.key not in self.context.selected_asset_check_keys:
            return
        warns = self.graph.manifest["nodes"][node.id]["config"].get("severity", "error").lower() == "warn"
        yield dg.AssetCheckResult(
            asset_key=check.asset_key,
            check_name=check.name,
            passed=node.status == "pass",
            severity=dg.AssetCheckSeverity.WARN if warns else dg.AssetCheckSeverity.ERROR,
            description=None if node.status == "pass" else node.message,
            metadata={"rows that failed": node.failures or 0, "seconds": round(node.seconds, 3)},
        )

    def _materialized(self, node: NodeResult) -> dg.MaterializeResult[Any]:
        model = self.graph.manifest["nodes"][node.id]
        rows, size = table_size(self.settings, model["schema"], node.name)
        metadata: dict[str, Any] = {"seconds": round(node.seconds, 3)}
        if rows is not None:
            metadata |= {"dagster/row_count": rows, "bytes": size}
        metadata |= column_lineage(self.lineage, f"{model['schema']}.{node.name}", model["columns"])
        return dg.MaterializeResult(asset_key=dg.AssetKey([model["schema"], node.name]), metadata=metadata)


def column_lineage(lineage: KeptLineage, asset: str, columns: Collection[str]) -> dict[str, Any]:
    """What each column is made of, by the SQL that was just run; and for how many of them it can be told."""
    found = lineage.of(asset)
    if found is None:
        return {"column lineage": "cannot be told of this SQL"}
    told = {name: made for name, made in found.columns.items() if name in columns and made.known}
    deps = {
        name: [
            dg.TableColumnDep(dg.AssetKey(table.split(".")), column)
            for table, column in sorted(made.of)
            if table in lineage.graph.nodes
        ]
        for name, made in told.items()
    }
    return {
        "dagster/column_lineage": dg.MetadataValue.column_lineage(dg.TableColumnLineage(deps)),
        "column lineage": f"of {len(told)} of {len(columns)} columns",
    }


def table_size(settings: Settings, database: str, table: str) -> tuple[int | None, int]:
    """Rows and bytes of a table; none of a view."""
    client = connect(settings, "engineer")
    try:
        rows = client.query(
            "SELECT total_rows, total_bytes FROM system.tables WHERE database = {d:String} AND name = {t:String}",
            parameters={"d": database, "t": table},
        ).result_rows
    finally:
        client.close()
    return (rows[0][0], rows[0][1] or 0) if rows else (None, 0)
