"""Runs suites against the warehouse, and writes down what they found."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expectations.compiling import Check, Columns, as_gx, check_of, of_project
from expectations.suites import Suite, chosen, read_suites
from expectations.telling import result_of, unchecked
from warehouse.connection import connect, endpoint
from warehouse.errors import WrongUsage, nearest
from warehouse.observability.records import CheckResult, RunRecord
from warehouse.projects import load_projects
from warehouse.settings import Settings

LOGS_BY_ITSELF = "great_expectations.data_context.types.base"  # it gives itself a level when it is imported


@dataclass(frozen=True)
class Report:
    results: list[CheckResult]
    seconds: float
    docs: Path | None = None  # the first page

    @property
    def blocking(self) -> list[CheckResult]:
        return [result for result in self.results if result.blocks]


def run(
    settings: Settings,
    names: Collection[str] = (),
    project: str | None = None,
    *,
    suites: Sequence[Suite] | None = None,
    started_by: str = "command line",
    dagster_run_id: str = "",
) -> Report:
    """Judge the suites of these names, or all; of one project, or of each by itself."""
    started = time.monotonic()
    projects = list(load_projects(settings))
    if project is not None and project not in projects:
        raise WrongUsage(f"No project is called {project!r}{nearest(project, projects) or '.'}")
    every = read_suites() if suites is None else {suite.name: suite for suite in suites}
    record = RunRecord("expectations", started_by=started_by, dagster_run_id=dagster_run_id)
    columns = read_columns(settings)
    checks = [
        check_of(suite, name, one, columns)
        for suite in chosen(every, names)
        for one in suite.projects_of(projects)
        if project in (None, one)
        for name in suite.expectations
    ]
    results, docs = judge(settings, checks, columns)
    blocking = [result for result in results if result.blocks]
    record.write(
        settings,
        "failed" if blocking else "success",
        blocking[0].message if blocking else "",
        checks=results,
        declared={"expectation": {(suite.table, name) for suite in every.values() for name in suite.expectations}},
    )
    return Report(results, time.monotonic() - started, docs)


def judge(settings: Settings, checks: Sequence[Check], columns: Columns) -> tuple[list[CheckResult], Path | None]:
    results = {check_key(check): unchecked(check) for check in checks if check.cannot}
    possible = [check for check in checks if not check.cannot]
    docs = None
    if possible:
        with _context(settings) as (context, source):
            found, docs = _validated(settings, context, source, possible, columns)
            results |= found
    return [results[check_key(check)] for check in checks], docs


def check_key(check: Check) -> tuple[str, str, str]:
    return check.suite.name, check.project, check.name


def _validated(
    settings: Settings, context: Any, source: Any, checks: Sequence[Check], columns: Columns
) -> tuple[dict[tuple[str, str, str], CheckResult], Path]:
    import great_expectations as gx

    from expectations.data_docs import build

    results, pages = {}, {}
    this_run = gx.RunIdentifier(run_name="last")
    for (name, project), group in _grouped(checks).items():
        suite, where = group[0].suite, of_project(group[0].suite.table, project, columns)
        title = f"{name}.{project}" if project else name
        batch = source.add_query_asset(title, query=f"SELECT * FROM {suite.table} {where}").add_batch_definition("all")
        expected = [as_gx(check, columns) for check in group]
        gx_suite = context.suites.add(
            gx.ExpectationSuite(name=title, expectations=expected, meta={"owner": suite.owner})
        )
        definition = context.validation_definitions.add(gx.ValidationDefinition(name=title, data=batch, suite=gx_suite))
        started = time.monotonic()
        validation = definition.run(result_format="SUMMARY", run_id=this_run)
        found = {one.expectation_config.meta["name"]: one for one in validation.results}
        if sum(_failed_to_run(one) for one in found.values()) > 1:
            # One that cannot be run takes those in the same statement with it: each by itself tells which it is.
            alone = batch.get_batch()
            for check in group:
                if _failed_to_run(found[check.name]):
                    found[check.name] = alone.validate(as_gx(check, columns), result_format="SUMMARY")
        seconds = (time.monotonic() - started) / len(group)
        for check in group:
            results[check_key(check)] = result_of(check, found[check.name], seconds)
        pages[title] = [results[check_key(check)] for check in group]
    return results, build(settings, context, pages)


def _failed_to_run(one: Any) -> bool:
    told = one.exception_info or {}
    return bool(told.get("raised_exception", any(isinstance(v, dict) for v in told.values())))


def _grouped(checks: Iterable[Check]) -> dict[tuple[str, str], list[Check]]:
    groups: dict[tuple[str, str], list[Check]] = defaultdict(list)
    for check in checks:
        groups[check.suite.name, check.project].append(check)
    return groups


def read_columns(settings: Settings) -> Columns:
    with closing(connect(settings, "engineer")) as client:
        found = client.query(
            "SELECT database || '.' || table, name, type FROM system.columns "
            "WHERE database IN ('raw', 'staging', 'intermediate', 'marts', 'ops') ORDER BY ALL"
        ).result_rows
    columns: dict[str, dict[str, str]] = defaultdict(dict)
    for table, name, kind in found:
        columns[table][name] = kind
    return dict(columns)


@contextmanager
def _context(settings: Settings) -> Iterator[tuple[Any, Any]]:
    """Great Expectations in memory: nothing of it is kept but the Data Docs."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # read when it is imported
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # what fails is in the results
    _import_when_used("scipy.stats")  # for one expectation that is not used here: a fifth of the time to import GX
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    from expectations.clickhouse_dialect import url_of

    logging.getLogger(LOGS_BY_ITSELF).setLevel(logging.CRITICAL)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    source = context.data_sources.add_sql("warehouse", connection_string=url_of(endpoint(settings, "engineer")))
    try:
        yield context, source
    finally:
        source.get_execution_engine().close()


def _import_when_used(name: str) -> None:
    if name in sys.modules or (spec := importlib.util.find_spec(name)) is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    parent, _, child = name.rpartition(".")
    setattr(sys.modules[parent], child, module)
