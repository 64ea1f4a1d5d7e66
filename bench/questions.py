"""How long `millrace metrics query` takes: python -m bench.questions [EVENTS], as many as in the small world if none.

Each question is asked cold (nothing runs, nothing is known), with the resident compiler alone, with its SQL known, with
its answer known, and as `millrace sql` of the same SQL: the least that any command with this query takes.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.harness import report
from ingestion.demo import World, generate
from semantic_layer.metrics.compiling import stop_resident
from tests.other_sources import load_other_sources
from tests.support import Instance

EVENTS = 220_000
RUNS, COLD_RUNS = 7, 3
QUESTIONS = {
    "orders": ("--metric", "orders"),
    "two metrics by week": ("--metric", "orders", "--metric", "revenue", "--by", "week"),
    "sessions by channel, March": (
        *("--metric", "sessions", "--by", "session__channel", "--from", "2026-03-01", "--to", "2026-03-31"),
    ),
    "the same, compared": (
        *("--metric", "sessions", "--by", "session__channel", "--from", "2026-03-01", "--to", "2026-03-31"),
        *("--compare", "previous"),
    ),
    "orders of pro users, by the plan of then": (
        "--metric",
        "orders",
        "--by",
        "month",
        "--where",
        "user__plan = 'pro'",
    ),
    "a conversion rate by week": ("--metric", "sign_up_rate", "--by", "week"),
    "MRR by month": ("--metric", "mrr", "--by", "month"),
}
COLUMNS = ("question", "cold", "by the compiler", "SQL known", "answer known", "plain sql", "SQL known / plain")


class Bench:
    def __init__(self, own: Instance, question: tuple[str, ...]) -> None:
        self.own, self.settings = own, own.settings
        self.command = ("metrics", "query", "--project", "demo", *question)
        explained = own.run("metrics", "explain", "--project", "demo", *question)
        assert explained.returncode == 0, explained.stderr
        self.sql = explained.stdout

    def row(self) -> list[float]:
        cold = self.median(COLD_RUNS, lambda: self.forget("statements", "answers", compiler=True), *self.command)
        compiler = self.median(RUNS, lambda: self.forget("statements", "answers"), *self.command)
        statement = self.median(RUNS, lambda: self.forget("answers"), *self.command)
        known = self.median(RUNS, lambda: None, *self.command)
        plain = self.median(RUNS, lambda: None, "sql", self.sql)
        return [cold, compiler, statement, known, plain, statement / plain]

    def median(self, runs: int, before: Callable[[], None], *command: str) -> float:
        seconds = []
        for _ in range(runs):
            before()
            begun = time.perf_counter()
            done = self.own.run(*command)
            seconds.append(time.perf_counter() - begun)
            assert done.returncode == 0, done.stderr
        return statistics.median(seconds)

    def forget(self, *names: str, compiler: bool = False) -> None:
        for name in names:
            shutil.rmtree(self.settings.data_dir / "cache" / name, ignore_errors=True)
        if compiler:
            stop_resident(self.settings)


def main(events: int) -> None:
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, Instance(Path(folder) / "millrace") as own:
        generate(World(size=events), Path(folder) / "world")
        own.up()
        own.json("load", str(Path(folder) / "world" / "events"))
        load_other_sources(own, Path(folder) / "world" / "sources")
        built = own.run("build", "--no-tests")
        assert built.returncode == 0, built.stderr
        rows = [[name, *Bench(own, question).row()] for name, question in QUESTIONS.items()]
    report("questions", f"Questions about metrics, {events:,} events, seconds", COLUMNS, rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
