"""What it costs to store the context of an event: as a tuple of known keys beside JSON for the rest, as raw.events
has it, and as one JSON column, with typed paths and without.

    python -m bench.context
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.harness import median_seconds, report, server
from ingestion.context import known_context, whole_context
from ingestion.contract import CONTEXT_KEYS

EVENTS = 200_000


def main() -> None:
    from ingestion.demo import World, generate

    paths = ", ".join(f"{key.path} {key.clickhouse_type}" for key in CONTEXT_KEYS)
    tuple_select = f"SELECT text, {known_context('text')} AS known FROM ops.contexts"
    ways = {
        "tuple and rest": f"SELECT {whole_context('text', 'known')} FROM ({tuple_select})",
        "tuple and rest, another key in each": (
            f"SELECT {whole_context('text', 'known')} FROM ({tuple_select.replace('ops.contexts', 'ops.more')})"
        ),
        "JSON with typed paths": f"SELECT CAST(text AS JSON(max_dynamic_paths=64, {paths})) FROM ops.contexts",
        "JSON": "SELECT CAST(text AS JSON(max_dynamic_paths=64)) FROM ops.contexts",
    }
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, server() as instance:
        generate(World(size=EVENTS), Path(folder) / "world")
        files = Path(folder) / "world" / "events" / "canonical" / "*.jsonl.gz"
        client = instance.client()
        client.command("CREATE TABLE ops.contexts (text String) ENGINE = Memory")
        client.command(
            "INSERT INTO ops.contexts SELECT JSONExtractString(line, 'context') "
            f"FROM file('{files}', 'LineAsString', 'line String')"
        )
        client.command(
            "CREATE TABLE ops.more ENGINE = Memory AS "
            "SELECT concat('{\"wallet\":3,', substring(text, 2)) AS text FROM ops.contexts"
        )
        count = int(instance.rows("SELECT count() FROM ops.contexts")[0][0])
        seconds = {
            name: median_seconds(lambda sql=select: client.command(f"{sql} FORMAT Null", settings={"max_threads": 1}))
            for name, select in ways.items()
        }
    fastest = seconds["tuple and rest"]
    report(
        "context",
        f"Parsing {count:,} contexts on one core",
        ("as", "µs per event", "times"),
        [(name, taken / count * 1e6, taken / fastest) for name, taken in seconds.items()],
    )


if __name__ == "__main__":
    main()
