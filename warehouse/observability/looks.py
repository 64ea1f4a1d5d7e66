"""What the warehouse looks like after a build: freshness, columns, storage, costs, slow queries, quality."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from contextlib import closing
from typing import TYPE_CHECKING, Any

from warehouse.connection import connect, failures_as_sentences, insert_rows
from warehouse.observability.declared import Declared, read_declared
from warehouse.observability.freshness import read_freshness
from warehouse.observability.quality import write_scores
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

SLOW_SECONDS = 1
KEPT_SLOW_QUERIES = 50
# dbt says in a comment at the head of each query what it is for.
NODE = """extract(query, '"node_id": "([^"]+)"')"""
# Tables that are there for a moment only, and dlt's own.
PASSING = r"(__dbt_|_[0-9a-f]{32}$|^_dlt)"
LAYERS = "('raw', 'staging', 'intermediate', 'marts')"

COLUMNS = f"""
INSERT INTO ops.column_versions (seen_at, asset, columns)
SELECT {{at:DateTime64(3, 'UTC')}}, asset, columns_now
FROM (
    SELECT asset, anyIf(columns, is_now) AS columns_now, anyIf(columns, NOT is_now) AS columns_last
    FROM (
        SELECT concat(database, '.', table) AS asset, true AS is_now,
            arraySort(groupArray((toString(name), toString(type)))) AS columns
        FROM system.columns
        WHERE database IN {LAYERS} AND NOT match(table, '{PASSING}')
        GROUP BY database, table
        UNION ALL
        SELECT toString(asset), false, argMax(columns, seen_at) FROM ops.column_versions GROUP BY asset
    )
    GROUP BY asset
)
WHERE columns_now != columns_last
"""

STORAGE = f"""
INSERT INTO ops.table_storage
    (observed_at, asset, table_rows, table_bytes, uncompressed_bytes, parts)
SELECT {{at:DateTime64(3, 'UTC')}}, concat(database, '.', table), sum(rows), sum(bytes_on_disk),
    sum(data_uncompressed_bytes), count()
FROM system.parts
WHERE active AND database IN ('raw', 'staging', 'intermediate', 'marts', 'ops') AND NOT match(table, '{PASSING}')
GROUP BY database, table
"""

QUERIES = """
FROM system.query_log
WHERE event_date >= toDate({since:DateTime64(3, 'UTC')}) AND type != 'QueryStart' AND is_initial_query
    AND event_time_microseconds > {since:DateTime64(3, 'UTC')}
    AND event_time_microseconds <= {at:DateTime64(3, 'UTC')}
"""

COSTS = f"""
SELECT {NODE} AS node, count(), sum(query_duration_ms) / 1000, sum(ProfileEvents['OSCPUVirtualTimeMicroseconds']) / 1e6,
    sum(read_rows), sum(read_bytes), sum(written_rows), max(memory_usage)
{QUERIES} AND position(query, '"node_id"') > 0
GROUP BY node
"""

SLOW = f"""
SELECT event_time_microseconds, user, {NODE}, query_duration_ms / 1000, read_rows, read_bytes, memory_usage,
    type != 'QueryFinish', substring(trimBoth(normalizeQuery(query)), 1, 2000)
{QUERIES} AND query_duration_ms >= {SLOW_SECONDS * 1000}
ORDER BY query_duration_ms DESC LIMIT {KEPT_SLOW_QUERIES}
"""


def observe(settings: Settings) -> None:
    """Look once, and write it down. Every query of the log is counted by one look."""
    begun = time.monotonic()
    declared = read_declared(settings)
    with closing(connect(settings, "observer")) as client, failures_as_sentences("a look at the warehouse"):
        at, since = client.query(
            "SELECT toString(now64(3, 'UTC')), toString(max(observed_at)) FROM ops.looks"
        ).result_rows[0]
        moments = {"at": at, "since": since}
        _write_freshness(client, declared, at)
        client.command(COLUMNS, parameters=moments)
        client.command(STORAGE, parameters=moments)
        client.command("SYSTEM FLUSH LOGS")
        log = client.query("SELECT count() FROM system.tables WHERE database = 'system' AND name = 'query_log'")
        if log.result_rows[0][0]:  # a server of one's own may keep none
            _write_costs(client, declared, moments)
            _write_slow_queries(client, declared, moments)
        write_scores(client, declared)
        insert_rows(client, "ops.looks", [(at, time.monotonic() - begun)], ("observed_at", "seconds"))


def _write_freshness(client: Client, declared: Declared, at: str) -> None:
    newest = _newest_days(client)
    rows = []
    for one in read_freshness(client, declared):
        days = newest.get(one.asset, {})
        own = {one.project_id: days.get(one.project_id)} if one.project_id else {"": None, **days}
        for project, day in own.items():
            rows.append((at, one.asset, project, _text(one.updated_at), str(day) if day else None, one.sla_seconds))
    columns = ("observed_at", "asset", "project_id", "updated_at", "newest_day", "sla_seconds")
    insert_rows(client, "ops.freshness", rows, columns)


def _newest_days(client: Client) -> dict[str, dict[str, Any]]:
    """Of each table of facts that has days: the newest of each project."""
    tables = client.query(
        "SELECT table FROM system.columns WHERE database = 'marts' AND table LIKE 'fct%' "
        f"AND name IN ('project_id', 'local_date') AND NOT match(table, '{PASSING}') "
        "GROUP BY table HAVING count() = 2 ORDER BY table"
    ).result_rows
    newest: dict[str, dict[str, Any]] = defaultdict(dict)
    if tables:
        parts = (
            f"SELECT 'marts.{table}', toString(project_id), toDate(max(local_date)) FROM marts.`{table}` "
            "WHERE project_id != '' GROUP BY project_id"
            for (table,) in tables
            if re.fullmatch(r"\w+", table)
        )
        for asset, project, day in client.query(" UNION ALL ".join(parts)).result_rows:
            newest[asset][project] = day
    return newest


def _write_costs(client: Client, declared: Declared, moments: dict[str, str]) -> None:
    totals: dict[tuple[str, str], list[Any]] = {}
    for node, *figures in client.query(COSTS, parameters=moments).result_rows:
        kind = "model" if node.startswith("model.") else "test"
        asset = declared.assets_of_nodes.get(node)
        if asset is None:
            continue  # of the project as it was before, or a hook
        *sums, peak = totals.get((asset, kind), [0] * len(figures))
        totals[asset, kind] = [*(a + b for a, b in zip(sums, figures, strict=False)), max(peak, figures[-1])]
    columns = ("queries", "seconds", "cpu_seconds", "read_rows", "read_bytes", "written_rows", "peak_memory")
    rows = [(moments["at"], asset, kind, *figures) for (asset, kind), figures in sorted(totals.items())]
    insert_rows(client, "ops.model_costs", rows, ("observed_at", "asset", "kind", *columns))


def _write_slow_queries(client: Client, declared: Declared, moments: dict[str, str]) -> None:
    rows = [
        (_text(ended), user, declared.assets_of_nodes.get(node, ""), *figures, bool(failed), query)
        for ended, user, node, *figures, failed, query in client.query(SLOW, parameters=moments).result_rows
    ]
    columns = ("finished_at", "user_name", "asset", "seconds", "read_rows", "read_bytes", "peak_memory")
    insert_rows(client, "ops.slow_queries", rows, (*columns, "failed", "query"))


def _text(moment: Any) -> str:
    return str(moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3])
