"""What it costs to judge a line, and to take personal values out of it: python -m bench.privacy [EVENTS]."""

from __future__ import annotations

import gzip
import itertools
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from bench.harness import median_seconds, report, server
from ingestion.demo import World, generate
from ingestion.landing import checked_ways, judged_select
from ingestion.registry import load_registry
from tests.support import Instance

EVENTS = 100_000
# Privacy of the project and what the same lines then are.
CASES = {
    "kept as they are": ("standard", {"is_private": "false", "is_anonymous": "false", "reason": "''"}),
    "strict": ("strict", {"is_private": "true", "is_anonymous": "false", "reason": "''"}),
    "anonymous": ("standard", {"is_private": "true", "is_anonymous": "true", "reason": "''"}),
    "rejected, of a standard project": (
        "standard",
        {"is_private": "false", "reason": "'bad_timestamp'", "line": "concat(properties, context)"},
    ),
    "rejected, of a strict project": (
        "strict",
        {"is_private": "true", "reason": "'bad_timestamp'", "line": "concat(properties, context)"},
    ),
}
WAYS = {"kept as they are": "kept", "strict": "strict", "anonymous": "anonymous"}


def lines_of_the_world(folder: Path, events: int) -> Iterator[str]:
    generate(World(size=max(events * 4, 20_000), end=date(2026, 6, 30)), folder)
    for path in sorted(folder.glob("events/canonical/*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from (line.rstrip("\n") for line in lines)


def main(events: int) -> None:
    with server() as instance, tempfile.TemporaryDirectory() as folder:
        client = instance.client()
        client.command("CREATE TABLE ops.lines AS raw.landing ENGINE = MergeTree ORDER BY tuple()")
        now = datetime.now(UTC)
        lines = [[line, now] for line in itertools.islice(lines_of_the_world(Path(folder) / "world", events), events)]
        client.insert("ops.lines", lines, column_names=["line", "default_received_at"])
        judged = judged_select(load_registry(), "ops.lines")
        client.command("CREATE TABLE ops.judged AS raw.landing_judged ENGINE = MergeTree ORDER BY tuple()")
        client.command(f"INSERT INTO ops.judged SELECT * FROM ({judged})")
        rows = [("reading", seconds(instance, "SELECT * FROM ops.lines")), ("the verdict", seconds(instance, judged))]
        rows += [(name, privately(instance, name)) for name in CASES]
        verdict = rows[1][1]
        report(
            "privacy",
            f"{len(lines):,} lines on one thread: the verdict, and then what may be kept of them",
            ("what", "seconds", "of the verdict's"),
            [(name, spent, round(spent / verdict, 2)) for name, spent in rows],
        )


def privately(instance: Instance, name: str) -> float:
    privacy, changes = CASES[name]
    replaced = ", ".join(f"{value} AS {column}" for column, value in changes.items())
    source = f"(SELECT * REPLACE ({replaced}, '{privacy}' AS privacy) FROM ops.judged)"
    return seconds(instance, checked_ways(load_registry(), source)[WAYS.get(name, "rejected")])


def seconds(instance: Instance, sql: str) -> float:
    return median_seconds(
        lambda: instance.client().command(f"SELECT * FROM ({sql}) FORMAT Null", settings={"max_threads": 1}), runs=3
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
