"""Anomalies and baselines, as rows of the database ops."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from monitoring.watch.causes import ROLE, Cause, of_that_time
from monitoring.watch.judging import Finding
from monitoring.watch.rows import as_number, as_text
from warehouse.connection import connect, failures_as_sentences
from warehouse.errors import MillraceError, WrongUsage
from warehouse.locks import one_at_a_time
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

OVER_AFTER = 7  # points without news, after which an anomaly is over, or how things are now
NOT_ANY_MORE = "Not unusual any more: its numbers are others now."
NOT_AS_IT_IS_JUDGED_NOW = "Not unusual as it is judged now: by other detectors, or with another sensitivity."
NO_NEWS = "No news: its days were judged before, by other detectors or with another sensitivity."
SHOWN = 200
# Tuples as JSON: what a driver makes of named tuples differs by its version.
LISTED = f"""
SELECT anomalies.* EXCEPT (anomaly_id, explanation, causes, notes, written_at, run_id),
    toString(anomaly_id) AS anomaly_id,
    toJSONString(explanation) AS explanation, toJSONString(causes) AS causes, toJSONString(notes) AS notes
FROM ops.anomalies FINAL
WHERE {{all:Bool}} OR status != 'resolved'
ORDER BY started_at DESC, series, project_id LIMIT {SHOWN}
"""


def write_findings(
    settings: Settings,
    findings: Sequence[Finding],
    now: datetime,
    causes: Mapping[str, list[Cause]] | None = None,
    looked_at: Collection[tuple[str, str]] = (),
    judged_before: Mapping[tuple[str, str], datetime] | None = None,
) -> tuple[int, int]:
    """How many are new, and how many ended. What people said of an anomaly stays. `causes`: by project; `looked_at`:
    series and project of all that were judged, so that what is not found in them any more is over; `judged_before`: of
    these, until which point they were judged otherwise than now."""
    with alone(settings), closing(connect(settings, ROLE)) as client, failures_as_sentences("writing anomalies down"):
        known = {row["anomaly_id"]: row for row in _rows(client, all_of_them=True)}
        findings = continued(findings, known)
        rows, new, ended = [], 0, 0
        for one in findings:
            before = known.get(str(one.anomaly_id))
            is_over = one.since_last >= OVER_AFTER
            status = before["status"] if before else "open"
            resolved_at = before["resolved_at"] if before else None
            if is_over and status != "resolved":
                status, resolved_at = "resolved", as_text(now)
                ended += bool(before)
            notes = before["notes"] if before else []
            judged_until = (judged_before or {}).get((one.watch.series, one.project_id))
            if not before and judged_until is not None and one.last_at <= judged_until:
                status, resolved_at = "resolved", as_text(now)
                notes = [{"at": as_text(now), "author": "millrace", "text": NO_NEWS}]
            elif not before:
                new += 1
            rows.append(
                {
                    **_row(one, findings, (causes or {}).get(one.project_id, [])),
                    "status": status,
                    "resolved_at": resolved_at,
                    "noted_at": before["noted_at"] if before else as_text(now),
                    "notes": notes,
                }
            )
        found = {str(one.anomaly_id) for one in findings}
        for anomaly_id, before in known.items():
            is_looked_at = (before["series"], before["project_id"]) in looked_at
            if is_looked_at and anomaly_id not in found and before["status"] != "resolved":
                told = next((one for one in findings if _is_of(one, before)), None)
                by_another = (before["series"], before["project_id"]) in (judged_before or {})
                why = NOT_AS_IT_IS_JUDGED_NOW if by_another else NOT_ANY_MORE
                text = f"Told as one with {str(told.anomaly_id)[:8]} now." if told else why
                gone = {"at": as_text(now), "author": "millrace", "text": text}
                notes = [*before["notes"], gone]
                rows.append({**before, "status": "resolved", "resolved_at": as_text(now), "notes": notes})
                ended += 1
        _insert(client, "ops.anomalies", rows)
    return new, ended


def continued(findings: Sequence[Finding], known: Mapping[str, Mapping[str, Any]]) -> list[Finding]:
    """What a segment showed first and the whole shows now, or what begins at another point since numbers came late, is
    one anomaly: it keeps its id, with all that people said of it, and nobody is told a second time."""
    found = {str(one.anomaly_id) for one in findings}
    open_ = [row for id, row in known.items() if id not in found and row["status"] != "resolved"]
    told = []
    for one in findings:
        before = None
        if str(one.anomaly_id) not in known:
            before = next((row for row in open_ if _is_of(one, row)), None)
        if before is not None:
            open_.remove(before)
            one = replace(one, anomaly_id=UUID(before["anomaly_id"]))
        told.append(one)
    return told


def _is_of(one: Finding, row: Mapping[str, Any]) -> bool:
    """Of the same series at the same time, and in the same direction."""
    if (one.watch.series, one.project_id) != (row["series"], row["project_id"]):
        return False
    began, ended = (datetime.fromisoformat(row[name]).replace(tzinfo=UTC) for name in ("started_at", "ended_at"))
    if None in (row["value"], row["expected"]) or (one.value > one.expected) != (row["value"] > row["expected"]):
        return False
    return began < one.ended_at and one.started_at < ended


def read_anomalies(settings: Settings, all_of_them: bool = False) -> list[dict[str, Any]]:
    """The open ones, the newest first."""
    with closing(connect(settings, ROLE)) as client, failures_as_sentences("reading anomalies"):
        return _rows(client, all_of_them)


def last_build(settings: Settings) -> str:
    """When the newest build began; empty: nothing was ever built."""
    with closing(connect(settings, ROLE)) as client, failures_as_sentences("asking for the last build"):
        ((last,),) = client.query(
            "SELECT toString(maxOrNull(started_at)) FROM ops.runs WHERE kind = 'build'"
        ).result_rows
    return last or ""


def read_anomaly(settings: Settings, beginning: str) -> dict[str, Any]:
    found = [
        row for row in read_anomalies(settings, all_of_them=True) if row["anomaly_id"].startswith(beginning.lower())
    ]
    if len(found) != 1:
        what = "is of no anomaly" if not found else f"is the beginning of {len(found)} anomalies"
        raise WrongUsage(f"{beginning!r} {what}.", hint="Their ids: millrace monitor list --all")
    return found[0]


def note(settings: Settings, beginning: str, status: str, author: str, text: str) -> dict[str, Any]:
    """Somebody looked at it."""
    with alone(settings), closing(connect(settings, ROLE)) as client, failures_as_sentences("writing a note down"):
        anomaly = read_anomaly(settings, beginning)
        if anomaly["status"] == "resolved":
            raise MillraceError(f"Anomaly {anomaly['anomaly_id'][:8]} is resolved already.")
        now = datetime.now(UTC)
        notes = [*anomaly["notes"], {"at": as_text(now), "author": author, "text": text or status}]
        row = {
            **anomaly,
            "status": status,
            "notes": notes,
            "resolved_at": as_text(now) if status == "resolved" else None,
        }
        _insert(client, "ops.anomalies", [row])
    return row


def alone(settings: Settings) -> AbstractContextManager[None]:
    """Who looks and who writes a note does so one after the other: each reads what was said and writes it anew."""
    return one_at_a_time(settings.data_dir / "anomalies.lock")


def _rows(client: Client, all_of_them: bool) -> list[dict[str, Any]]:
    body = client.raw_query(
        LISTED.replace(f" LIMIT {SHOWN}", "") if all_of_them else LISTED,
        parameters={"all": all_of_them},
        fmt="JSONEachRow",
        settings={"output_format_json_quote_64bit_integers": 0},
    )
    rows = [json.loads(line) for line in body.decode().splitlines()]
    for row in rows:
        for name in ("explanation", "causes", "notes"):
            row[name] = json.loads(row[name])
    return rows


def _insert(client: Client, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    if lines := "\n".join(json.dumps(row) for row in rows):
        client.raw_insert(table, insert_block=lines.encode(), fmt="JSONEachRow")


def _row(one: Finding, findings: Sequence[Finding], causes: list[Cause]) -> dict[str, Any]:
    others = {
        other.watch.series: Cause(other.watch.kind, other.watch.series.partition(":")[2], other.started_at)
        for other in findings
        if other.project_id == one.project_id and other.watch.name != one.watch.name and one.overlaps(other)
    }
    also = [*of_that_time(causes, one.started_at, one.ended_at), *(others[series] for series in sorted(others))]
    return {
        "anomaly_id": str(one.anomaly_id),
        "series": one.watch.series,
        "project_id": one.project_id,
        "dimensions": dict(one.dimensions),
        "grain": one.watch.grain,
        "kind": one.kind,
        "severity": one.severity,
        "confidence": round(one.confidence, 4),
        "started_at": as_text(one.started_at),
        "ended_at": as_text(one.ended_at),
        "points": one.points,
        "is_good": one.is_good,
        "value": as_number(one.value),
        "expected": as_number(one.expected),
        "lower": as_number(one.lower),
        "upper": as_number(one.upper),
        "deviation": as_number(one.deviation),
        "owner": one.watch.owner,
        "channels": list(one.watch.channels),
        "explanation": [
            {
                "dimensions": dict(part.dimensions),
                "value": part.value,
                "expected": part.expected,
                "share": round(part.share, 4),
            }
            for part in one.parts
        ],
        "causes": [{"kind": cause.kind, "name": cause.name, "at": as_text(cause.at)} for cause in also],
    }
