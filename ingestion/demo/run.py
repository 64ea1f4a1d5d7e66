"""Makes a world: simulates its blocks one after the other (on several cores in large worlds), and writes everything."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any, Final, Protocol

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.demo import anomalies, faults, marketing, money, shop, sources, truths
from ingestion.demo.block import simulate
from ingestion.demo.clock import Clock
from ingestion.demo.files import EventFiles, FileCount
from ingestion.demo.tally import Tally, add, tally
from ingestion.demo.world import EVENTS_PER_BLOCK, PROJECTS, World, declared
from warehouse.errors import MillraceError

Progress = Callable[[int, int], None]  # events done, events in all

TRUTHS_FILE: Final = "truths.json"
MARKER: Final = TRUTHS_FILE  # a folder with it is a world, and may be replaced by another


class _Channel(Protocol):
    def put(self, events: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Unit:
    """One block to be simulated."""

    project: int  # in PROJECTS
    number: int
    events: int
    crowd: anomalies.Crowd | None = None


@dataclass
class ShardResult:
    """What one shard has counted; by project where it says so."""

    files: list[FileCount] = field(default_factory=list)
    repeated: Counter[tuple[str, str]] = field(default_factory=Counter)
    counted: dict[str, Tally] = field(default_factory=dict)
    tables: dict[str, dict[str, list[pa.Table]]] = field(default_factory=dict)
    sources: list[sources.BlockSources] = field(default_factory=list)
    faults: dict[str, dict[str, Any]] = field(default_factory=dict)
    peak_memory: int = 0  # bytes


@dataclass(frozen=True, slots=True)
class WorldSummary:
    """What was made."""

    folder: Path
    events: int  # distinct
    lines: int
    files: int
    seconds: float
    peak_memory: int  # bytes, of the process that needed most
    events_per_project: dict[str, int]


def generate(world: World, out_dir: Path, progress: Progress | None = None, workers: int | None = None) -> WorldSummary:
    """Writes the world into `out_dir`: events/, faults/, sources/, truths/ and truths.json.

    The folder must be new, empty, or hold another world, which is replaced. `workers` does not change a byte.
    """
    began = time.monotonic()
    _make_room(out_dir)
    shards = plan_shards(world)
    report = progress or (lambda done, of: None)
    if workers is None:
        workers = min(len(shards), os.cpu_count() or 1)
    if workers == 1:
        results = _one_after_the_other(world, out_dir, shards, report)
    else:
        results = _side_by_side(world, out_dir, shards, report, workers)
    total = _joined(results)
    facts = _write_the_rest(world, out_dir, total)
    distinct = {project: facts["projects"][project]["events"]["distinct"] for project in facts["projects"]}
    return WorldSummary(
        folder=out_dir,
        events=sum(distinct.values()),
        lines=sum(count.events.total() for count in total.files),
        files=len(total.files),
        seconds=time.monotonic() - began,
        peak_memory=max(total.peak_memory, _peak_memory()),
        events_per_project=distinct,
    )


def plan_shards(world: World) -> list[list[Unit]]:
    """The blocks of the world, in as many shards as files of each shape and month are wanted."""
    units: list[Unit] = []
    for index, project in enumerate(PROJECTS):
        events = round(world.events * project.share_of_events)
        blocks = -(-events // EVENTS_PER_BLOCK)
        units += [Unit(index, 0, events // blocks) for _ in range(blocks)]
    for index, project in enumerate(PROJECTS):
        clock = Clock(project.timezone, world.start)
        plan = anomalies.plan(world.seed, project.id, clock, world.planted)
        units += [Unit(index, 0, 0, crowd) for crowd in anomalies.crowds(plan, project, world.events, clock)]
    units = [Unit(unit.project, number, unit.events, unit.crowd) for number, unit in enumerate(units)]
    shards = 1 if world.events <= 500_000 else 2 if world.events <= 5_000_000 else 4
    return [units[shard::shards] for shard in range(shards)]


def _make_room(out_dir: Path) -> None:
    if out_dir.exists() and not out_dir.is_dir():
        raise MillraceError(f"{out_dir} is a file; a world needs a folder.")
    if out_dir.exists() and any(out_dir.iterdir()):
        if not (out_dir / MARKER).exists():
            raise MillraceError(
                f"{out_dir} is not empty and holds no world ({MARKER} is missing).",
                hint="Name a new folder; only a world is replaced by a world.",
            )
        for part in ("events", "examples", "faults", "sources", "truths"):
            shutil.rmtree(out_dir / part, ignore_errors=True)
        (out_dir / MARKER).unlink()
    out_dir.mkdir(parents=True, exist_ok=True)


def _one_after_the_other(world: World, out_dir: Path, shards: list[list[Unit]], report: Progress) -> list[ShardResult]:
    of = sum(unit.events for shard in shards for unit in shard)
    done = 0

    class Here:
        def put(self, events: int) -> None:
            nonlocal done
            done += events
            report(done, of)

    return [run_shard(world, out_dir, number, units, Here()) for number, units in enumerate(shards)]


def _side_by_side(
    world: World, out_dir: Path, shards: list[list[Unit]], report: Progress, workers: int
) -> list[ShardResult]:
    of = sum(unit.events for shard in shards for unit in shard)
    # spawn: a fork of a process in which Arrow has threads may hang.
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(workers, mp_context=context) as pool:
        channel = manager.Queue()
        futures = [
            pool.submit(run_shard, world, out_dir, number, units, channel) for number, units in enumerate(shards)
        ]
        pending, done = set(futures), 0
        while pending:
            _, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
            try:
                while True:
                    done += channel.get_nowait()
                    report(done, of)
            except Empty:
                continue
        return [future.result() for future in futures]


def run_shard(world: World, out_dir: Path, shard: int, units: list[Unit], channel: _Channel) -> ShardResult:
    """Simulates and writes the blocks of one shard."""
    result = ShardResult()
    with EventFiles(out_dir / "events", shard) as files:
        for unit in units:
            project = PROJECTS[unit.project]
            block = simulate(world, project, unit.number, unit.events, unit.crowd)
            files.write(block)
            rates = money.rates(world.seed, project.id, project.currency, block.clock)
            counted, tables = tally(block, rates)
            add(result.counted.setdefault(project.id, {}), counted)
            for name, table in tables.items():
                result.tables.setdefault(project.id, {}).setdefault(name, []).append(table)
            if unit.crowd is None:
                result.sources.append(sources.of_block(block))
            if unit.number == 0:
                result.faults = faults.write(out_dir / "faults", world.seed, block)
            channel.put(unit.events)
        result.files, result.repeated = files.counts, files.repeated
    result.peak_memory = _peak_memory()
    return result


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _joined(results: list[ShardResult]) -> ShardResult:
    total = ShardResult()
    for result in results:
        total.files += result.files
        total.repeated.update(result.repeated)
        total.sources += result.sources
        total.faults |= result.faults
        total.peak_memory = max(total.peak_memory, result.peak_memory)
        for project, counted in result.counted.items():
            add(total.counted.setdefault(project, {}), counted)
        for project, tables in result.tables.items():
            for name, parts in tables.items():
                total.tables.setdefault(project, {}).setdefault(name, []).extend(parts)
    return total


def _write_the_rest(world: World, out_dir: Path, total: ShardResult) -> dict[str, Any]:
    """The other sources, the truths as tables, and truths.json."""
    spends, rates, projects = [], [], {}
    (out_dir / "truths").mkdir()
    tables: dict[str, list[pa.Table]] = {}
    for project in PROJECTS:
        clock = Clock(project.timezone, world.start)
        counted = total.counted[project.id]
        plan = anomalies.plan(world.seed, project.id, clock, world.planted)
        paid = marketing.spend(world.seed, project.id, counted["planned_visits"])
        rate = money.rates(world.seed, project.id, project.currency, clock)
        own = {name: pa.concat_tables(parts) for name, parts in total.tables[project.id].items()}
        projects[project.id] = truths.project_truths(world, project, clock, plan, counted, own, rate, paid)
        spends.append(sources.marketing_spend(project, paid, clock))
        rates.append((rate, clock))
        for name, table in own.items():
            tables.setdefault(name, []).append(table)
    sources.write(out_dir / "sources", total.sources, spends, shop.catalogue(world.seed), rates)
    for name, parts in tables.items():
        pq.write_table(pa.concat_tables(parts), out_dir / "truths" / f"{name}.parquet", compression="zstd")
    facts = {
        "world": {
            "events": world.events,
            "seed": world.seed,
            "first_day": world.start.isoformat(),
            "last_day": world.end.isoformat(),
            "planted": sorted(world.planted),
            "declared": declared(),
        },
        "load": _load(total),
        "projects": projects,
    }
    (out_dir / TRUTHS_FILE).write_bytes(
        orjson.dumps(facts, default=_plain, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY)
    )
    return facts


def _load(total: ShardResult) -> dict[str, Any]:
    """What the loader must report. Projects of the world keep the default: without consent, counted and not stored."""
    received: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for count in total.files:
        received.update(count.events)
        refused.update(count.refused)
    return {
        "files": [
            {
                "path": count.path,
                "shape": count.shape,
                "lines": count.events.total(),
                "accepted": dict(count.events - count.refused),
                "rejected": {"no_consent": count.refused.total()} if count.refused.total() else {},
            }
            for count in total.files
        ],
        "received": received.total(),
        "accepted": dict(received - refused),
        "rejected": {"no_consent": refused.total()},
        "withheld": dict(refused),
        "repeated": {
            project.id: {kind: total.repeated[project.id, kind] for kind in ("exact", "sent_again")}
            for project in PROJECTS
        },
        "faults": total.faults,
    }


def _plain(value: object) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in {TRUTHS_FILE}")
