"""What dbt is asked to build, from what Dagster wants made: one pure function."""

from __future__ import annotations

from collections.abc import Collection

from warehouse.dbt import build_arguments


def arguments_for(wanted: Collection[str], known: Collection[str], full_refresh: bool = False) -> list[str]:
    """The arguments of a build of these models; of all of them, without a selection: then every test runs."""
    if not wanted:
        raise ValueError("a build of nothing was asked for")
    if unknown := sorted(set(wanted) - set(known)):
        raise ValueError(f"no model is called {', '.join(unknown)}")
    return build_arguments(select=() if set(wanted) == set(known) else sorted(wanted), full_refresh=full_refresh)
