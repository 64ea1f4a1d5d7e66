"""How long questions take, by flags and in words: python -m bench.questions [EVENTS], else of the small world.

Each question is asked cold (nothing runs, nothing is known), with the resident compiler and the process that waits for
questions alone, with its SQL known, with its answer known, and as `millrace sql` of the same SQL: the least that any
command with this query takes.

What it should be on the small world and a quiet machine: 0.4 s with the answer or the SQL known, 2.5 s cold.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bench.harness import report
from cli.entry import FOLDER, SOCKET
from ingestion.demo import World, generate
from semantic_layer.metrics.compiling import stop_resident
from tests.other_sources import load_other_sources
from tests.support import Instance
from tests.waiting_processes import process_behind
from warehouse.local_sockets import is_ours

EVENTS = 220_000
RUNS, COLD_RUNS = 7, 3
STARTING_SECONDS = 3
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
IN_WORDS = (
    "how many orders last month?",
    "revenue by country in the second quarter",
    "top 5 channels by sessions in March compared with February",
    "funnel from signup to purchase for mobile users in May",
    "weekly retention of users who signed up in March",
    "where do people go after pricing?",
)
COLUMNS = ("question", "cold", "by the compiler", "SQL known", "answer known", "plain sql", "SQL known / plain")

# Seconds of the processor say what a command takes also where the machine is not quiet.
COLUMNS_IN_WORDS = ("question", "cold", "SQL known", "answer known", "processor, answer known")


class Bench:
    def __init__(self, own: Instance) -> None:
        self.own, self.settings = own, own.settings

    def of_flags(self, question: tuple[str, ...]) -> list[float]:
        explained = self.own.run("metrics", "explain", "--project", "demo", *question)
        assert explained.returncode == 0, explained.stderr
        command = ("metrics", "query", "--project", "demo", *question)
        cold = self.median(COLD_RUNS, lambda: self.forget("statements", "answers", compiler=True), *command)
        compiler = self.median(RUNS, lambda: self.forget("statements", "answers"), *command)
        statement = self.median(RUNS, lambda: self.forget("answers"), *command)
        known = self.median(RUNS, lambda: None, *command)
        plain = self.median(RUNS, lambda: None, "sql", explained.stdout)
        return [cold, compiler, statement, known, plain, statement / plain]

    def of_words(self, question: str) -> list[float]:
        command = ("ask", question, "--project", "demo")
        cold = self.median(COLD_RUNS, lambda: self.forget("statements", "answers", compiler=True), *command)
        statement = self.median(RUNS, lambda: self.forget("answers"), *command)
        begun = processor_seconds()
        known = self.median(RUNS, lambda: None, *command)
        return [cold, statement, known, (processor_seconds() - begun) / RUNS]

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
            end_warm()


def end_warm() -> None:
    """Also the one that the last question has just begun to start: it would work beside the next."""
    path = FOLDER / SOCKET
    deadline = time.monotonic() + STARTING_SECONDS
    while not is_ours(path) and time.monotonic() < deadline:
        time.sleep(0.1)
    if is_ours(path):
        with suppress(OSError):
            os.kill(process_behind(path), signal.SIGTERM)
        path.unlink(missing_ok=True)


def processor_seconds() -> float:
    """Of all commands that have ended; what the server and the compiler took is not among it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(events: int) -> None:
    with tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder, Instance(Path(folder) / "millrace") as own:
        generate(World(size=events), Path(folder) / "world")
        own.up()
        own.json("load", str(Path(folder) / "world" / "events"))
        load_other_sources(own, Path(folder) / "world" / "sources")
        built = own.run("build", "--no-tests")
        assert built.returncode == 0, built.stderr
        bench = Bench(own)
        of_flags = [[name, *bench.of_flags(question)] for name, question in QUESTIONS.items()]
        of_words = [[question, *bench.of_words(question)] for question in IN_WORDS]
    report("questions", f"Questions about metrics, {events:,} events, seconds", COLUMNS, of_flags)
    report("questions-in-words", f"Questions in words, {events:,} events, seconds", COLUMNS_IN_WORDS, of_words)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS)
