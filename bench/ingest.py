"""How fast files of events come into raw, beside the engine's own INSERT … SELECT FROM file into a table of the same
definition: no validation, no rejects, no counting.

    python -m bench.ingest [EVENTS]
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.harness import report, server
from ingestion.loader import prepare
from tests.support import MILLRACE, Instance

EVENTS = 1_000_000
WORLD = 400_000  # events simulated, of which some are canonical
COPIED = (
    "project_id, event_id, event, message_type, user_id, anonymous_id, session_id, received_at, properties, context"
)
TYPES = ", ".join(f"{name} String" for name in COPIED.split(", "))


def simulated(folder: Path, events: int) -> dict[str, list[Path]]:
    """Canonical files by format: those of a simulated world, over and over under new ids, until there are enough."""
    from ingestion.demo import World, generate

    generate(World(size=min(max(events, 10_000), WORLD)), folder / "world")
    canonical = folder / "world" / "events" / "canonical"
    return {
        format: repeated(sorted(canonical.glob(f"*{ending}")), ending, folder / format, events, renamed)
        for format, ending, renamed in (("JSONL.gz", ".jsonl.gz", renamed_lines), ("Parquet", ".parquet", renamed_rows))
    }


def repeated(
    files: list[Path], ending: str, folder: Path, events: int, renamed: Callable[[Path, Path, str], int]
) -> list[Path]:
    folder.mkdir()
    written: list[Path] = []
    while events > 0:
        for file in files:
            path = folder / f"{len(written):05}{ending}"
            events -= renamed(file, path, f"{len(written)}-")
            written.append(path)
            if events <= 0:
                break
    return written


def renamed_lines(source: Path, target: Path, prefix: str) -> int:
    text = gzip.decompress(source.read_bytes()).replace(b'"event_id":"', b'"event_id":"' + prefix.encode())
    target.write_bytes(gzip.compress(text, 6))
    return text.count(b"\n")


def renamed_rows(source: Path, target: Path, prefix: str) -> int:
    table = pq.read_table(source)
    ids = pc.binary_join_element_wise(pa.scalar(prefix), table["event_id"].cast(pa.string()), "")
    pq.write_table(table.set_column(table.schema.get_field_index("event_id"), "event_id", ids), target)
    return int(table.num_rows)


def through_millrace(instance: Instance, folder: Path) -> tuple[int, float]:
    """Events received, and the loader's peak memory in MB."""
    with subprocess.Popen(
        [str(MILLRACE), "load", str(folder), "--format", "json"], env=instance.environment, stdout=subprocess.PIPE
    ) as loader:
        assert loader.stdout is not None
        result = json.load(loader.stdout)
        _, status, usage = os.wait4(loader.pid, 0)
        loader.returncode = os.waitstatus_to_exitcode(status)
    assert loader.returncode == 0
    return int(result["received"]), usage.ru_maxrss / 1024


def by_the_engine(instance: Instance, files: list[Path], format: str) -> int:
    """Events. The admin may read files; the table is raw.events' twin."""
    instance.client().command("CREATE OR REPLACE TABLE raw.twin AS raw.events")
    kind = "JSONEachRow" if format == "JSONL.gz" else "Parquet"
    paths = files[0].parent / f"*{''.join(files[0].suffixes)}"
    structure = f", '{TYPES}'" if kind == "JSONEachRow" else ""
    instant = "parseDateTime64BestEffort(toString(received_at), 3, 'UTC')"
    instance.client().command(
        f"INSERT INTO raw.twin ({COPIED}, timestamp) SELECT {COPIED.replace('received_at', instant)}, {instant} "
        f"FROM file('{paths}', '{kind}'{structure})"
    )
    return int(instance.rows("SELECT count() FROM raw.twin")[0][0])


def main(events: int) -> None:
    rows = []
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, server() as instance:
        with instance.active() as settings:
            prepare(settings)  # the typed paths
        for format, files in simulated(Path(folder), events).items():
            begun = time.perf_counter()
            received, memory = through_millrace(instance, files[0].parent)
            ours = received / (time.perf_counter() - begun)
            begun = time.perf_counter()
            copied = by_the_engine(instance, files, format)
            own = copied / (time.perf_counter() - begun)
            assert copied == received
            rows.append((format, received, round(ours), round(own), ours / own, round(memory)))
    report(
        "ingest",
        "Loading canonical events, beside the engine's own INSERT SELECT FROM file",
        ("format", "events", "events/s", "engine's own", "ratio", "client MB"),
        rows,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
