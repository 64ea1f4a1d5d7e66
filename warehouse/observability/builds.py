"""What dbt did, as models and checks of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from warehouse.dbt import NodeResult, Run
from warehouse.lineage.graph import Graph, built_graph
from warehouse.observability.incidents import Change
from warehouse.observability.records import CheckResult, ModelRun, RunRecord, now
from warehouse.settings import Settings

# By the name of a test's kind; `meta: {dimension: …}` of a test says otherwise.
DIMENSIONS = {
    "not_null": "completeness",
    "unique": "uniqueness",
    "unique_combination": "uniqueness",
    "accepted_values": "validity",
    "in_calendar": "validity",
    "relationships": "consistency",
    "of_a_session": "consistency",
}
BY_DEFAULT = "consistency"  # a test in a file of its own compares tables
OF_MODELS = {"success": "success", "skipped": "skipped", "put back": "skipped"}


def record_build(settings: Settings, done: Run, record: RunRecord) -> list[Change]:
    """Write a build down; what it changed about incidents."""
    graph = built_graph(settings)
    of_dbt = {"dbt": {(graph.asset_of_test(test), test["name"], "") for test in graph.tests.values()}}
    return record.write(
        settings,
        "failed" if done.has_failed else "success",
        done.sentence() if done.has_failed else "",
        models=list(models_of(done.nodes, graph)),
        checks=[*checks_of(done.nodes, graph), *done.judged],
        declared={**of_dbt, **done.declared},
        graph=graph,
    )


def models_of(nodes: Iterable[NodeResult], graph: Graph) -> Iterator[ModelRun]:
    for node in nodes:
        if node.id in graph.assets and node.id.startswith("model."):
            status = OF_MODELS.get(node.status, "error")
            yield ModelRun(
                graph.assets[node.id],
                status,
                node.seconds,
                message=node.message if status == "error" else "",
                finished_at=node.finished_at or now(),
            )


def checks_of(nodes: Iterable[NodeResult], graph: Graph) -> Iterator[CheckResult]:
    for node in nodes:
        test = graph.tests.get(node.id)
        if test is None:
            continue
        yield CheckResult(
            asset=graph.asset_of_test(test),
            check_name=node.name,
            kind="dbt",
            dimension=dimension_of(test),
            severity=_severity(node, test),
            status={"pass": "pass", "skipped": "skipped", "fail": "fail", "warn": "fail"}.get(node.status, "error"),
            seconds=node.seconds,
            failures=node.failures,
            observed=_rows(node) if node.status in ("fail", "warn") else "",
            message=_message(node),
            checked_at=node.finished_at or now(),
        )


def dimension_of(test: Mapping[str, Any]) -> str:
    declared = test["config"].get("meta", {}).get("dimension")
    return str(declared or DIMENSIONS.get((test.get("test_metadata") or {}).get("name", ""), BY_DEFAULT))


def _severity(node: NodeResult, test: Mapping[str, Any]) -> str:
    """As dbt judged: a test may fail from some number of rows on, and warn below it."""
    if node.status in ("fail", "warn"):
        return "error" if node.status == "fail" else "warn"
    return str(test["config"].get("severity", "error")).lower()


def _message(node: NodeResult) -> str:
    if node.status in ("pass", "skipped"):
        return ""
    return f"{_rows(node)} failed" if node.status in ("fail", "warn") else node.message


def _rows(node: NodeResult) -> str:
    return "1 row" if node.failures == 1 else f"{node.failures or 0:,} rows"
