"""Incidents as people ask for them."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from warehouse.connection import connect, failures_as_sentences
from warehouse.errors import WrongUsage
from warehouse.observability.incidents import COLUMNS, Incident
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


def how_to_see(one: Incident) -> str:
    """The rows that fail."""
    if one.kind == "dbt":
        # A test of relationships ends with settings of its own, behind which no limit can stand.
        all_of_it = " --limit -1" if one.check_name.startswith("relationships_") else ""
        return f"millrace dbt show --select {one.check_name}{all_of_it}"
    if one.kind == "reconcile":
        return "millrace reconcile"
    return "millrace expectations run"


def next_step(one: Incident) -> str:
    if one.status == "resolved":
        return "Nothing is left to do."
    again = "millrace build" if one.kind == "dbt" else how_to_see(one)
    return f"Mend the data or the model, then run `{again}`: the incident ends when the check passes."


def _read(settings: Settings, which: str, **parameters: Any) -> list[Incident]:
    with closing(connect(settings, "exporter")) as client, failures_as_sentences("to tell the incidents"):
        rows = client.query(f"SELECT {COLUMNS} FROM ops.incidents FINAL {which}", parameters=parameters).result_rows
    return [Incident(*row) for row in rows]
