"""The suites of expectations as checks of the models, judged when all of them are built."""

# No `from __future__ import annotations`: Dagster reads the annotations of what it decorates.

from collections import defaultdict
from collections.abc import Iterator, Mapping

import dagster as dg

from expectations.suites import Suite, read_suites
from orchestration.infrastructure import POOL, RETRIES, retried_where_the_infrastructure_failed
from orchestration.translation import CATALOGUE
from warehouse.observability.records import CheckResult
from warehouse.settings import load_settings


def key_of(table: str) -> dg.AssetKey:
    return dg.AssetKey(table.split("."))


def expectation_checks() -> dg.AssetChecksDefinition:
    suites = read_suites()

    @dg.multi_asset_check(
        name="expectations",
        specs=[
            dg.AssetCheckSpec(
                name=name,
                asset=key_of(suite.table),
                description=one.why,
                # What is made of raw is judged in the same step, which cannot wait for itself.
                blocking=one.severity == "error" and not suite.table.startswith("raw."),
                metadata={"owner": suite.owner, "dimension": one.dimension},
            )
            for suite in suites.values()
            for name, one in suite.expectations.items()
        ],
        can_subset=True,
        pool=POOL,
        retry_policy=RETRIES,
    )
    def expectations(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        """One check of an expectation, whatever the number of projects: it fails where that of one does."""
        from expectations.runner import run

        wanted = {(key.asset_key, key.name) for key in context.selected_asset_check_keys}
        tables = {asset for asset, _ in wanted}
        chosen = [suite for suite in suites.values() if key_of(suite.table) in tables]
        with retried_where_the_infrastructure_failed():
            report = run(load_settings(), suites=chosen, started_by="dagster", dagster_run_id=context.run.run_id)
        found: Mapping[tuple[str, str], list[CheckResult]] = _by_check(report.results)
        for suite in chosen:
            for name in suite.expectations:
                if (key_of(suite.table), name) in wanted:
                    yield _told(suite, name, found[suite.table, name], str(report.docs or ""))

    return expectations


def _by_check(results: list[CheckResult]) -> Mapping[tuple[str, str], list[CheckResult]]:
    found: dict[tuple[str, str], list[CheckResult]] = defaultdict(list)
    for result in results:
        found[result.asset, result.check_name].append(result)
    return found


def _told(suite: Suite, name: str, results: list[CheckResult], docs: str) -> dg.AssetCheckResult:
    failed = [result for result in results if result.failed]
    blocks = suite.expectations[name].severity == "error"
    told = [result.message for result in failed]
    if failed and blocks and not suite.table.startswith("raw."):
        told.append(f"Kept back: {CATALOGUE.to_user_string()}.")
    return dg.AssetCheckResult(
        asset_key=key_of(suite.table),
        check_name=name,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
        description=" ".join(told) or None,
        metadata={
            "projects": dg.MetadataValue.json(
                {result.project_id or "together": f"{result.status}: {result.observed}" for result in results}
            ),
            "Data Docs": dg.MetadataValue.path(docs),
        },
    )
