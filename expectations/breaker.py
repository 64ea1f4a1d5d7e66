"""Judges tables while a build makes them, so that nothing is made of what is wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Self

from expectations.compiling import check_of, tables_read
from expectations.runner import declared, read_columns
from expectations.session import Session
from expectations.suites import Suite, read_suites
from expectations.tables import must_be_known
from warehouse.dbt import NodeResult, Run, Watcher, build_arguments, run
from warehouse.lineage.graph import Graph, built_graph
from warehouse.observability.records import CheckResult, RunRecord
from warehouse.projects import load_projects
from warehouse.settings import Settings


class Breaker:
    """An expectation is judged as soon as its table is made, where all that it reads is made before; where it looks at
    another table, when all are made: nothing can be kept back by it then but what comes after the build."""

    def __init__(self, settings: Settings, suites: Mapping[str, Suite]) -> None:
        # Great Expectations is imported in a thread of dbt, while it makes tables. SQLAlchemy's ORM, which comes
        # with it, must be whole before: half imported, it breaks each statement of Dagster in the main thread.
        import sqlalchemy.orm  # noqa: F401

        self.settings = settings
        self.suites = {suite.table: suite for suite in suites.values()}
        self.projects = list(load_projects(settings))
        # Not only of those that are judged here: what another suite found is not over. What is wrong in one is told
        # before anything is made.
        all_there_are = [*read_suites().values(), *suites.values()]
        must_be_known(all_there_are, settings)
        self.declared = declared(all_there_are, self.projects)
        self.docs: Path | None = None
        self._session = Session(settings)
        self._left: dict[str, list[str]] = defaultdict(list)
        self._one_at_a_time = Lock()  # dbt makes several tables at once

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *what: object) -> None:
        self._session.__exit__(*what)

    @cached_property
    def graph(self) -> Graph:
        return built_graph(self.settings)  # dbt writes what it read before it makes anything

    def judge(self, node: str) -> list[CheckResult]:
        """A table that was just made, by dbt's id."""
        table = self.graph.assets.get(node, "")
        if (suite := self.suites.get(table)) is None:
            return []
        above = {self.graph.assets.get(node) for node in self.graph.above(node)}
        now = [name for name, one in suite.expectations.items() if tables_read(table, one) <= {table, *above}]
        self._left[table] = [name for name in suite.expectations if name not in now]
        return self._judged({table: now})

    def judge_the_rest(self) -> list[CheckResult]:
        """What had to wait until all tables were made."""
        results = self._judged(self._left)
        self.docs = self._session.write_docs()
        return results

    def _judged(self, wanted: Mapping[str, Sequence[str]]) -> list[CheckResult]:
        with self._one_at_a_time:
            columns = read_columns(self.settings)
            return self._session.judge(
                [
                    check_of(self.suites[table], name, project, columns)
                    for table, names in wanted.items()
                    for project in self.suites[table].projects_of(self.projects)
                    for name in names
                ],
                columns,
            )


class Judging(Watcher):
    """Of a build: each table by its expectations."""

    def __init__(self, breaker: Breaker) -> None:
        self.breaker = breaker

    def judge(self, node: NodeResult) -> Sequence[CheckResult]:
        return self.breaker.judge(node.id)

    def judge_the_rest(self) -> Sequence[CheckResult]:
        return self.breaker.judge_the_rest()

    def declared(self) -> Mapping[str, Collection[tuple[str, str, str]]]:
        return {"expectation": self.breaker.declared}


def build_all(settings: Settings, record: RunRecord, waits: bool) -> Run:
    """All models, tested and judged."""
    with Breaker(settings, read_suites()) as breaker:
        return run(settings, build_arguments(), Judging(breaker), waits=waits, record=record)
