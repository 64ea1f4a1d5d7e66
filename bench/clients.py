"""Many who ask at once: python -m bench.clients [SECONDS] [CLIENTS …]; 20 seconds each of 1, 8 and 32.

Each client asks as the analyst, by connections of its own, one question after the other as soon as the last is
answered: metrics of the small world, in SQL that `millrace metrics explain` has made, none answered from a cache.
Beside how long that takes: errors, the peak of the server's memory, and whether it is the same server at the end.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any

from bench.harness import report
from ingestion.demo import World, generate
from semantic_layer.reader import Reader
from tests.support import Instance
from warehouse.dbt import build_arguments, run
from warehouse.errors import MillraceError
from warehouse.settings import Settings

EVENTS = 100_000
SECONDS, CLIENTS = 20.0, (1, 8, 32)
METRICS = (
    ("--metric", "revenue", "--by", "week"),
    ("--metric", "orders", "--metric", "sessions", "--by", "month"),
    ("--metric", "sessions", "--by", "session__channel", "--from", "2026-03-01", "--to", "2026-03-31"),
    ("--metric", "daily_active_users", "--by", "day", "--from", "2026-05-01"),
    ("--metric", "revenue", "--by", "user__country"),
    ("--metric", "mrr", "--by", "month"),
)
MEMORY, MEMORY_PAUSE = "SELECT value FROM system.metrics WHERE metric = 'MemoryTracking'", 0.5


def questions(own: Instance) -> list[str]:
    found = []
    for asked in METRICS:
        done = own.run("metrics", "explain", "--project", "demo", *asked)
        assert done.returncode == 0, done.stderr
        found.append(done.stdout)
    return found


def one_client(settings: Settings, sqls: Sequence[str], number: int, until: float) -> tuple[list[float], list[str]]:
    random, reader = Random(number), Reader(settings)
    seconds: list[float] = []
    errors: list[str] = []
    while time.monotonic() < until:
        begun = time.perf_counter()
        try:
            reader.document(random.choice(sqls), use_query_condition_cache=0, use_query_cache=0)
        except MillraceError as error:
            errors.append(error.message)
        else:
            seconds.append(time.perf_counter() - begun)
    return seconds, errors


class Memory:
    """The peak of what the server says it uses, while the block runs."""

    def __init__(self, own: Instance) -> None:
        self._client = own.client("admin")  # whom it may be told
        self._ended, self.peak = Event(), 0
        self._thread = Thread(target=self._look)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(MEMORY_PAUSE):
            self.peak = max(self.peak, self._client.query(MEMORY).result_rows[0][0])


def together(own: Instance, sqls: Sequence[str], clients: int, seconds: float) -> tuple[Any, ...]:
    server, until = own.state.server_pid, time.monotonic() + seconds
    settings = own.settings  # which sets the environment for a moment: not in several threads
    with Memory(own) as memory, ThreadPoolExecutor(clients) as pool:
        done = list(pool.map(lambda number: one_client(settings, sqls, number, until), range(clients)))
    took = [each for of_one, _ in done for each in of_one]
    errors = [each for _, of_one in done for each in of_one]
    for error in sorted(set(errors))[:3]:
        sys.stderr.write(f"{clients} clients: {errors.count(error)} times: {error}\n")
    cuts = statistics.quantiles(took, n=20)
    alive = "yes" if own.state.server_pid == server else "no"
    return (clients, len(took), len(took) / seconds, cuts[9], cuts[18], len(errors), memory.peak / 1024**3, alive)


def main(seconds: float, clients: Sequence[int]) -> None:
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, Instance(Path(folder) / "millrace") as own:
        generate(World(size=EVENTS), Path(folder) / "world")
        own.up()
        own.json("load", str(Path(folder) / "world" / "events"))
        with own.active() as settings:
            done = run(settings, build_arguments(tests=False))
        assert done.nodes and not done.failed, done.failed
        sqls = questions(own)
        rows = [together(own, sqls, number, seconds) for number in clients]
    columns = ("clients", "answers", "a second", "p50, s", "p95, s", "errors", "peak memory, GiB", "same server")
    report("clients", f"Metrics asked at once for {seconds:,.0f} s each, {EVENTS:,} events", columns, rows)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS, [int(n) for n in sys.argv[2:]] or CLIENTS)
