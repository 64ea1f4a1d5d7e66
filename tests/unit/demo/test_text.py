"""Text for arrays: against Python's own formatting."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import numpy as np
import orjson
import pyarrow as pa

from ingestion.demo.text import instants, json_object, money, padded, uuids


def test_instants() -> None:
    times = np.array([0, 1_772_366_399_999, 1_772_366_400_000, 1_709_164_800_001])
    expected = [
        datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for time in times.tolist()
    ]
    assert instants(times).to_pylist() == expected
    assert instants(np.zeros(0, dtype=np.int64)).to_pylist() == []


def test_uuids_are_valid_and_depend_on_every_bit() -> None:
    words = np.array([0, 1, 2**63, 2**64 - 1], dtype=np.uint64)
    made = uuids(words, words[::-1]).to_pylist()
    assert [uuid.UUID(text).version for text in made] == [4] * 4
    assert len(set(made)) == 4


def test_money_has_two_digits() -> None:
    assert money(np.array([0, 5, 2900, 19_999])).to_pylist() == ["0.00", "0.05", "29.00", "199.99"]
    assert padded(np.array([7, 1234]), 6).to_pylist() == ["000007", "001234"]


def test_json_objects_leave_out_what_is_empty() -> None:
    some, none = pa.array(["a", "", "c"]), pa.array(["", "", "1"])
    made = json_object(("x", "text?", some), ("n", "raw?", none), ("k", "text", "z")).to_pylist()
    assert [orjson.loads(f"{{{text}}}") for text in made] == [
        {"x": "a", "k": "z"},
        {"k": "z"},
        {"x": "c", "n": 1, "k": "z"},
    ]
    fixed = json_object(("k", "text", "z"), ("o", "object", none), ("x", "text?", some), opening="{", closing="}")
    assert [orjson.loads(text) for text in fixed.slice(0, 2).to_pylist()] == [
        {"k": "z", "o": {}, "x": "a"},
        {"k": "z", "o": {}},
    ]
