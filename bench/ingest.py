"""How fast files of events come into raw, beside the engine's own INSERT … SELECT FROM file into a table of the same
definition, and dlt's own way, which infers columns from rows: no validation, no rejects, no counting of the two.

    python -m bench.ingest [EVENTS]

Canonical events of a simulated world, over and over under new ids, in files as a daily export has them: a quarter of a
million lines, of neighbouring days. One line in a hundred is to be rejected.
"""

from __future__ import annotations

import gzip
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from bench.harness import report, server
from ingestion.context import context_type
from ingestion.dlt_clickhouse import quiet_dlt
from ingestion.loader import prepare
from tests.support import MILLRACE, Instance

EVENTS = 1_000_000
EVENTS_PER_FILE = 250_000
WORLD = 400_000  # events simulated, of which some are canonical
BY_DLT = 100_000  # events at most: it is slow enough to be measured by fewer
PROJECT = "demo"  # of standard privacy; python -m bench.privacy tells what strict costs
COPIED = (
    "project_id, event_id, event, message_type, user_id, anonymous_id, session_id, received_at, properties, context"
)
NEVER = "2020-13-01T00:00:00Z"


def simulated(folder: Path, events: int) -> dict[str, list[Path]]:
    """Files by format."""
    from ingestion.demo import World, generate

    generate(World(size=min(max(events, 10_000), WORLD)), folder / "world")
    canonical = sorted((folder / "world" / "events" / "canonical").glob("*.jsonl.gz"))
    lines = [line for file in canonical for line in gzip.decompress(file.read_bytes()).splitlines()]
    own = [event for event in map(orjson.loads, lines) if event["project_id"] == PROJECT]
    own.sort(key=lambda event: str(event["received_at"]))
    written: dict[str, list[Path]] = {"JSONL.gz": [], "Parquet": []}
    for number, rows in enumerate(_files(own, events)):
        written["JSONL.gz"].append(_lines(rows, folder / "jsonl" / f"{number:05}.jsonl.gz"))
        written["Parquet"].append(_table(rows, folder / "parquet" / f"{number:05}.parquet"))
    return written


def _files(own: list[dict[str, Any]], events: int) -> Iterator[list[dict[str, Any]]]:
    """Per file the events of some neighbouring days, repeated until it is full."""
    files = -(-events // EVENTS_PER_FILE)
    share = -(-len(own) // files)
    for number in range(files):
        some = own[number * share : (number + 1) * share]
        wanted = min(EVENTS_PER_FILE, events - number * EVENTS_PER_FILE)
        repeated = itertools.islice(((copy, event) for copy in itertools.count() for event in some), wanted)
        rows = [
            {
                **event,
                "event_id": f"{number}-{copy}-{event['event_id']}",
                **({"original_timestamp": NEVER} if place % 100 == 0 else {}),
            }
            for place, (copy, event) in enumerate(repeated)
        ]
        yield sorted(rows, key=lambda event: str(event["received_at"]))


def _lines(rows: list[dict[str, Any]], path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(b"".join(orjson.dumps(row) + b"\n" for row in rows), 6))
    return path


def _table(rows: list[dict[str, Any]], path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: pa.array([_cell(row.get(name)) for row in rows], pa.string()) for name in names}
    pq.write_table(pa.table(columns), path)
    return path


def _cell(value: Any) -> str | None:
    return value if isinstance(value, str) or value is None else orjson.dumps(value).decode()


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
    assert result["rejected"]["bad_timestamp"] > result["received"] // 200  # of some of them nothing may be kept at all
    return int(result["received"]), usage.ru_maxrss / 1024


def by_the_engine(instance: Instance, files: list[Path], format: str) -> int:
    """Events. The admin may read files; the table is raw.events' twin."""
    instance.client().command("CREATE OR REPLACE TABLE raw.twin AS raw.events")
    paths = files[0].parent / f"*{''.join(files[0].suffixes)}"
    context = "context"
    source = f"file('{paths}', 'Parquet')"
    if format == "JSONL.gz":
        kinds = ", ".join(
            f"context {context_type()}" if name == "context" else f"{name} String" for name in COPIED.split(", ")
        )
        source = f"file('{paths}', 'JSONEachRow', '{kinds}')"
    else:
        context = f"JSONExtract(assumeNotNull(context), '{context_type().rpartition(', other')[0]})')"
        context = f"tupleConcat({context}, tuple(CAST('{{}}' AS JSON(max_dynamic_paths=64))))"
    instant = "parseDateTime64BestEffort(toString(received_at), 3, 'UTC')"
    selected = COPIED.replace("received_at", instant).removesuffix("context") + context
    instance.client().command(f"INSERT INTO raw.twin ({COPIED}, timestamp) SELECT {selected}, {instant} FROM {source}")
    return int(instance.rows("SELECT count() FROM raw.twin")[0][0])


def by_dlt(instance: Instance, files: list[Path], folder: Path) -> tuple[int, float]:
    """Events, and the seconds they took: what the documentation of dlt's destination shows."""
    dlt, target = quiet_dlt(), instance.endpoint("loader")
    server = {"host": target.host, "port": target.tcp_port, "http_port": target.http_port, "secure": 0}
    user = {"username": target.user, "password": target.password, "database": "raw"}
    events = itertools.islice(_events_of(files), BY_DLT)
    pipeline = dlt.pipeline(
        "stock",
        destination=dlt.destinations.clickhouse({**server, **user}),
        dataset_name="",
        pipelines_dir=str(folder / "dlt"),
    )
    begun = time.perf_counter()
    pipeline.run(dlt.resource(events, name="events_by_dlt", max_table_nesting=0, write_disposition="append"))
    seconds = time.perf_counter() - begun
    return int(instance.rows("SELECT count() FROM raw.events_by_dlt")[0][0]), seconds


def _events_of(files: list[Path]) -> Iterator[dict[str, Any]]:
    for file in files:
        with gzip.open(file) as lines:
            yield from map(orjson.loads, lines)


def main(events: int) -> None:
    rows = []
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, server() as instance:
        with instance.active() as settings:
            prepare(settings)  # the typed paths
        # In a process of its own: what a process has used at its peak begins with what its parent holds.
        with ProcessPoolExecutor(1) as maker:
            made = maker.submit(simulated, Path(folder), events).result()
        for format, files in made.items():
            begun = time.perf_counter()
            received, memory = through_millrace(instance, files[0].parent)
            ours = received / (time.perf_counter() - begun)
            begun = time.perf_counter()
            copied = by_the_engine(instance, files, format)
            own = copied / (time.perf_counter() - begun)
            assert copied == received
            beside_dlt: tuple[Any, Any] = ("", "")
            if format == "JSONL.gz":
                loaded, seconds = by_dlt(instance, files, Path(folder))
                assert loaded == min(received, BY_DLT)
                beside_dlt = round(loaded / seconds), ours / (loaded / seconds)
            rows.append((format, received, round(ours), round(own), ours / own, round(memory), *beside_dlt))
    report(
        "ingest",
        "Loading canonical events, beside the engine's own INSERT SELECT FROM file and dlt's own way",
        ("format", "events", "events/s", "engine's own", "ratio", "client MB", "dlt's own", "times dlt's"),
        rows,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
