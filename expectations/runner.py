"""Runs suites against the warehouse, and writes down what they found."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from expectations.compiling import Check, Columns, check_of
from expectations.session import Session
from expectations.suites import Suite, chosen, read_suites
from expectations.tables import DATABASES, must_be_known
from warehouse.connection import connect
from warehouse.errors import WrongUsage, nearest
from warehouse.observability.records import CheckResult, RunRecord
from warehouse.projects import load_projects
from warehouse.settings import Settings


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
    """Judge the suites of these names, or all; of one project, or of each by itself. `suites`: those to choose from,
    where they are not all there are."""
    started = time.monotonic()
    projects = list(load_projects(settings))
    if project is not None and project not in projects:
        raise WrongUsage(f"No project is called {project!r}{nearest(project, projects) or '.'}")
    all_there_are = read_suites()
    must_be_known(all_there_are.values(), settings)
    every = all_there_are if suites is None else {suite.name: suite for suite in suites}
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
        # Not only of those that are judged now: what another suite found is not over.
        declared={"expectation": declared([*all_there_are.values(), *every.values()], projects)},
    )
    return Report(results, time.monotonic() - started, docs)


def declared(suites: Collection[Suite], projects: Sequence[str]) -> set[tuple[str, str, str]]:
    """Every check there is, as asset, name and project."""
    return {
        (suite.table, name, project)
        for suite in suites
        for project in suite.projects_of(projects)
        for name in suite.expectations
    }


def judge(settings: Settings, checks: Sequence[Check], columns: Columns) -> tuple[list[CheckResult], Path | None]:
    with Session(settings) as session:
        results = session.judge(checks, columns)
        return results, session.write_docs()


def read_columns(settings: Settings) -> Columns:
    with closing(connect(settings, "engineer")) as client:
        found = client.query(
            "SELECT database || '.' || table, name, type FROM system.columns "
            "WHERE database IN {databases:Array(String)} ORDER BY ALL",
            parameters={"databases": list(DATABASES)},
        ).result_rows
    columns: dict[str, dict[str, str]] = defaultdict(dict)
    for table, name, kind in found:
        columns[table][name] = kind
    return dict(columns)
