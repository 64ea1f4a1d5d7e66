"""Broken CSV and Parquet, and files that are not what they are called, through the real loader.

No crash, no lost line, a reason for each, and no poison left. Everything is made by seeded chance.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fuzz.helpers import NOON, SEED, deep, line, load_and_check, mutated
from tests.support import Instance


def as_csv(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


def test_csv_of_every_shape(warehouse: Instance, tmp_path: Path) -> None:
    header = ["project_id", "event", "user_id", "timestamp", "properties", "context"]
    good = ["demo", "fuzzed", "u1", NOON, '{"a":1}', "{}"]
    cells: dict[str, tuple[list[str], str]] = {
        "good": (good, ""),
        "short": (good[:4], "invalid_json"),
        "only a name": (good[1:2], "invalid_json"),
        "newlines": ([*good[:4], '{"a":"x\\ny"}', ""], ""),
        "quotes": ([*good[:2], 'u"1"', *good[3:]], ""),
        "nul": ([*good[:2], "u\0", *good[3:]], ""),
        "a line in a cell": ([*good[:2], "u\n1", *good[3:]], ""),
        "no JSON": ([*good[:4], "{broken", "{}"], "schema_violation"),
        "NaN": ([*good[:4], '{"a":NaN}', "{}"], "schema_violation"),
        "repeated": ([*good[:4], '{"a":1,"a":2}', "{}"], "schema_violation"),
        "infinite": ([*good[:4], '{"a":1e400}', "{}"], "schema_violation"),
        "integers": ([*good[:4], f'{{"a":{2**70}}}', "{}"], ""),
        "list": ([*good[:4], "[1]", "{}"], "schema_violation"),
        "deep": ([*good[:4], deep(300).decode(), "{}"], "invalid_json"),
        "very deep": ([*good[:4], deep(2_000).decode(), "{}"], "schema_violation"),
        "surrogate": ([*good[:4], '{"a":"\\ud800"}', "{}"], "schema_violation"),
        "wide": ([*good[:4], '{"a":"' + "x" * 200_000 + '"}', "{}"], "too_large"),
        "date": ([*good[:3], "01/03/2026", *good[4:]], "bad_timestamp"),
        "emoji": ([*good[:1], "🎉", *good[2:]], ""),
    }
    files = {}
    for number, (name, (row, _)) in enumerate(cells.items()):
        files[tmp_path / f"{name}.csv"] = as_csv([header, row]) + b"\r\n" * number, 1
    everything = as_csv([header, *(row for row, _ in cells.values())])
    files[tmp_path / "together.csv"] = everything, len(cells)
    files[tmp_path / "zipped.csv.gz"] = gzip.compress(everything), len(cells)
    files[tmp_path / "marked.csv"] = b"\xef\xbb\xbf" + as_csv([header, good]), 1
    files[tmp_path / "latin.csv"] = as_csv([header, [*good[:2], "u", *good[3:]]]).replace(b",u,", b",\xfc,"), 1
    # A quote that is never closed takes the rest of the file for one cell: that is no row, and told by its lines.
    files[tmp_path / "open.csv"] = (
        as_csv([header, good]) + b'demo,fuzzed,"u1\n' + as_csv([[*good[:4], "", ""]] * 4_000),
        4_002,
    )
    verdicts = load_and_check(warehouse, files)
    found = {name: next(iter(verdicts[tmp_path / f"{name}.csv"][2]), "") for name in cells}
    assert found == {name: reason for name, (_, reason) in cells.items()}
    for name in ("together.csv", "zipped.csv.gz"):
        assert verdicts[tmp_path / name][1] == list(found.values()).count("")
    assert warehouse.rows("SELECT count() FROM raw.events WHERE user_id = 'u\\n1'")[0][0] >= 1


def test_csv_with_changed_bytes(warehouse: Instance, world: Path, tmp_path: Path) -> None:
    """Quotes and line ends stay as they are, so the rows can be counted."""
    random = Random(SEED)
    (path, *_) = sorted(world.glob("csv/*.csv"))
    header, *rows = path.read_bytes().splitlines()[:200]
    assert not any(row.count(b'"') % 2 for row in rows)
    files = {}
    for number in range(4):
        broken = [mutated(row, random, but=b'\r\n"') if random.random() < 0.7 else row for row in rows]
        broken = [row.replace(b'\\"', b'""') for row in broken]
        kept = [row for row in broken if row and not row.count(b'"') % 2]
        files[tmp_path / f"{number}.csv"] = b"\n".join([header, *kept]) + b"\n" * number, len(kept)
    load_and_check(warehouse, files)


def parquet(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_parquet_of_every_type(warehouse: Instance, tmp_path: Path) -> None:
    good = {"project_id": ["demo"] * 3, "event": ["fuzzed"] * 3, "user_id": ["u1"] * 3, "timestamp": [NOON] * 3}
    nested = pa.array([{"a": {"b": [1, None]}, "d": "x"}] * 3)
    decimal = pa.array([{"price": 1}] * 3, pa.struct([("price", pa.decimal128(9, 2))]))
    binary = pa.array([{"a": b"\xff"}] * 3, pa.struct([("a", pa.binary())]))
    spans = pa.array([{"a": 5}] * 3, pa.struct([("a", pa.duration("s"))]))
    moments = pa.array([{"a": 1772359200}] * 3, pa.struct([("a", pa.timestamp("s", "UTC"))]))
    mapped = pa.array([[("a", 1), ("b", 2)]] * 3, pa.map_(pa.string(), pa.int64()))
    cases: dict[str, tuple[dict[str, Any], str | None]] = {  # and the reason; None: more than one, or refused or not
        "good": ({}, ""),
        "no user": ({"user_id": [None] * 3}, "missing_identity"),
        "nulls": ({"event": pa.nulls(3)}, "missing_event"),
        "numbers for ids": ({"user_id": [1, 2, 3], "session_id": [1.5, 2.0, None]}, ""),
        "a number for a name": ({"event": [1.5, 2.5, 3.5]}, "missing_event"),
        "an object for a name": ({"event": nested}, "missing_event"),
        "an object for an id": ({"user_id": nested}, "schema_violation"),
        "dictionary": ({"event": pa.array(["fuzzed"] * 3).dictionary_encode()}, ""),
        "large text": ({"event": pa.array(["fuzzed"] * 3, pa.large_string())}, ""),
        "truth": ({"consent_analytics": [True, True, None]}, ""),
        "struct": ({"properties": nested, "context": nested}, ""),
        "map": ({"properties": mapped}, ""),
        "list": ({"properties": [[1], [], None]}, None),
        "number for properties": ({"properties": [1, 2, 3]}, "schema_violation"),
        "decimals": ({"properties": decimal}, ""),
        "bytes": ({"properties": binary}, None),
        "spans": ({"properties": spans}, None),
        "moments": ({"properties": moments}, ""),
        "deep": ({"properties": [deep(300).decode()] * 3}, "invalid_json"),
        "broken": ({"properties": ["{broken", '{"a":NaN}', '{"a":"\\ud800"}']}, "schema_violation"),
        "breaking out": ({"properties": ['{},"user_id":"x"'] * 3}, "schema_violation"),
        "date": ({"timestamp": pa.array([20_000] * 3, pa.date32())}, "bad_timestamp"),
        "epoch": ({"timestamp": [1772359200] * 3}, "bad_timestamp"),
        "first year": ({"timestamp": pa.array([-62_135_596_800] * 3, pa.timestamp("s"))}, "bad_timestamp"),
        "far": ({"timestamp": pa.array([253_402_300_799] * 3, pa.timestamp("s"))}, "bad_timestamp"),
        "farthest": ({"timestamp": pa.array([2**62] * 3, pa.timestamp("ms"))}, None),
        "nanoseconds": ({"timestamp": pa.array([1772359200123456789] * 3, pa.timestamp("ns", "Europe/Paris"))}, ""),
        "nul": ({"user_id": ["a\0b"] * 3}, ""),
        "wide": ({"user_id": ["x" * 40_000] * 3}, "too_large"),
        "unknown columns": ({"colour": ["red"] * 3, "x.y": [1] * 3}, ""),
    }
    files = {tmp_path / f"{name}.parquet": (parquet(**{**good, **more}), 3) for name, (more, _) in cases.items()}
    files[tmp_path / "empty.parquet"] = parquet(**{name: pa.array([], pa.string()) for name in good}), 0
    verdicts = load_and_check(warehouse, files)
    expected = {name: {reason: 3} if reason else {} for name, (_, reason) in cases.items() if reason is not None}
    assert {name: verdicts[tmp_path / f"{name}.parquet"][2] for name in expected} == expected
    assert warehouse.rows("SELECT DISTINCT toString(properties.b) FROM raw.events WHERE toString(properties.b) = '2'")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("text.parquet", line(), "is not a Parquet file that can be read"),
        ("blank.parquet", b"\n\n\n\n", "is not a Parquet file that can be read"),
        ("cut.parquet", parquet(event=["fuzzed"] * 9, user_id=["u"] * 9)[:-20], "is not a Parquet file"),
        ("no_event.parquet", parquet(evnt=["fuzzed"]), "has no column `event`"),
        ("binary.parquet", parquet(event=["fuzzed"], user_id=[b"\xff"]), "is not a Parquet file that can be read"),
        ("blank.csv", b"\n\n\n", "has no column `event`"),
        ("open.csv", b'event,"user_id\nfuzzed,u1\n', "is not CSV that can be read: unexpected end of data"),
        ("text.csv", b"this is text\n", "has no column `event`"),
        ("binary.csv", bytes(range(256)), "has no column `event`"),
        ("noise.jsonl", b"nothing that anybody\nwould recognise\n", "no dialect recognises this"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused_in_a_sentence(
    warehouse: Instance, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    before = warehouse.rows("SELECT count() FROM raw.load_counts")
    done = warehouse.run("load", str(tmp_path / name))
    assert done.returncode == 1
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert warehouse.rows("SELECT count() FROM raw.load_counts") == before


@pytest.mark.parametrize("number", range(6))
def test_a_parquet_file_with_changed_bytes_loads_or_is_refused_in_a_sentence(
    warehouse: Instance, world: Path, tmp_path: Path, number: int
) -> None:
    random = Random(SEED + number)
    content = bytearray(sorted(world.glob("canonical/*.parquet"))[number % 3].read_bytes())
    for _ in range(random.choice((1, 3, 20))):
        content[random.randrange(4, len(content))] = random.randrange(256)
    (tmp_path / "changed.parquet").write_bytes(content)
    done = warehouse.run("load", str(tmp_path), "--format", "json")
    assert "Traceback" not in done.stderr
    if done.returncode == 0:
        (file,) = json.loads(done.stdout)["files"]
        assert file["received"] == pq.ParquetFile(tmp_path / "changed.parquet").metadata.num_rows
        assert file["accepted"] + sum(file["rejected"].values()) == file["received"]
    else:
        assert (done.returncode, "is not a Parquet file that can be read" in " ".join(done.stderr.split())) == (1, True)
