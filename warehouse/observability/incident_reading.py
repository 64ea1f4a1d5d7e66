"""Incidents as people ask for them."""

from __future__ import annotations

import re
from collections.abc import Collection
from contextlib import closing
from typing import Any

from warehouse.aside import refused_assets, refused_table
from warehouse.connection import connect, failures_as_sentences
from warehouse.errors import WrongUsage
from warehouse.observability.incidents import COLUMNS, Incident
from warehouse.observability.records import TO_SEE
from warehouse.settings import Settings

HISTORY = """
SELECT formatDateTime(checked_at, '%Y-%m-%d %H:%i:%S', 'UTC'), status, failures, message
FROM ops.check_results
WHERE asset = {asset:String} AND check_name = {check:String} AND project_id = {project:String}
ORDER BY checked_at DESC LIMIT {limit:UInt16}
"""
SHOWN_RESULTS = 10
SHOWN_RESOLVED = 100


def read_incidents(settings: Settings, resolved: bool = False) -> list[Incident]:
    """The open ones, the newest first; also those that ended, where they are asked for."""
    where = "" if resolved else "WHERE status = 'open'"
    return _read(settings, f"{where} ORDER BY status, opened_at DESC LIMIT {SHOWN_RESOLVED}")


def read_incident(settings: Settings, id: str) -> Incident:
    """By its id, or by the beginning of it that is no other's."""
    found = _read(settings, "WHERE startsWith(toString(incident_id), {id:String}) LIMIT 2", id=id.lower())
    if len(found) == 1 and id:
        return found[0]
    if found:
        raise WrongUsage(f"Several incidents begin with {id!r}.", hint="Write more of it.")
    raise WrongUsage(f"There is no incident {id!r}.", hint="`millrace incidents --all` lists them.")


def read_history(settings: Settings, one: Incident) -> list[dict[str, Any]]:
    """What the check found, the latest first."""
    with closing(connect(settings, "exporter")) as client, failures_as_sentences("to tell the history of a check"):
        rows = client.query(
            HISTORY,
            parameters={
                **{"asset": one.asset, "check": one.check_name, "project": one.project_id},
                "limit": SHOWN_RESULTS,
            },
        ).result_rows
    return [dict(zip(("checked_at", "status", "failures", "message"), row, strict=True)) for row in rows]


def how_to_see(one: Incident, refused: Collection[str]) -> str:
    """The rows that fail. `refused`: tables that are as they were before, so that these rows are not in them."""
    if one.kind == "dbt":
        # A test of relationships ends with settings of its own, behind which no limit can stand.
        all_of_it = " --limit -1" if one.check_name.startswith("relationships_") else ""
        return f"millrace dbt show --select {one.check_name}{all_of_it}"
    if one.kind == "reconcile":
        return "millrace reconcile"
    if one.asset in refused:
        # dbt's tables leave columns out, the one that is wrong perhaps among them.
        query = f"select * from {refused_table(one.asset)}{_condition(one)}"
        return f'millrace dbt show --limit 20 --output json --inline "{query}"'
    return "millrace expectations run"


def _condition(one: Incident) -> str:
    """That of the query which the message has, for the table that stood."""
    _, _, query = one.message.partition(TO_SEE)
    found = re.search(rf" FROM {re.escape(one.asset)}( WHERE .+) LIMIT \d+", query, re.DOTALL)
    return found[1] if found else ""


def read_refused(settings: Settings) -> set[str]:
    """Tables that the last build made, and that are as they were before, since a check refused them."""
    with closing(connect(settings, "engineer")) as client, failures_as_sentences("to tell what was refused"):
        return refused_assets(client)


def next_step(one: Incident) -> str:
    if one.status == "resolved":
        return "Nothing is left to do."
    of_a_model = one.kind == "dbt" or (one.kind == "expectation" and not one.asset.startswith("raw."))
    again = "millrace build" if of_a_model else how_to_see(one, ())
    return f"Mend the data or the model, then run `{again}`: the incident ends when the check passes."


def _read(settings: Settings, which: str, **parameters: Any) -> list[Incident]:
    with closing(connect(settings, "exporter")) as client, failures_as_sentences("to tell the incidents"):
        rows = client.query(f"SELECT {COLUMNS} FROM ops.incidents FINAL {which}", parameters=parameters).result_rows
    return [Incident(*row) for row in rows]
