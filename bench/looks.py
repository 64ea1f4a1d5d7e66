"""What it costs to write a build down, to look at a warehouse after it, to score it, and to tell Prometheus.

python -m bench.looks [EVENTS]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.harness import report
from ingestion.demo import World, generate
from tests.support import Instance
from warehouse.dbt import build_arguments, run
from warehouse.observability.builds import record_build
from warehouse.observability.figures import Figures
from warehouse.observability.looks import observe
from warehouse.observability.quality import read_scores
from warehouse.observability.records import RunRecord

EVENTS = 1_000_000
RUNS = 5


def median(work: Callable[[], Any]) -> float:
    seconds = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def main(events: int) -> None:
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, Instance(Path(folder) / "millrace") as own:
        generate(World(size=events), Path(folder) / "world")
        own.up()
        own.json("load", str(Path(folder) / "world" / "events"))
        with own.active() as settings:
            begun = time.perf_counter()
            done = run(settings, build_arguments())
            built = time.perf_counter() - begun
            assert done.nodes and not done.failed and not done.remarks, (done.failed, done.remarks)
            (first,) = own.rows("SELECT seconds FROM ops.looks ORDER BY observed_at LIMIT 1")
            rows = [
                ("to write that build down", median(lambda: record_build(settings, done, RunRecord("build")))),
                ("the look of that build, with all of its queries", *first),
                ("a look when nothing happened", median(lambda: observe(settings))),
                ("the scores", median(lambda: read_scores(settings))),
                ("a scrape of the exporter", median(lambda: Figures(settings).text())),
            ]
    report(
        "looks",
        "Looks, scores and figures",
        ("what", "seconds", "part of the build"),
        [("a build", built, 1.0), *((what, seconds, seconds / built) for what, seconds in rows)],
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
