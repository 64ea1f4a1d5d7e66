"""From a file that lands to the begin of its load, and to its rows in a mart: python -m bench.landing [FILES].

A Dagster as `millrace dagster` starts it, on a warehouse of a few events, so that what is measured is what comes before
the work: the sensor's look, the queue, the process of a run. A file counts when nothing was written to it for three
seconds.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench.harness import report
from tests.running_dagster import EVENT, RunningDagster, until
from tests.support import Instance

FILES = 3


def one_file(dagster: RunningDagster, number: int) -> tuple[float, float]:
    """Seconds until the load begins, and until the run has ended and its rows are in the mart."""
    known = set(dagster.runs())
    landed = time.time()
    dagster.drop(f"{number}.jsonl", {**EVENT, "event_id": f"e{number}", "user_id": "anna"})
    run = dagster.next_run(known)
    assert dagster.ended(run) == "SUCCESS", dagster.why(run)
    ended = time.time()
    assert dagster.instance.rows("SELECT count() FROM marts.fct_events") == [(number,)]
    return dagster.started(run) - landed, ended - landed


def main(files: int) -> None:
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, Instance(Path(folder) / "millrace") as own:
        own.up()
        running = RunningDagster(own)
        try:
            assert until(running.is_loaded)
            measured = [one_file(running, number) for number in range(1, files + 1)]
        finally:
            running.end()
    begins, ends = zip(*measured, strict=True)
    rows = [
        ("begin of the load", statistics.median(begins), max(begins)),
        ("end of the run, rows in the mart", statistics.median(ends), max(ends)),
    ]
    report("landing", f"From landing to, {files} files", ("until", "median, s", "most, s"), rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else FILES)
