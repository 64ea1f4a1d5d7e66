from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.demo import World, generate
from tests.fuzz.helpers import NOON, line, load
from tests.support import Instance


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("fuzz") / "millrace") as own:
        own.up()
        yield own


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "world"
    generate(World(size=8_000, seed=11), folder)
    return folder / "events"


@pytest.fixture(autouse=True, scope="module")
def still_sound(warehouse: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whatever the tests of a file have loaded, good files load afterwards, by each of the ways."""
    yield
    good = tmp_path_factory.mktemp("good_afterwards")
    name = good.name
    (good / "good.jsonl").write_bytes(b"\n".join(line(n, event="good", session_id=name) for n in range(7)))
    segment = {"type": "track", "event": "Good", "userId": "u1", "timestamp": NOON, "context": {"sessionId": name}}
    (good / "segment.jsonl").write_text("\n".join(json.dumps({**segment, "messageId": n}) for n in "ab"))
    columns = {"event": ["good"], "user_id": ["u1"], "timestamp": [NOON], "session_id": [name]}
    pq.write_table(pa.table(columns), good / "good.parquet")
    result = load(warehouse, good)
    assert {Path(path).name: verdict for path, verdict in result.items()} == {
        "good.jsonl": (7, 7, {}),
        "segment.jsonl": (2, 2, {}),
        "good.parquet": (1, 1, {}),
    }
    assert warehouse.rows(f"SELECT count() FROM raw.events WHERE session_id = '{name}' AND event = 'good'") == [(10,)]
