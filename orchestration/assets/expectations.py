"""The suites of expectations as checks: of models in the step that makes them (models.py), of other tables in a step of
their own."""

# No `from __future__ import annotations`: Dagster reads the annotations of what it decorates.

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from expectations.data_docs import first_page
from expectations.suites import Suite, read_suites
from expectations.tables import must_be_known
from orchestration.infrastructure import ALONE, POOL, RETRIES, retried_where_the_infrastructure_failed
from orchestration.translation import CATALOGUE
from warehouse.observability.records import CheckResult, without_query
from warehouse.settings import Settings, load_settings

SHOWN = 5


def key_of(table: str) -> dg.AssetKey:
    return dg.AssetKey(table.split("."))


def by_maker(manifest: Mapping[str, Any], settings: Settings) -> tuple[dict[str, Suite], dict[str, Suite]]:
    """Suites of tables that models make, and of others."""
    models = {f"{node['schema']}.{node['alias']}" for node in manifest["nodes"].values() if "alias" in node}
    suites = read_suites()
    must_be_known(suites.values(), settings, manifest)
    of_models = {name: suite for name, suite in suites.items() if suite.table in models}
    return of_models, {name: suite for name, suite in suites.items() if name not in of_models}


def specs(suites: Collection[Suite], blocking: bool) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            name=name,
            asset=key_of(suite.table),
            description=one.why,
            blocking=blocking and one.severity == "error",
            metadata={"owner": suite.owner, "dimension": one.dimension},
        )
        for suite in suites
        for name, one in suite.expectations.items()
    ]


def checks_of_other_tables(suites: Collection[Suite]) -> list[dg.AssetChecksDefinition]:
    """Of what no model makes. They stop nothing: what is made of raw is made in the step after the load."""
    if not suites:
        return []

    @dg.multi_asset_check(
        name="expectations",
        specs=specs(suites, blocking=False),
        can_subset=True,
        pool=POOL,
        retry_policy=RETRIES,
        required_resource_keys=ALONE,
    )
    def expectations(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        yield from judged_alone(suites, context.selected_asset_check_keys, context.run.run_id)

    return [expectations]


def judged_alone(
    suites: Collection[Suite], wanted: Collection[dg.AssetCheckKey], run_id: str
) -> Iterator[dg.AssetCheckResult]:
    """Checks that are run without a build of their tables."""
    from expectations.runner import run

    chosen = [suite for suite in suites if any(key.asset_key == key_of(suite.table) for key in wanted)]
    with retried_where_the_infrastructure_failed():
        report = run(load_settings(), suites=chosen, started_by="dagster", dagster_run_id=run_id)
    yield from as_checks(report.results, chosen, wanted, load_settings())


def as_checks(
    results: Sequence[CheckResult],
    suites: Collection[Suite],
    wanted: Collection[dg.AssetCheckKey],
    settings: Settings,
    waiting: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[dg.AssetCheckResult]:
    """One check of an expectation, whatever the number of projects: it fails where that of one does. `waiting`: by
    table, what is not made while something that blocks fails."""
    by_table = {suite.table: suite for suite in suites}
    found: Mapping[tuple[str, str], list[CheckResult]] = defaultdict(list)
    for result in results:
        found[result.asset, result.check_name].append(result)
    for (table, name), of_projects in found.items():
        if dg.AssetCheckKey(key_of(table), name) not in wanted:
            continue
        failed = [result for result in of_projects if result.failed]
        blocks = by_table[table].expectations[name].severity == "error"
        told = [result.message for result in failed]
        if failed and blocks and waiting is not None:
            # At the end of the build the table is as it was before; an incident says where these rows are.
            told = [without_query(message) for message in told]
            told.append("The rows: millrace incidents, when the build has ended.")
            tables = [*waiting[table], CATALOGUE.to_user_string()]
            more = f" and {len(tables) - SHOWN} more" if len(tables) > SHOWN else ""
            told.append(f"Kept back: {', '.join(tables[:SHOWN])}{more}.")
        yield dg.AssetCheckResult(
            asset_key=key_of(table),
            check_name=name,
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
            description=" ".join(told) or None,
            metadata={
                "projects": dg.MetadataValue.json(
                    {result.project_id or "together": f"{result.status}: {result.observed}" for result in of_projects}
                ),
                "Data Docs": _pages(settings),
            },
        )


def _pages(settings: Settings) -> dg.MetadataValue[Any]:
    """A link where something shows the pages: a browser opens no file from here."""
    if settings.data_docs_url:
        return dg.MetadataValue.url(settings.data_docs_url)
    return dg.MetadataValue.path(str(first_page(settings)))
