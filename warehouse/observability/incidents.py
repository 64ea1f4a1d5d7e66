"""A blocking check that fails opens one incident; when it passes again, the incident ends by itself.

An incident is told by the results of its check alone: since when it fails without having passed, and in how many runs.
So it makes no difference by which road a check is run, nor whether two runs are written down at once.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from warehouse.lineage.graph import Graph, built_graph
from warehouse.locks import one_at_a_time
from warehouse.observability.records import CheckResult, ModelRun
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Key = tuple[str, str, str]  # asset, check, project

PASSED, WARNS, GONE = "it passed again", "it only warns now", "there is no such check any more"
COLUMNS = (
    "incident_id, asset, check_name, project_id, kind, status, opened_at, last_failed_at, resolved_at, resolution, "
    "failed_runs, message, kept_back, owner"
)
OPEN = f"SELECT {COLUMNS} FROM ops.incidents FINAL WHERE status = 'open'"
BLOCKS = "(status IN ('fail', 'error') AND severity = 'error')"
KEY = "(toString(asset), toString(check_name), toString(project_id))"
# Since it last did not fail: a key without a row is one that does not fail now.
FAILING = f"""
SELECT asset, check_name, project_id, min(checked_at), max(checked_at), uniqExact(run_id)
FROM ops.check_results
INNER JOIN (
    SELECT asset, check_name, project_id, maxIf(checked_at, NOT {BLOCKS} AND status != 'skipped') AS good_at
    FROM ops.check_results WHERE {KEY} IN {{keys:Array(Tuple(String, String, String))}}
    GROUP BY ALL
) AS good USING (asset, check_name, project_id)
WHERE {BLOCKS} AND checked_at > good_at
GROUP BY ALL
"""
ENDED_BEFORE = f"""
SELECT asset, check_name, project_id, count() FROM ops.incidents FINAL
WHERE status = 'resolved' AND {KEY} IN {{keys:Array(Tuple(String, String, String))}}
GROUP BY ALL
"""


@dataclass(frozen=True)
class Incident:
    incident_id: uuid.UUID
    asset: str
    check_name: str
    project_id: str
    kind: str
    status: str  # open or resolved
    opened_at: datetime
    last_failed_at: datetime
    resolved_at: datetime | None
    resolution: str
    failed_runs: int
    message: str
    kept_back: Sequence[str]
    owner: str

    @property
    def key(self) -> Key:
        return self.asset, self.check_name, self.project_id


@dataclass(frozen=True)
class Change:
    what: str  # opened, failed again, resolved
    incident: Incident


def follow(
    client: Client,
    settings: Settings,
    checks: Sequence[CheckResult],
    models: Sequence[ModelRun],
    declared: Mapping[str, Collection[Key]],
    graph: Graph | None = None,
) -> list[Change]:
    """Open, count and end incidents by the results of a run, which are in ops.check_results already."""
    found = {(one.asset, one.check_name, one.project_id): one for one in checks if one.status != "skipped"}
    with one_at_a_time(settings.data_dir / "incidents.lock"):
        known = {one.key: one for one in read_open(client)}
        concerned = [key for key, one in found.items() if one.blocks or key in known]
        changes = []
        if concerned:
            failing = _by_key(client, FAILING, concerned)
            before = _by_key(client, ENDED_BEFORE, [key for key in failing if key not in known])
            skipped = [one.asset for one in models if one.status == "skipped"]
            graph = graph or built_graph(settings)
            for key in concerned:
                if key in failing:
                    ended = before.get(key, (0,))[0]
                    changes.append(_failing(found[key], known.get(key), failing[key], ended, skipped, graph))
                elif key in known:
                    why = WARNS if found[key].failed else PASSED
                    changes.append(_resolved(known[key], found[key].checked_at, why))
        changes += [
            _resolved(one, _now(client), GONE)
            for one in known.values()
            if one.kind in declared and one.key not in declared[one.kind]
        ]
        _write(client, [change.incident for change in changes])
    return changes


def read_open(client: Client) -> list[Incident]:
    return [Incident(*row) for row in client.query(OPEN).result_rows]


def _by_key(client: Client, sql: str, keys: Sequence[Key]) -> dict[Key, tuple[Any, ...]]:
    if not keys:
        return {}
    rows = client.query(sql, parameters={"keys": list(keys)}).result_rows
    return {(row[0], row[1], row[2]): tuple(row[3:]) for row in rows}


def _failing(
    check: CheckResult,
    known: Incident | None,
    since: tuple[Any, ...],
    ended: int,
    skipped: Collection[str],
    graph: Graph,
) -> Change:
    opened_at, last_failed_at, failed_runs = since
    kept_back = graph.kept_back_by(_tested(check, graph), skipped)
    if known:
        again = replace(
            known,
            last_failed_at=last_failed_at,
            failed_runs=failed_runs,
            message=check.message or check.observed,
            kept_back=kept_back,
        )
        return Change("failed again", again)
    key = (check.asset, check.check_name, check.project_id)
    return Change(
        "opened",
        Incident(
            # Two that open it at the same time, on two machines, open the same one.
            uuid.uuid5(uuid.NAMESPACE_OID, json.dumps([*key, ended])),
            *key,
            kind=check.kind,
            status="open",
            opened_at=opened_at,
            last_failed_at=last_failed_at,
            resolved_at=None,
            resolution="",
            failed_runs=failed_runs,
            message=check.message or check.observed,
            kept_back=kept_back,
            owner=graph.owner(check.asset),
        ),
    )


def _tested(check: CheckResult, graph: Graph) -> list[str]:
    """The tables that a check reads: what is made of all of them waits for it."""
    if check.kind == "dbt":
        for test in graph.tests.values():
            if test["name"] == check.check_name and graph.asset_of_test(test) == check.asset:
                return [node for node in test["depends_on"]["nodes"] if node in graph.assets]
    return [graph.nodes.get(check.asset, check.asset)]


def _resolved(one: Incident, at: datetime, why: str) -> Change:
    return Change("resolved", replace(one, status="resolved", resolved_at=at, resolution=why))


def _now(client: Client) -> datetime:
    at: datetime = client.query("SELECT now64(3, 'UTC')").result_rows[0][0]
    return at


def _write(client: Client, incidents: Sequence[Incident]) -> None:
    if incidents:
        from warehouse.observability.records import insert

        insert(client, "ops.incidents", [asdict(one) for one in incidents])
