"""What is known of the quality of each table today: checks, lines that were rejected or came twice, age."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any

from warehouse.connection import connect, failures_as_sentences
from warehouse.observability.declared import Declared, read_declared
from warehouse.observability.freshness import read_freshness
from warehouse.observability.incidents import GONE
from warehouse.observability.records import without_query
from warehouse.observability.scoring import (
    DIMENSIONS,
    Finding,
    Score,
    loss_of_age,
    loss_of_check,
    scores,
)
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# A check that was not run for longer says nothing of today.
REMEMBERED_DAYS = 7
RECEIVED_DAYS = 7

# Of projects that are declared, and of checks whose incident did not end because they are no more.
LAST_RESULTS = f"""
SELECT asset, check_name, project_id, dimension, severity, status, failures, checked, message
FROM (
    SELECT * FROM ops.check_results
    WHERE status != 'skipped' AND checked_at > now64(3) - INTERVAL {REMEMBERED_DAYS} DAY
        AND (project_id = '' OR project_id IN (SELECT project_id FROM raw.projects))
    ORDER BY checked_at DESC
    LIMIT 1 BY asset, check_name, project_id
) AS last
LEFT JOIN (
    SELECT asset, check_name, project_id, max(resolved_at) AS gone_at FROM ops.incidents FINAL
    WHERE status = 'resolved' AND resolution = '{GONE}'
    GROUP BY ALL
) AS gone USING (asset, check_name, project_id)
WHERE gone_at IS NULL OR checked_at > gone_at
"""
LAST_SIZES = "SELECT asset, argMax(table_rows, observed_at) FROM ops.table_storage GROUP BY asset"
# The last days of receipt that the project has: nothing new is no better than what came before.
RECEIVED = f"""
SELECT project_id, sum(lines), sumIf(lines, verdict != 'accepted'), sum(repeated)
FROM marts.agg_daily_data_quality
INNER JOIN (
    SELECT project_id, max(local_date) AS newest FROM marts.agg_daily_data_quality GROUP BY project_id
) AS days USING (project_id)
WHERE project_id IN (SELECT project_id FROM raw.projects) AND local_date > newest - {RECEIVED_DAYS}
GROUP BY project_id
"""


def read_scores(settings: Settings) -> list[Score]:
    """The scores as of now; kept as those of today."""
    declared = read_declared(settings)
    with closing(connect(settings, "observer")) as client, failures_as_sentences("to tell the quality of the data"):
        return write_scores(client, declared)


def write_scores(client: Client, declared: Declared) -> list[Score]:
    found = scores(findings(client, declared))
    lines = (json.dumps(_row(score)) for score in found)
    if found:
        columns = ("asset", "project_id", "score", *DIMENSIONS, "costs")
        # The day by the clock of the server, like all other times.
        client.raw_insert("ops.quality_scores", (*columns,), "\n".join(lines).encode(), fmt="JSONEachRow")
    return found


def findings(client: Client, declared: Declared) -> list[Finding]:
    return [*_of_checks(client, declared), *_of_lines(client), *_of_age(client, declared)]


def _of_checks(client: Client, declared: Declared) -> Iterator[Finding]:
    sizes = {str(asset): int(rows) for asset, rows in client.query(LAST_SIZES).result_rows}
    for asset, check, project, dimension, severity, status, failures, checked, message in client.query(
        LAST_RESULTS
    ).result_rows:
        if asset not in declared.assets:
            continue  # of a table that nobody makes any more
        if status == "pass":
            yield Finding(asset, project, dimension, check, 0.0)
            continue
        of = checked if checked is not None or project else sizes.get(asset)
        share = failures / of if failures and of else 0.0
        yield Finding(
            asset, project, dimension, check, loss_of_check(severity, share), without_query(message) or status
        )


def _of_lines(client: Client) -> Iterator[Finding]:
    """Of what arrived: which share could not be used, and which came more than once."""
    exists = client.query("EXISTS marts.agg_daily_data_quality").result_rows[0][0]
    for project, lines, rejected, repeated in client.query(RECEIVED).result_rows if exists else ():
        accepted = lines - rejected
        wrong = f"{rejected:,} of {lines:,} lines were rejected" if rejected else ""
        twice = f"{repeated:,} of {accepted:,} accepted lines repeat an event" if repeated else ""
        yield Finding("raw.events", project, "validity", "rejected lines", rejected / lines, wrong)
        yield Finding("raw.events", project, "uniqueness", "repeated events", repeated / max(accepted, 1), twice)


def _of_age(client: Client, declared: Declared) -> Iterator[Finding]:
    for one in read_freshness(client, declared):
        if one.sla_seconds is not None:
            loss = loss_of_age(one.age_seconds, one.sla_seconds)
            late = f"{_hours(one.age_seconds)} old, its SLA is {_hours(one.sla_seconds)}" if loss else ""
            yield Finding(one.asset, one.project_id, "timeliness", "freshness", loss, late)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.0f} h"


def _row(score: Score) -> dict[str, Any]:
    return {
        "asset": score.asset,
        "project_id": score.project_id,
        "score": score.score,
        **{name: score.dimensions.get(name) for name in DIMENSIONS},
        "costs": [vars(cost) for cost in score.costs],
    }


def read_history(settings: Settings, project: str = "", asset: str = "", days: int = 30) -> Sequence[Sequence[Any]]:
    """Day, score and the five dimensions, the oldest first."""
    with closing(connect(settings, "observer")) as client, failures_as_sentences("to tell the history of the quality"):
        rows: Sequence[Sequence[Any]] = client.query(
            f"SELECT toString(day), avg(score), {', '.join(f'avg({name})' for name in DIMENSIONS)} "
            "FROM ops.quality_scores FINAL "
            "WHERE asset = {asset:String} AND day > today() - {days:UInt16} "
            # What a table has of no project is of each.
            "AND (project_id = {project:String} OR asset != '' AND ({project:String} = '' OR project_id = '')) "
            "GROUP BY day ORDER BY day",
            parameters={"project": project, "asset": asset, "days": days},
        ).result_rows
        return rows
