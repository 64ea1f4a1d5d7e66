"""Thirty expectations over five million rows; and the expectations of a small world beside its build.

python -m bench.expectations [ROWS] [EVENTS]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from bench.harness import report, server
from expectations.breaker import Breaker, Judging
from expectations.runner import run
from expectations.suites import read_suites
from ingestion.demo import World, generate
from tests.other_sources import load_other_sources
from tests.support import Instance
from warehouse.dbt import Watcher, build_arguments
from warehouse.dbt import run as build

ROWS, EVENTS = 5_000_000, 200_000
DAYS = 180
PASSES, ROUNDS = ("tables", "tests", "expectations"), 3
EXPECTED: list[dict[str, Any]] = [
    *({"kind": "between", "column": name, "min": 0, "max": 10**9} for name in ("amount", "seconds", "step", "weight")),
    *({"kind": "filled", "column": name} for name in ("id", "person", "country", "event")),
    *({"kind": "matches", "column": name, "regex": "^[A-Za-z0-9-]+$"} for name in ("id", "person", "country", "event")),
    *({"kind": "one_of", "column": "country", "values": [f"C{i}" for i in range(n)]} for n in (30, 40)),
    *({"kind": "ordered", "first": "started_at", "then": name} for name in ("ended_at", "loaded_at")),
    {"kind": "ordered", "first": "ended_at", "then": "loaded_at"},
    *({"kind": "rows", "that": f"seconds % {n} < {n}"} for n in (2, 3, 5)),
    {"kind": "unique", "columns": ["id"]},
    {"kind": "unique", "columns": ["person", "started_at", "step"]},
    {"kind": "references", "column": "person", "to": "marts.people.person"},
    {"kind": "schema", "columns": {"id": "String", "seconds": "UInt32"}},
    *({"kind": "distribution", "column": name, "statistic": "psi", "at_most": 0.2} for name in ("country", "amount")),
    *({"kind": "distribution", "column": name, "statistic": "ks", "at_most": 0.2} for name in ("amount", "seconds")),
    {"kind": "volume", "against": "marts.many.local_date"},
    {"kind": "freshness", "moment": "started_at", "against": "marts.many.started_at"},
]


def fill(own: Instance, rows: int) -> None:
    admin = own.client()
    admin.command("CREATE DATABASE IF NOT EXISTS marts")
    admin.command(
        f"""CREATE TABLE marts.many ORDER BY (project_id, started_at) AS
        SELECT 'demo' AS project_id, hex(sipHash64(number)) AS id, concat('p', toString(number % 50000)) AS person,
            concat('C', toString(rand(1) % 30)) AS country, concat('event-', toString(rand(2) % 40)) AS event,
            rand(3) % 10000 / 100 AS amount, toUInt32(rand(4) % 3600) AS seconds, toUInt32(number) AS step,
            toFloat64(rand(5) % 1000) AS weight,
            toDateTime('2026-01-05 00:00:00', 'UTC') + toIntervalSecond(intDiv(number * {DAYS * 86400}, {rows}))
                AS started_at,
            started_at + 60 AS ended_at, started_at + 3600 AS loaded_at, toDate(started_at) AS local_date
        FROM numbers({rows})"""
    )
    admin.command("CREATE TABLE marts.people ORDER BY person AS SELECT DISTINCT project_id, person FROM marts.many")
    # The last day is compared with marts.fct_events elsewhere: here with itself.
    admin.command("CREATE VIEW marts.fct_events AS SELECT *, started_at AS timestamp FROM marts.many")


def over_many_rows(rows: int) -> tuple[Any, ...]:
    with server() as own, tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        fill(own, rows)
        expected = {f"e{i}": {**one, "why": "x"} for i, one in enumerate(EXPECTED)}
        declared = {"table": "marts.many", "owner": "bench", "description": "Many.", "projects": ["demo"]}
        (Path(folder) / "many.yaml").write_text(yaml.safe_dump({**declared, "expectations": expected}))
        suites = list(read_suites(Path(folder)).values())
        done = run(own.settings, suites=suites)
        failed = [one.message for one in done.results if one.status != "pass"]
        if failed:
            raise SystemExit(f"{len(failed)} did not pass: {failed[0]}")
        return f"{len(done.results)} expectations over {rows:,} rows", done.seconds, None


def beside_a_build(events: int) -> list[tuple[Any, ...]]:
    with server() as own, tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder:
        world = Path(folder) / "world"
        generate(World(size=events), world)
        own.json("load", str(world / "events"))
        load_other_sources(own, world / "sources")
        begun = time.perf_counter()
        own.json("build")
        built = time.perf_counter() - begun
        begun = time.perf_counter()
        results = own.json("expectations", "run")["results"]
        judged = time.perf_counter() - begun
        seconds = passes(own)
        tables, tested, judged_too = (min(seconds[kind]) for kind in PASSES)
        return [
            (f"build of {events:,} events", built, None),
            (f"{len(results)} results of its expectations, a process of their own", judged, judged / built),
            ("all tables made anew in this process, nothing judged", tables, None),
            ("what dbt's tests take more", tested - tables, (tested - tables) / tables),
            ("what expectations take more, each table judged when it is made", judged_too - tested,
             (judged_too - tested) / tables),
            ("the whole quality pass", judged_too - tables, (judged_too - tables) / tables),
        ]  # fmt: skip


def passes(own: Instance) -> dict[str, list[float]]:
    """Seconds of the same build, each kind in turn, so that a busy moment of the machine is not one kind's alone. The
    imports of what judges are among the first."""
    seconds: dict[str, list[float]] = {kind: [] for kind in PASSES}
    with own.active() as settings:
        for _ in range(ROUNDS):
            for kind, measured in seconds.items():
                arguments = build_arguments(full_refresh=True, tests=kind != "tables")
                begun = time.perf_counter()
                if kind == "expectations":
                    with Breaker(settings, read_suites()) as breaker:
                        done = build(settings, arguments, Judging(breaker))
                else:
                    done = build(settings, arguments, Watcher())
                if done.has_failed:
                    raise SystemExit(done.sentence())
                measured.append(time.perf_counter() - begun)
    return seconds


def main(rows: int, events: int) -> None:
    measured = [over_many_rows(rows), *beside_a_build(events)]
    report("expectations", "Expectations", ("what", "seconds", "part of the build"), measured)


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [ROWS, EVENTS][len(given) :]))
