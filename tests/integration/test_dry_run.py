"""`millrace load --dry-run`: the verdict of the load to come, and not one row written."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.demo import World, generate
from tests.integration.loading import contents, event, loaded, write_lines
from tests.support import Instance


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("dry") / "millrace") as own:
        own.up()
        yield own


def dry(warehouse: Instance, *paths: Path, exit_code: int, **options: str) -> dict[str, Any]:
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    done = warehouse.run("load", "--dry-run", *map(str, paths), *arguments, "--format", "json")
    assert done.returncode == exit_code, done.stderr
    verdict: dict[str, Any] = json.loads(done.stdout)
    return verdict


def test_the_verdict_on_a_world_with_faults_is_the_loads_and_nothing_is_written(
    warehouse: Instance, tmp_path: Path
) -> None:
    """Canonical files and those of every dialect."""
    generate(World(size=2_000), tmp_path)
    folders = (tmp_path / "events", tmp_path / "faults")
    before = contents(warehouse)
    verdict = dry(warehouse, *folders, exit_code=1)
    assert contents(warehouse) == before
    assert not list(warehouse.data_dir.glob("loads/*"))
    result = loaded(warehouse, *folders)
    assert {key: verdict[key] for key in ("received", "accepted", "rejected")} == {
        key: result[key] for key in ("received", "accepted", "rejected")
    }
    # A file that is there twice is left out by the load and judged twice by the dry run.
    judged = {file["path"]: file for file in verdict["files"]}
    for file in result["files"]:
        mine = judged[file["path"]]
        assert (mine["dialect"], mine["received"], mine["accepted"]) == (
            *(file["dialect"], file["received"], file["accepted"]),
        )
        assert {r["reason"]: r["lines"] for r in mine["rejected"]} == file["rejected"]
    assert len({file["dialect"] for file in result["files"]}) > 4

    before = contents(warehouse)
    again = dry(warehouse, *folders, exit_code=1)
    assert contents(warehouse) == before
    assert {file["loaded_before"] for file in again["files"]} == {True}
    assert again["rejected"] == verdict["rejected"]


def test_an_example_is_where_the_file_has_it(warehouse: Instance, tmp_path: Path) -> None:
    """Blank lines count, lines of a batch count once, rows of Parquet and CSV count as rows."""
    good, bad = event(1, "where"), event(2, "where", event="")
    (tmp_path / "a.jsonl").write_text(f"\n{json.dumps(good)}\r\n\n\n{json.dumps(bad)}\n{{broken\n{json.dumps(bad)}\n")
    track = {"type": "track", "userId": "u", "timestamp": "2026-03-01T10:00:00.000Z", "properties": {}}
    batch = {"batch": [{**track, "event": "Fine", "messageId": str(n)} for n in range(3)]}
    nameless = {"batch": [{**track, "event": "Fine", "messageId": "x"}, {**track, "messageId": "y"}]}
    write_lines(tmp_path / "s.jsonl", [batch, batch, nameless])
    flat = [{k: v for k, v in e.items() if isinstance(v, str)} for e in (good, good, bad)]
    pq.write_table(pa.Table.from_pylist(flat), tmp_path / "p.parquet")
    with (tmp_path / "c.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, flat[0])
        writer.writeheader()
        writer.writerows(flat)
    found = {}
    for name, dialect in (("a.jsonl", "canonical"), ("s.jsonl", "segment"), ("p.parquet", "auto"), ("c.csv", "auto")):
        verdict = dry(warehouse, tmp_path / name, exit_code=1, dialect=dialect, project="demo")
        found[name] = {r["reason"]: (r["lines"], r["line"]) for r in verdict["files"][0]["rejected"]}
    assert found == {
        "a.jsonl": {"missing_event": (2, 5), "invalid_json": (1, 6)},
        "s.jsonl": {"missing_event": (1, 3)},
        "p.parquet": {"missing_event": (1, 3)},
        "c.csv": {"missing_event": (1, 3)},
    }


def test_a_file_without_a_fault_exits_with_0_and_a_table_says_what_it_is(warehouse: Instance, tmp_path: Path) -> None:
    fine = write_lines(tmp_path / "fine.jsonl", [event(1, "fine")])
    assert dry(warehouse, fine, exit_code=0)["rejected"] == {}
    done = warehouse.run("load", "--dry-run", str(fine))
    assert done.stdout == "1 events in 1 file: 1 would be accepted, 0 rejected. Nothing was written.\n"
    loaded(warehouse, fine)
    done = warehouse.run("load", "--dry-run", str(fine))
    assert done.stdout.endswith("Already loaded, a load would leave it out: 1 file.\n")
