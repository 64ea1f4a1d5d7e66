"""What suites may be of: the tables that are declared, whether they are made already or not. A suite of a table that
nobody makes would judge nothing, without a word."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from expectations.compiling import reads
from expectations.suites import Suite
from ingestion.sources.definitions import load_definitions
from warehouse.errors import MillraceError, nearest
from warehouse.manifest import ProjectUnreadable, current_manifest
from warehouse.migrate import load_steps, tables_made
from warehouse.projects import load_projects
from warehouse.settings import Settings

DATABASES = ("raw", "staging", "intermediate", "marts", "ops")
Tables = Mapping[str, Collection[str]]  # columns by table; none: they are known when it is made
MADE_BY_DBT = ("model", "seed", "snapshot")


def must_be_known(suites: Collection[Suite], settings: Settings, manifest: Mapping[str, Any] | None = None) -> None:
    """Projects, tables and columns that suites name, by the files as they are now. `manifest`: where it was read."""
    projects = list(load_projects(settings))
    for suite in suites:
        suite.projects_of(projects)
    try:
        tables = declared_tables(settings, manifest or current_manifest(settings))
    except ProjectUnreadable:
        return  # dbt says more of it, when it builds
    for suite in suites:
        for path, sentence in _wrong(suite, tables):
            raise MillraceError(
                f"{suite.at(*path)}: {'.'.join(path)}: {sentence}",
                hint="Known is what models and sources of dbt_project declare, and what `millrace migrate` makes.",
            )


def declared_tables(settings: Settings, manifest: Mapping[str, Any]) -> Tables:
    tables: dict[str, Collection[str]] = dict.fromkeys(tables_made(load_steps()), ())
    tables |= {source.table: () for source in load_definitions(settings).values()}
    tables |= {f"{source['schema']}.{source['identifier']}": () for source in manifest["sources"].values()}
    for node in manifest["nodes"].values():
        if node["resource_type"] in MADE_BY_DBT:
            # What stands beside a model is all that it has where a contract says so.
            whole = node["config"].get("contract", {}).get("enforced")
            tables[f"{node['schema']}.{node['alias']}"] = tuple(node["columns"]) if whole else ()
    return {table: columns for table, columns in tables.items() if table.partition(".")[0] in DATABASES}


def _wrong(suite: Suite, tables: Tables) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where, and what; the first counts."""
    if suite.table not in tables:
        yield ("table",), f"there is no table {suite.table!r}{nearest(suite.table, tables) or '.'}"
        return
    own = tables[suite.table]
    if own and "project_id" not in own and suite.projects != "together":
        yield ("projects",), f"{suite.table} has no column project_id, so they must be: together."
    for name, expected in suite.expectations.items():
        for key, table, column in reads(suite.table, expected):
            where = ("expectations", name, key)
            if table not in tables:
                yield where, f"there is no table {table!r}{nearest(table, tables) or '.'}"
            elif tables[table] and column not in tables[table]:
                yield where, f"{table} has no column {column!r}{nearest(column, tables[table]) or '.'}"
