"""The same world twice is the same files; the untouched twin differs where something was planted, and nowhere else."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from ingestion.demo import reference
from ingestion.demo.anomalies import SLOW_FACTOR
from ingestion.demo.block import Block, simulate
from ingestion.demo.event_types import Kind
from ingestion.demo.run import generate, plan_shards
from ingestion.demo.table import NONE, Table
from ingestion.demo.world import ANOMALY_KINDS, PROJECTS, World
from warehouse.errors import MillraceError

DEMO = PROJECTS[0]


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_world_twice_is_the_same_bytes(tiny: World, folder: Path, tmp_path: Path) -> None:
    # In processes of their own: neither the number of workers nor a process's hash seed may change a byte.
    generate(tiny, tmp_path, workers=2)
    assert digests(tmp_path) == digests(folder)


def test_another_seed_is_another_world(tiny: World, folder: Path, tmp_path: Path) -> None:
    generate(replace(tiny, seed=tiny.seed + 1), tmp_path)
    same = digests(folder).items() & digests(tmp_path).items()
    assert not same


def test_the_twin_has_the_same_sources_and_the_same_windows(
    tiny: World, folder: Path, truths: Any, tmp_path: Path
) -> None:
    generate(replace(tiny, anomalies=False), tmp_path)
    assert digests(tmp_path / "sources") == digests(folder / "sources")
    twin = orjson.loads((tmp_path / "truths.json").read_bytes())
    for name, project in truths["projects"].items():
        planted = [anomaly | {"planted": False} for anomaly in project["anomalies"]]
        assert all(anomaly["planted"] for anomaly in project["anomalies"])
        assert twin["projects"][name]["anomalies"] == planted
        for unchanged in ("churn", "recurring_revenue", "forecast"):
            assert twin["projects"][name][unchanged] == project[unchanged]


@pytest.fixture(scope="module")
def untouched() -> Block:
    return simulate(World(seed=5, anomalies=False), DEMO, 0, 60_000)


def planted(*kinds: str) -> Block:
    return simulate(World(seed=5, anomalies=frozenset(kinds)), DEMO, 0, 60_000)


def window(block: Block, kind: str) -> tuple[int, int]:
    from ingestion.demo.anomalies import plan

    found = plan(5, DEMO.id, block.clock, frozenset()).anomalies[kind]
    return found.start, found.end


def rows(table: Table) -> dict[int, tuple[Any, ...]]:
    """Every row by its event id."""
    columns = [getattr(table, name).tolist() for name in vars(table) if name != "id_low"]
    return dict(zip(table.id_low.tolist(), zip(*columns, strict=True), strict=True))


def test_a_drop_only_loses_visits_of_its_days_and_most_on_phones(untouched: Block) -> None:
    block = planted("drop")
    before, after = rows(untouched.table), rows(block.table)
    assert after.items() <= before.items()
    lost = untouched.table.take(np.array([i not in after for i in untouched.table.id_low.tolist()]))
    start, end = window(block, "drop")
    begins = untouched.visits.start[lost.visit]
    assert len(lost) > 100
    assert ((begins >= start) & (begins < end)).all()
    phone = np.array([device.kind == "mobile" for device in reference.DEVICES])
    inside = untouched.table.take(_in_visits_of(untouched, start, end))
    assert phone[lost.device].sum() / phone[inside.device].sum() > 0.8
    assert 0.1 < (~phone[lost.device]).sum() / (~phone[inside.device]).sum() < 0.6


def _in_visits_of(block: Block, start: int, end: int) -> Any:
    begins = block.visits.start[block.table.visit]
    return (begins >= start) & (begins < end)


def test_a_missing_hour_is_empty_and_nothing_else_is(untouched: Block) -> None:
    block = planted("missing_hour")
    start, end = window(block, "missing_hour")
    assert end - start == 3_600_000
    inside = (untouched.table.at >= start) & (untouched.table.at < end)
    assert inside.sum() > 0
    assert rows(block.table) == rows(untouched.table.take(~inside))


def test_slow_pages_change_the_load_time_only(untouched: Block) -> None:
    block = planted("slow_pages")
    start, _ = window(block, "slow_pages")
    was, now = untouched.table, block.table
    slow = (was.at >= start) & (was.load_ms != NONE)
    assert slow.sum() > 100
    assert np.array_equal(now.load_ms[slow], (was.load_ms[slow] * SLOW_FACTOR).astype(np.int64))
    assert rows(replace(now, load_ms=was.load_ms)) == rows(was)
    assert np.array_equal(now.load_ms[~slow], was.load_ms[~slow])


def test_a_broken_release_only_adds_errors_of_its_version(untouched: Block) -> None:
    block = planted("broken_release")
    before, after = rows(untouched.table), rows(block.table)
    assert before.items() <= after.items()
    added = block.table.take(np.array([i not in before for i in block.table.id_low.tolist()]))
    start, end = window(block, "broken_release")
    begins = block.visits.start[added.visit]
    assert len(added) > 20
    assert set(added.kind.tolist()) == {Kind.error_occurred}
    assert set(added.version.tolist()) == {len(reference.RELEASES)}
    assert ((begins >= start) & (begins < end)).all()
    assert len(np.unique(np.stack([block.table.person, block.table.at]), axis=1)[0]) == len(block.table)


def test_crowds_are_blocks_of_their_own() -> None:
    everything = [unit for shard in plan_shards(World(seed=5)) for unit in shard]
    twin = [unit for shard in plan_shards(World(seed=5, anomalies=False)) for unit in shard]
    assert everything[: len(twin)] == twin
    assert [unit.crowd.kind for unit in everything[len(twin) :] if unit.crowd] == ["spike", "level_shift"]
    crowd = everything[len(twin)]
    assert crowd.crowd
    block = simulate(World(seed=5), PROJECTS[crowd.project], crowd.number, 0, crowd.crowd)
    start, end = window(block, "spike")
    begins = block.visits.start
    assert ((begins >= start) & (begins < end)).all()
    assert len(begins) == crowd.crowd.visits > 100


def test_anomalies_do_not_overlap() -> None:
    for seed in range(40):
        windows = sorted((anomaly.start, anomaly.end) for anomaly in _windows(seed) if anomaly.kind != "level_shift")
        assert all(end <= start for (_, end), (start, _) in pairwise(windows))


def _windows(seed: int) -> list[Any]:
    from ingestion.demo.anomalies import plan
    from ingestion.demo.clock import Clock

    clock = Clock(DEMO.timezone, World().start)
    return list(plan(seed, DEMO.id, clock, frozenset(ANOMALY_KINDS)).anomalies.values())


def test_another_end_moves_the_world(tmp_path: Path) -> None:
    # Through the end of summer time, and into the new year.
    summary = generate(World(size=3_000, seed=2, end=date(2026, 1, 10)), tmp_path)
    truths = orjson.loads((tmp_path / "truths.json").read_bytes())
    assert truths["world"]["first_day"] == "2025-07-15"
    assert set(truths["projects"]["demo"]["recurring_revenue"]) == {f"2025-{month:02d}" for month in range(7, 13)}
    assert summary.events == sum(project["events"]["distinct"] for project in truths["projects"].values())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"size": "smal"}, "no world of size 'smal'; did you mean 'small'?"),
        ({"size": 10}, "at least 2000 events; 10 were asked for"),
        ({"seed": -1}, "seed must be 0 or more, not -1"),
        ({"anomalies": frozenset({"drops"})}, "no anomaly 'drops'; did you mean 'drop'?"),
    ],
)
def test_an_impossible_world_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(MillraceError, match=said.replace("?", r"\?")):
        World(**options)


def test_only_a_world_is_replaced(tiny: World, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(MillraceError, match="not empty and holds no world"):
        generate(tiny, tmp_path)
    with pytest.raises(MillraceError, match="is a file"):
        generate(tiny, tmp_path / "thesis.txt")
    (tmp_path / "thesis.txt").rename(tmp_path / "truths.json")
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "old.jsonl").write_text("{}")
    generate(tiny, tmp_path)
    assert not (tmp_path / "events" / "old.jsonl").exists()
