"""Which sort key suits raw.events: the same events under four keys, and the queries the design asks of them.

python -m bench.raw_sort_key [EVENTS]
"""

from __future__ import annotations

import sys

from bench.harness import median_seconds, read_rows, report, server
from tests.support import Instance

EVENTS = 3_000_000
# Users follow a power law, events too; 180 days; 1 % of the rows are a later load with days up to a week old.
ROW = """
    'demo' AS project_id,
    toString(generateUUIDv4(number)) AS event_id,
    concat('event_', toString(toUInt32(floor(40 * pow(rand(1) / 4294967296, 2))))) AS event,
    concat('u', toString(toUInt32(floor(60000 * pow(rand(2) / 4294967296, 2))))) AS user_id,
    concat('/page/', toString(rand(4) % 200)) AS path
"""
OLD = "toDateTime64('2026-01-01', 3, 'UTC') + toIntervalMillisecond(rand64(3) % (180 * 86400000))"
NEW = "toDateTime64('2026-06-23', 3, 'UTC') + toIntervalMillisecond(rand64(3) % (7 * 86400000))"
WATERMARK = "toDateTime64('2026-06-30 12:00:00', 3, 'UTC')"

KEYS = {
    "project, event, time": "project_id, event, timestamp",
    "project, day, event, time": "project_id, toDate(timestamp), event, timestamp",
    "project, day, user, time": "project_id, toDate(timestamp), user_id, timestamp",
    "project, time": "project_id, timestamp",
}
QUERIES = {
    "funnel: 3 events of 30 days": (
        "SELECT user_id, groupArray((timestamp, event)) FROM {table} WHERE project_id = 'demo' "
        "AND event IN ('event_1', 'event_7', 'event_20') "
        "AND toDate(timestamp) BETWEEN '2026-04-01' AND '2026-04-30' GROUP BY user_id FORMAT Null"
    ),
    "build: all events of 7 days": (
        "SELECT user_id, count(), min(timestamp) FROM {table} WHERE project_id = 'demo' "
        "AND toDate(timestamp) BETWEEN '2026-05-01' AND '2026-05-07' GROUP BY user_id FORMAT Null"
    ),
    "incremental: what was loaded since": (
        f"SELECT count(), uniq(user_id) FROM {{table}} WHERE loaded_at >= {WATERMARK} FORMAT Null"
    ),
    "one user's events": "SELECT count() FROM {table} WHERE user_id = 'u30000' FORMAT Null",
    "whole history by day": (
        "SELECT toDate(timestamp) AS day, uniq(user_id) FROM {table} WHERE project_id = 'demo' GROUP BY day FORMAT Null"
    ),
}


def fill(instance: Instance, table: str, key: str, events: int) -> None:
    instance.client().command(
        f"CREATE TABLE {table} (project_id LowCardinality(String), event_id String CODEC(ZSTD(1)), "
        "event LowCardinality(String), user_id String CODEC(ZSTD(1)), "
        "timestamp DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)), "
        "loaded_at DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)), path LowCardinality(String), "
        "INDEX loaded_at_range loaded_at TYPE minmax GRANULARITY 1, "
        "INDEX user_id_bloom user_id TYPE bloom_filter(0.01) GRANULARITY 1) "
        f"ENGINE = MergeTree PARTITION BY toYYYYMM(timestamp) ORDER BY ({key})"
    )
    for number, (clock, rows, loaded) in enumerate(
        ((OLD, events, "timestamp + toIntervalSecond(60)"), (NEW, events // 100, WATERMARK))
    ):
        instance.client().command(
            f"INSERT INTO {table} SELECT project_id, event_id, event, user_id, timestamp, {loaded}, path FROM "
            f"(SELECT {ROW}, {clock} AS timestamp FROM numbers({number * events}, {rows}))"
        )
    instance.client().command(f"OPTIMIZE TABLE {table} FINAL")


def main(events: int) -> None:
    with server() as instance:
        rows = []
        for number, (name, key) in enumerate(KEYS.items()):
            table = f"marts.by_key_{number}"
            fill(instance, table, key, events)
            size = instance.rows(
                f"SELECT total_bytes FROM system.tables WHERE concat(database, '.', name) = '{table}'"
            )[0][0]
            for query, sql in QUERIES.items():
                text = sql.format(table=table)
                seconds = median_seconds(lambda text=text: instance.client().command(text))
                share = read_rows(instance, text.removesuffix(" FORMAT Null")) / (events * 1.01)
                rows.append((query, name, seconds, round(100 * share, 1), round(size / (events * 1.01), 1)))
        rows.sort(key=lambda row: list(QUERIES).index(row[0]))
        report(
            "raw_sort_key",
            f"Sort keys of raw.events, {events:,} events and 1 % loaded later",
            ("query", "sort key", "seconds", "rows read, %", "bytes/event"),
            rows,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
