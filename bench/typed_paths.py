"""What typed paths of a JSON column cost and give, by the type of texts; and how long the checks of lines take
(decision 007).

    python -m bench.typed_paths [EVENTS]
"""

from __future__ import annotations

import json
import sys
import time

from bench.harness import median_seconds, report, server
from ingestion.landing import judged_select
from ingestion.registry import load_registry
from ingestion.typed_paths import properties_type, typed_paths
from ingestion.validation_sql import LINE_TYPE, with_violation
from tests.support import Instance

EVENTS = 100_000
TEXT = "LowCardinality(Nullable(String))"
TEXTS_AS = ("no typed paths", "Nullable(String)", "String", "LowCardinality(String)", TEXT)
VALUES = {"Nullable(Float64)": 12.5, "Nullable(Int64)": 7, "Nullable(Bool)": True}
PROPERTIES_PER_EVENT = 6


def fill_source(instance: Instance, paths: dict[str, str], events: int) -> None:
    """Events of six registered properties each, all paths in turn; every tenth text is of 10,000 different ones."""
    known = [path for path, kind in paths.items() if kind == TEXT or kind in VALUES]
    lines = []
    for number in range(events):
        chosen = [known[(number * PROPERTIES_PER_EVENT + place) % len(known)] for place in range(PROPERTIES_PER_EVENT)]
        values = {
            path: VALUES.get(paths[path], f"value {number % (10_000 if place == 0 else 20)}")
            for place, path in enumerate(chosen)
        }
        lines.append(
            {"project_id": "demo", "event": f"bench_{number % 20}", "event_id": str(number), "user_id": "u"}
            | {"timestamp": "2026-03-01T10:00:00.000Z", "properties": values}
        )
    client = instance.client()
    client.command("CREATE TABLE marts.source (properties String, line String) ENGINE = MergeTree ORDER BY tuple()")
    client.insert("marts.source", [[json.dumps(line["properties"]), json.dumps(line)] for line in lines])


def types(instance: Instance, paths: dict[str, str], events: int) -> list[tuple[object, ...]]:
    client = instance.client()
    text = next(path for path, kind in paths.items() if kind == TEXT)
    rows = []
    for name in TEXTS_AS:
        typed = {} if name == "no typed paths" else {p: name if kind == TEXT else kind for p, kind in paths.items()}
        client.command(
            f"CREATE OR REPLACE TABLE marts.target (properties {properties_type(typed)} CODEC(ZSTD(1))) "
            "ENGINE = MergeTree ORDER BY tuple()"
        )
        client.command("SYSTEM STOP MERGES marts.target")
        begun = time.perf_counter()
        for part in range(4):
            client.command(
                "INSERT INTO marts.target SELECT properties FROM marts.source "
                f"LIMIT {part * events // 4}, {events // 4}"
            )
        inserted = time.perf_counter() - begun
        client.command("SYSTEM START MERGES marts.target")
        begun = time.perf_counter()
        client.command("OPTIMIZE TABLE marts.target FINAL")
        merged = time.perf_counter() - begun
        size = instance.rows("SELECT total_bytes FROM system.tables WHERE database = 'marts' AND name = 'target'")[0][0]
        column = f"properties.`{text}`" + (".:String" if not typed else "")
        grouped, distinct = (
            median_seconds(lambda sql=sql: client.command(sql))
            for sql in (
                f"SELECT {column} AS value, count() FROM marts.target GROUP BY value FORMAT Null",
                f"SELECT uniqExact({column}) FROM marts.target FORMAT Null",
            )
        )
        rows.append((name, inserted, merged, size / 1e6, 1000 * grouped, 1000 * distinct))
    return rows


def checks(instance: Instance) -> list[tuple[str, float]]:
    registry = load_registry()
    lines = (
        "(SELECT line, '' AS original, '' AS default_project, false AS accept_unknown, '' AS refused, "
        "'' AS refused_detail, now64(3, 'UTC') AS default_received_at, '' AS source, '' AS file_id, "
        "toUInt32(0) AS piece FROM marts.source)"
    )
    properties = "(SELECT properties, JSONExtractString(line, 'event') AS event FROM marts.source)"
    queries = {
        "reading the line": f"SELECT JSONExtract(line, '{LINE_TYPE}') FROM marts.source FORMAT Null",
        "checking the properties": f"SELECT * FROM ({with_violation(registry, properties)}) FORMAT Null",
        "the whole verdict": f"SELECT * FROM ({judged_select(registry, lines)}) FORMAT Null",
    }
    return [
        (name, median_seconds(lambda sql=sql: instance.client().command(sql), runs=3)) for name, sql in queries.items()
    ]


def main(events: int) -> None:
    paths = typed_paths(load_registry())
    with server() as instance:
        fill_source(instance, paths, events)
        report(
            "typed_paths",
            f"{len(paths)} typed paths, {events:,} events of {PROPERTIES_PER_EVENT} properties",
            ("texts as", "insert, s", "merge, s", "on disk, MB", "group by, ms", "distinct, ms"),
            types(instance, paths, events),
        )
        rows = checks(instance)
        report(
            "checks",
            f"Checking {events:,} lines",
            ("what", "seconds", "times reading the line"),
            [(name, seconds, round(seconds / rows[0][1], 1)) for name, seconds in rows],
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
