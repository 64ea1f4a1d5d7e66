"""How fast files of events come into raw, beside the engine's own INSERT … SELECT FROM file into a table of the same
definition: no validation, no rejects, no counting.

    python -m bench.ingest [EVENTS]
"""

from __future__ import annotations

import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.harness import report, server
from tests.support import Instance

EVENTS = 1_000_000
COPIED = (
    "project_id, event_id, event, message_type, user_id, anonymous_id, session_id, received_at, properties, context"
)
TYPES = ", ".join(f"{name} String" for name in COPIED.split(", "))


def simulated(folder: Path, events: int) -> dict[str, list[Path]]:
    """Canonical files of the simulated world, until there are enough events, by format."""
    from ingestion.demo import World, generate

    generate(World(size=events), folder)
    canonical = folder / "events" / "canonical"
    return {
        "JSONL.gz": sorted(canonical.glob("*.jsonl.gz")),
        "Parquet": sorted(canonical.glob("*.parquet")),
    }


def through_millrace(instance: Instance, files: list[Path]) -> Callable[[], int]:
    def run() -> int:
        return int(instance.json("load", *map(str, files))["accepted"])

    return run


def by_the_engine(instance: Instance, files: list[Path], format: str) -> Callable[[], int]:
    """The admin may read files; the table is raw.events' twin."""
    instance.client().command("CREATE OR REPLACE TABLE raw.twin AS raw.events")
    kind = "JSONEachRow" if format == "JSONL.gz" else "Parquet"
    paths = "{" + ",".join(str(path) for path in files) + "}"
    structure = f", '{TYPES}'" if kind == "JSONEachRow" else ""
    instant = "parseDateTime64BestEffort(toString(received_at), 3, 'UTC')"

    def run() -> int:
        instance.client().command("TRUNCATE TABLE raw.twin")
        instance.client().command(
            f"INSERT INTO raw.twin ({COPIED}, timestamp) SELECT {COPIED.replace('received_at', instant)}, {instant} "
            f"FROM file('{paths}', '{kind}'{structure})"
        )
        return int(instance.rows("SELECT count() FROM raw.twin")[0][0])

    return run


def timed(action: Callable[[], int]) -> tuple[int, float]:
    begun = time.perf_counter()
    events = action()
    return events, time.perf_counter() - begun


def main(events: int) -> None:
    rows = []
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, server() as instance:
        instance.run("load", str(Path(__file__)), "--dialect", "canonical")  # the typed paths; its lines are rejected
        for format, files in simulated(Path(folder) / "world", events).items():
            loaded, ours = timed(through_millrace(instance, files))
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            copied, own = timed(by_the_engine(instance, files, format))
            rows.append(
                (format, loaded, round(loaded / ours), round(copied / own), loaded / ours / (copied / own), memory)
            )
        shutil.rmtree(folder, ignore_errors=True)
    report(
        "ingest",
        "Loading canonical events, beside the engine's own INSERT SELECT FROM file",
        ("format", "events", "events/s", "engine's own", "ratio", "client MB"),
        rows,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
