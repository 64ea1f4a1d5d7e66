"""What the exporter tells: figures that others wrote down, read by a user who can read nothing else."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from threading import Lock
from typing import Any

from warehouse.connection import endpoint, query_text
from warehouse.errors import MillraceError
from warehouse.lineage.graph import manifest_file
from warehouse.observability.declared import NOTHING, Declared, read_declared
from warehouse.observability.exposition import Family, Sample, as_text, histogram
from warehouse.observability.freshness import AGES, freshness_of
from warehouse.observability.quality import LAST_RESULTS
from warehouse.settings import Settings

ROLE = "exporter"
TIMEOUT_SECONDS = 5
# However many ask, ClickHouse is asked once in this time.
KEPT_SECONDS = 5
# The log of queries is written with a delay: what ended more recently than this is told by a later scrape.
LOG_DELAY_SECONDS = 10
BOUNDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

UP = Family("millrace_up", "gauge", "1: ClickHouse answers.")
SCRAPE = Family("millrace_scrape_seconds", "gauge", "What it took to read these figures.")
LOADED = Family("millrace_events_loaded", "gauge", "Events that were accepted, by project.")
REJECTED = Family("millrace_events_rejected", "gauge", "Lines that are rejected now, by project and reason.")
LOAD_AGE = Family("millrace_load_age_seconds", "gauge", "Time since the last load of events, by project.")
RUN_SECONDS = Family("millrace_run_seconds", "gauge", "What the last run took, by kind: build, expectations, …")
RUN_AGE = Family("millrace_run_age_seconds", "gauge", "Time since the last run began, by kind.")
RUN_OK = Family("millrace_run_success", "gauge", "1: the last run went well, by kind.")
MODEL_SECONDS = Family("millrace_model_build_seconds", "gauge", "What the last good build of a model took.")
CHECKS = Family("millrace_check_failures", "gauge", "Checks that failed when they ran last, by asset and severity.")
INCIDENTS = Family("millrace_incidents_open", "gauge", "Open incidents.")
AGE = Family("millrace_freshness_age_seconds", "gauge", "Time since an asset was loaded or built last.")
SLA = Family("millrace_freshness_sla_seconds", "gauge", "How old an asset may be.")
SCORE = Family("millrace_quality_score", "gauge", "0 to 100; asset and project empty: all of them.")
ROWS = Family("millrace_table_rows", "gauge", "Rows of a table, at the last look.")
BYTES = Family("millrace_table_bytes", "gauge", "Bytes of a table on disk, at the last look.")
QUERIES = Family("millrace_query_seconds", "histogram", "Queries that ended since the exporter began, by user.")
QUERY_FAILURES = Family("millrace_query_failures_total", "counter", "Of them those that ended with an error.")
FAMILIES = (
    *(UP, SCRAPE, LOADED, REJECTED, LOAD_AGE, RUN_SECONDS, RUN_AGE, RUN_OK, MODEL_SECONDS, CHECKS, INCIDENTS),
    *(AGE, SLA, SCORE, ROWS, BYTES, QUERIES, QUERY_FAILURES),
)

# What a rejected line calls its project is whatever stood there: only declared ones are told.
COUNTS = """
SELECT if(project_id IN (SELECT project_id FROM raw.projects), project_id, '') AS project, reason, sum(lines),
    dateDiff('millisecond', max(loaded_at), now64(3)) / 1000
FROM raw.load_counts GROUP BY project, reason ORDER BY project, reason
"""
RUNS = """
SELECT kind, argMax(seconds, started_at), argMax(status, started_at),
    dateDiff('millisecond', max(started_at), now64(3)) / 1000
FROM ops.runs GROUP BY kind ORDER BY kind
"""
MODELS = """
SELECT asset, argMax(seconds, finished_at) FROM ops.model_runs WHERE status = 'success' GROUP BY asset ORDER BY asset
"""
FAILING = f"""
SELECT asset, severity, countIf(status IN ('fail', 'error')) FROM ({LAST_RESULTS}) GROUP BY asset, severity ORDER BY ALL
"""
OPEN = "SELECT count() FROM ops.incidents FINAL WHERE status = 'open'"
SCORES = """
SELECT asset, project_id, score FROM ops.quality_scores FINAL
WHERE day = (SELECT max(day) FROM ops.quality_scores) ORDER BY asset, project_id
"""
STORED = """
SELECT asset, table_rows, table_bytes FROM ops.table_storage
WHERE observed_at = (SELECT max(observed_at) FROM ops.table_storage) ORDER BY asset
"""
ENDED = f"""
SELECT user, {", ".join(f"countIf(query_duration_ms <= {int(bound * 1000)})" for bound in BOUNDS)}, count(),
    sum(query_duration_ms) / 1000, countIf(type != 'QueryFinish')
FROM system.query_log
WHERE event_date >= toDate('{{since}}') AND event_time_microseconds > '{{since}}'
    AND event_time_microseconds <= '{{until}}' AND type != 'QueryStart' AND is_initial_query AND user != '{ROLE}'
GROUP BY user
"""
CLOCK = f"SELECT toString(now64(6, 'UTC') - INTERVAL {LOG_DELAY_SECONDS} SECOND)"


class Figures:
    """The figures as text; read anew when they are older than a few seconds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._text, self._fresh_until = "", 0.0
        self._counted_until = ""
        self._queries: dict[str, list[float]] = {}  # by user: at most each bound, all, seconds, failures
        self._declared, self._declared_at = NOTHING, 0

    def text(self) -> str:
        with self._lock:
            if time.monotonic() >= self._fresh_until:
                self._text = self._read()
                self._fresh_until = time.monotonic() + KEPT_SECONDS
            return self._text

    def _read(self) -> str:
        begun = time.monotonic()
        try:
            found, up = list(self._families()), 1
        except (MillraceError, OSError, http.client.HTTPException, ValueError):
            found, up = [], 0  # half of the figures would look like all of them
        seconds = time.monotonic() - begun
        return as_text([(UP, [Sample(up)]), (SCRAPE, [Sample(seconds)]), *found, *self._query_families()])

    def _families(self) -> Iterator[tuple[Family, Sequence[Sample]]]:
        counts = self._rows(COUNTS)
        yield LOADED, [Sample(lines, {"project": project}) for project, reason, lines, _ in counts if not reason]
        yield (
            REJECTED,
            [Sample(lines, {"project": project, "reason": reason}) for project, reason, lines, _ in counts if reason],
        )
        yield LOAD_AGE, [Sample(age, {"project": project}) for project, reason, _, age in counts if not reason]
        runs = self._rows(RUNS)
        yield RUN_SECONDS, [Sample(seconds, {"kind": kind}) for kind, seconds, _, _ in runs]
        yield RUN_AGE, [Sample(age, {"kind": kind}) for kind, _, _, age in runs]
        yield RUN_OK, [Sample(status == "success", {"kind": kind}) for kind, _, status, _ in runs]
        yield MODEL_SECONDS, [Sample(seconds, {"asset": asset}) for asset, seconds in self._rows(MODELS)]
        yield (
            CHECKS,
            [Sample(count, {"asset": asset, "severity": severity}) for asset, severity, count in self._rows(FAILING)],
        )
        yield INCIDENTS, [Sample(count) for (count,) in self._rows(OPEN)]
        yield from self._freshness()
        yield (
            SCORE,
            [Sample(score, {"asset": asset, "project": project}) for asset, project, score in self._rows(SCORES)],
        )
        stored = self._rows(STORED)
        yield ROWS, [Sample(rows, {"asset": asset}) for asset, rows, _ in stored]
        yield BYTES, [Sample(size, {"asset": asset}) for asset, _, size in stored]
        self._count_queries()

    def _freshness(self) -> Iterator[tuple[Family, Sequence[Sample]]]:
        rows = [(asset, project, datetime.fromisoformat(at), age) for asset, project, at, age in self._rows(AGES)]
        found = freshness_of(rows, self._what_is_declared())
        yield AGE, [Sample(one.age_seconds, {"asset": one.asset, "project": one.project_id}) for one in found]
        yield (
            SLA,
            [
                Sample(one.sla_seconds, {"asset": one.asset, "project": one.project_id})
                for one in found
                if one.sla_seconds is not None
            ],
        )

    def _what_is_declared(self) -> Declared:
        """The manifest is read when it has changed."""
        try:
            changed = manifest_file(self._settings).stat().st_mtime_ns
        except OSError:
            return NOTHING
        if changed != self._declared_at:
            self._declared, self._declared_at = read_declared(self._settings), changed
        return self._declared

    def _count_queries(self) -> None:
        ((until,),) = self._rows(CLOCK)
        since, self._counted_until = self._counted_until, until
        if not since or not self._rows("EXISTS system.query_log")[0][0]:
            return
        for user, *figures in self._rows(ENDED.format(since=since, until=until)):
            before = self._queries.get(user, [0] * len(figures))
            self._queries[user] = [a + b for a, b in zip(before, figures, strict=True)]

    def _query_families(self) -> Iterator[tuple[Family, Sequence[Sample]]]:
        times, failures = [], []
        for user, (*counts, seconds, failed) in sorted(self._queries.items()):
            times += histogram({"user": user}, BOUNDS, [int(count) for count in counts], seconds)
            failures.append(Sample(failed, {"user": user}))
        yield QUERIES, times
        yield QUERY_FAILURES, failures

    def _rows(self, sql: str) -> list[list[Any]]:
        # By plain HTTP with a short timeout: a driver would wait for a server that hangs as long as for a long query.
        target = endpoint(self._settings, ROLE)
        text = query_text(target, f"{sql} FORMAT JSONCompactEachRow", TIMEOUT_SECONDS)
        return [json.loads(line) for line in text.splitlines()]
