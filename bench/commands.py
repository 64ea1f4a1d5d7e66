"""What a command of journeys takes over its query: python -m bench.commands [EVENTS], 200,000 if none are given.

A command's wall time as somebody at a terminal waits for it, less the time in which the server worked on its queries.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.harness import report
from ingestion.demo import World, generate
from tests.support import Instance
from warehouse.dbt import build_arguments, run

EVENTS = 200_000
RUNS = 7
STEPS = ("--step=product_viewed", "--step=product_added", "--step=checkout_started", "--step=order_completed")
COMMANDS = {
    "millrace sql": ("sql", "select 1"),
    "millrace funnel": ("funnel", *STEPS),
    "millrace funnel, broken down, with trend": ("funnel", *STEPS, "--by", "country", "--trend", "week"),
    "millrace retention": ("retention", "--start", "signed_up"),
    "millrace lifecycle": ("lifecycle",),
    "millrace stickiness": ("stickiness",),
    "millrace paths": ("paths", "--from-event", "signed_up"),
}


def measured(own: Instance, command: tuple[str, ...]) -> tuple[float, float]:
    """Seconds of the command, and those of them in which a query of its ran."""
    ((begun,),) = own.rows("SELECT toString(now64(6))")
    before = time.perf_counter()
    done = own.run(*command)
    seconds = time.perf_counter() - before
    assert done.returncode == 0, done.stderr
    own.client().command("SYSTEM FLUSH LOGS query_log")
    queried, until = 0.0, 0.0
    for start, end in own.rows(
        "SELECT toFloat64(query_start_time_microseconds) AS start, toFloat64(event_time_microseconds) "
        "FROM system.query_log WHERE type = 'QueryFinish' AND user = 'analyst' "
        f"AND event_time_microseconds >= '{begun}' "
        "ORDER BY start"
    ):
        queried += max(end - max(start, until), 0)
        until = max(until, end)
    return seconds, queried


def main(events: int) -> None:
    rows: list[tuple[Any, ...]] = []
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, Instance(Path(folder) / "millrace") as own:
        generate(World(size=events), Path(folder) / "world")
        own.up()
        own.json("load", str(Path(folder) / "world" / "events"))
        with own.active() as settings:
            done = run(settings, build_arguments(tests=False))
        assert done.nodes and not done.failed, done.failed
        for name, command in COMMANDS.items():
            asked = command if command[0] == "sql" else (*command, "--project", "demo")
            measured(own, asked)
            runs = [measured(own, asked) for _ in range(RUNS)]
            seconds, query = (statistics.median(column) for column in zip(*runs, strict=True))
            over = statistics.median(whole - inside for whole, inside in runs)
            rows.append((name, seconds, query, over))
    report("commands", "Journeys on the command line", ("command", "seconds", "its queries", "over them"), rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
