"""Slow queries as looks wrote them down (ops.slow_queries), the same ones together, and what would help, by rule."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from warehouse.connection import connect, failures_as_sentences
from warehouse.query_settings import SPILL_BYTES
from warehouse.settings import Settings

# The tables that grow by the day, and the columns by which they are cut into days.
EVENTS = re.compile(r"\b(?:raw\.`?events`?\b|(?:marts\.)?`?fct_events`?\b)", re.IGNORECASE)
DAYS = re.compile(
    r"\b(?:where|prewhere|and)\b[^;]*?\b(?:local_date|timestamp|occurred_at|loaded_at|received_at)\b", re.IGNORECASE
)
MANY_ROWS = 1_000_000


@dataclass(frozen=True)
class SlowQuery:
    query: str
    users: tuple[str, ...]
    asset: str  # what it built or tested; empty: it was no query of dbt
    times: int
    failed: int
    seconds: float  # of all of them
    longest: float
    read_rows: int  # at most
    read_bytes: int
    peak_memory: int
    last_at: datetime

    @property
    def asks(self) -> bool:
        """A question, and no part of a build or a load."""
        return not self.asset and bool(re.match(r"\s*(?:select|with)\b", self.query, re.IGNORECASE))

    @property
    def advice(self) -> list[str]:
        return [sentence for applies, sentence in RULES if applies(self)]


RULES: tuple[tuple[Callable[[SlowQuery], bool], str], ...] = (
    (
        lambda q: q.asks and bool(re.search(r"\braw\.", q.query)),
        "reads raw: marts.fct_events has the events once each, sorted for reading",
    ),
    (
        lambda q: q.asks and q.read_rows >= MANY_ROWS and bool(EVENTS.search(q.query)) and not DAYS.search(q.query),
        "names no days: `where local_date between … and …` reads only these",
    ),
    (
        lambda q: q.asks and bool(re.search(r"\bselect\s+(?:\w+\.)?\*", q.query, re.IGNORECASE)),
        "reads all columns: name those that are needed",
    ),
    (
        lambda q: q.asks and bool(re.search(r"\bJSONExtract\w*\s*\(", q.query)),
        "takes JSON apart as text: properties.name reads that one alone",
    ),
    (
        lambda q: q.asks and bool(re.search(r"\bcount\s*\(\s*distinct\b|\buniqExact\s*\(", q.query, re.IGNORECASE)),
        "counts distinct values exactly: uniq() is within a percent or two, in a fraction of the memory",
    ),
    (
        lambda q: q.peak_memory >= SPILL_BYTES,
        "needed so much memory that it wrote to disk: group by less, or fewer days at once",
    ),
    (
        lambda q: q.times >= 10 and q.asks,
        "comes again and again: a metric or a small mart of it would be computed once",
    ),
    (lambda q: q.failed > 0, "failed: over a limit of the role, or wrong (access.yaml has the limits)"),
)

# Of values there is a ?: the same question of another day is the same query.
FOUND = """
SELECT query, arraySort(groupUniqArray(user_name)), any(asset), count(), countIf(failed), sum(seconds), max(seconds),
    max(read_rows), max(read_bytes), max(peak_memory), max(finished_at)
FROM ops.slow_queries
WHERE finished_at > now() - toIntervalDay({days:UInt32})
GROUP BY query
ORDER BY sum(seconds) DESC, query
LIMIT {limit:UInt32}
"""


def slow_queries(settings: Settings, days: int, limit: int) -> list[SlowQuery]:
    """Those that took the most time, first."""
    with closing(connect(settings, "observer")) as client, failures_as_sentences("the list of slow queries"):
        found = client.query(FOUND, parameters={"days": days, "limit": limit}).result_rows
    return [
        SlowQuery(
            query=str(query),
            users=tuple(users),
            asset=str(asset),
            times=int(times),
            failed=int(failed),
            seconds=float(seconds),
            longest=float(longest),
            read_rows=int(rows),
            read_bytes=int(size),
            peak_memory=int(memory),
            last_at=last_at,
        )
        for query, users, asset, times, failed, seconds, longest, rows, size, memory, last_at in found
    ]
