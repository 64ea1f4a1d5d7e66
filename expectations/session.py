"""Great Expectations, opened once for all that one run judges."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from expectations.compiling import Check, Columns, as_gx, newest_for, of_project
from expectations.telling import first_line, result_of, unchecked
from expectations.windows import Newest
from warehouse.connection import connect, endpoint
from warehouse.observability.records import CheckResult
from warehouse.settings import Settings

LOGS_BY_ITSELF = "great_expectations.data_context.types.base"  # it gives itself a level when it is imported
RUN = "last"  # the name of the run in the paths of pages
AT_THE_END = ".at_the_end"  # of the rest of a suite, judged later in a build than its first part
Key = tuple[str, str, str]  # suite, project, expectation


class Session:
    """Great Expectations is imported, which takes seconds, when the first expectation is judged. Nothing of it is kept
    but the Data Docs."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._opened: tuple[Any, Any] | None = None
        self._pages: dict[str, list[CheckResult]] = {}
        self._newest: dict[str, Newest | str] = {}  # by its query: many expectations ask for the same; or why it fails

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._opened:
            self._opened[1].get_execution_engine().close()

    def judge(self, checks: Sequence[Check], columns: Columns) -> list[CheckResult]:
        checks = self._knowing_what_is_newest(checks, columns)
        results = {_key(check): unchecked(check) for check in checks if check.cannot}
        for group in _grouped(check for check in checks if not check.cannot).values():
            results |= self._validated(group, columns)
        return [results[_key(check)] for check in checks]

    def write_docs(self) -> Path | None:
        """The pages of what was judged, where anything was; the first of them."""
        from expectations.data_docs import build

        return build(self.settings, self._open()[0], self._pages) if self._pages else None

    def _knowing_what_is_newest(self, checks: Sequence[Check], columns: Columns) -> list[Check]:
        from clickhouse_connect.driver.exceptions import DatabaseError

        asked = {query for check in checks if (query := newest_for(check, columns))} - self._newest.keys()
        if asked:
            with closing(connect(self.settings, "engineer")) as client:
                for query in asked:
                    try:
                        self._newest[query] = Newest(*client.query(query).result_rows[0])
                    except DatabaseError as error:
                        self._newest[query] = first_line(str(error))
        return [self._with_newest(check, newest_for(check, columns)) for check in checks]

    def _with_newest(self, check: Check, query: str) -> Check:
        found = self._newest.get(query)
        return replace(check, cannot=found) if isinstance(found, str) else replace(check, newest=found)

    def _validated(self, group: list[Check], columns: Columns) -> dict[Key, CheckResult]:
        import great_expectations as gx

        context, source = self._open()
        suite, project = group[0].suite, group[0].project
        title = f"{suite.name}.{project}" if project else suite.name
        if title in self._pages:  # the rest of a suite, judged later than the first part
            title += AT_THE_END
        query = f"SELECT * FROM {suite.table} {of_project(suite.table, project, columns)}"
        batch = source.add_query_asset(title, query=query).add_batch_definition("all")
        expected = [as_gx(check, columns) for check in group]
        gx_suite = context.suites.add(
            gx.ExpectationSuite(name=title, expectations=expected, meta={"owner": suite.owner})
        )
        definition = context.validation_definitions.add(gx.ValidationDefinition(name=title, data=batch, suite=gx_suite))
        started = time.monotonic()
        validation = definition.run(result_format="SUMMARY", run_id=gx.RunIdentifier(run_name=RUN))
        found = {one.expectation_config.meta["name"]: one for one in validation.results}
        if sum(_failed_to_run(one) for one in found.values()) > 1:
            # One that cannot be run takes those in the same statement with it: each by itself tells which it is.
            alone = batch.get_batch()
            for check in group:
                if _failed_to_run(found[check.name]):
                    found[check.name] = alone.validate(as_gx(check, columns), result_format="SUMMARY")
        seconds = (time.monotonic() - started) / len(group)
        results = {_key(check): result_of(check, found[check.name], seconds) for check in group}
        self._pages[title] = list(results.values())
        return results

    def _open(self) -> tuple[Any, Any]:
        """Great Expectations in memory, and the warehouse as its source."""
        if self._opened is None:
            self._opened = _opened(self.settings)
        return self._opened


def _key(check: Check) -> Key:
    return check.suite.name, check.project, check.name


def _failed_to_run(one: Any) -> bool:
    told = one.exception_info or {}
    return bool(told.get("raised_exception", any(isinstance(v, dict) for v in told.values())))


def _grouped(checks: Iterable[Check]) -> dict[tuple[str, str], list[Check]]:
    groups: dict[tuple[str, str], list[Check]] = defaultdict(list)
    for check in checks:
        groups[check.suite.name, check.project].append(check)
    return groups


def _opened(settings: Settings) -> tuple[Any, Any]:
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
    return context, source


def _import_when_used(name: str) -> None:
    if name in sys.modules or (spec := importlib.util.find_spec(name)) is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    parent, _, child = name.rpartition(".")
    setattr(sys.modules[parent], child, module)
