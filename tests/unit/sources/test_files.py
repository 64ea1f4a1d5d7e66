"""Files of every kind give the same rows, and every line that is no row is told."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.sources import files
from ingestion.sources.files import find_files, read_file
from warehouse.errors import MillraceError

ROWS = [
    {"user_id": f"ü{n}", "updated_at": "2026-03-01T10:00:00.000Z", "note": None if n % 2 else "a"} for n in range(7)
]


def read(path: Path, **rename: str) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    rows: list[dict[str, Any]] = []
    unreadable = []
    for batch in read_file(path, rename):
        rows += pa.table(dict(batch.columns)).to_pylist() if batch.columns else []
        unreadable += [(line.text, line.detail) for line in batch.unreadable]
        assert all(len(values) == batch.rows for values in batch.columns.values())
    return rows, unreadable


def csv_of(rows: list[dict[str, Any]], delimiter: str = ",") -> str:
    lines = [delimiter.join(rows[0]), *(delimiter.join(value or "" for value in row.values()) for row in rows)]
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("kind", ["csv", "tsv", "csv.gz", "jsonl", "ndjson.gz", "json", "json.gz", "parquet"])
def test_every_kind_of_file_gives_the_same_rows(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"rows.{kind}"
    plain = kind.removesuffix(".gz")
    if plain == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        text = {
            "csv": csv_of(ROWS),
            "tsv": csv_of(ROWS, "\t"),
            "json": json.dumps(ROWS),
            "jsonl": "\n".join(json.dumps(row) for row in ROWS),
            "ndjson": "\r\n".join(json.dumps(row) for row in ROWS) + "\n\n",
        }[plain]
        path.write_bytes(gzip.compress(text.encode()) if kind.endswith(".gz") else text.encode())
    assert read(path) == (ROWS, [])


def test_a_csv_as_people_export_it(tmp_path: Path) -> None:
    """Byte order mark, semicolons, other people's headers, quotes, newlines in values, spaces."""
    path = tmp_path / "export.csv"
    path.write_bytes(
        '\ufeff"Contact ID";Last Modified;"Note; long"\r\n u1 ;2026-03-01;"two\nlines ""quoted"""\r\nu2;;x\r\n'.encode()
    )
    assert read(path, **{"Contact ID": "user_id"})[0] == [
        {"user_id": "u1", "last_modified": "2026-03-01", "note_long": 'two\nlines "quoted"'},
        {"user_id": "u2", "last_modified": None, "note_long": "x"},
    ]


def test_lines_of_a_csv_that_are_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes(b"a,b\n1,2\n1,2,3\n4\n5,\xff\n6,7\n8,9,10\n")
    rows, unreadable = read(path)
    assert rows == [{"a": "1", "b": "2"}, {"a": "6", "b": "7"}]
    assert sorted(unreadable) == [
        ("1,2,3", "columns: 3; in the header: 2"),
        ("4", "columns: 1; in the header: 2"),
        ("5,\\xff", "it is not UTF-8"),
        ("8,9,10", "columns: 3; in the header: 2"),
    ]


def test_a_csv_of_nothing_but_broken_lines(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_text("a,b\n1\n2\n")
    assert read(path) == ([], [(line, "columns: 1; in the header: 2") for line in ("1", "2")])


def test_lines_of_json_that_are_no_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "BATCH_ROWS", 2)
    path = tmp_path / "broken.jsonl"
    path.write_bytes(b'{"a":1}\nnot json\n[1]\n{"a":NaN}\n{"a":"\xff"}\n{"b":{"c":1.50}}\n{"a":2')
    rows, unreadable = read(path)
    assert [{k: v for k, v in row.items() if v} for row in rows] == [{"a": "1"}, {"b": '{"c":1.5}'}]
    assert [text for text, _ in unreadable] == ["not json", "[1]", '{"a":NaN}', '{"a":"\\xff"}', '{"a":2']


def test_a_zipped_file_that_breaks_off_says_so(tmp_path: Path) -> None:
    whole = gzip.compress("".join(json.dumps(row) + "\n" for row in ROWS * 1000).encode())
    (tmp_path / "a.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    rows, unreadable = read(tmp_path / "a.jsonl.gz")
    assert rows
    assert len(unreadable) >= 1
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(csv_of(ROWS * 1000).encode())[:100])
    with pytest.raises(MillraceError, match=r"a\.csv\.gz cannot be read"):
        read(tmp_path / "a.csv.gz")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "is empty: it has no header"),
        ("a.csv", b"a,b,a\n1,2,3\n", "has the column 'a' twice"),
        ("a.csv", b"User ID,user_id\n1,2\n", "'User ID' and 'user_id', which would both be 'user_id'"),
        ("a.csv", b"a,,c\n1,2,3\n", "has a column without a name"),
        ("a.csv", b",".join(b"c%d" % n for n in range(1001)) + b"\n", "has 1,001 columns; at most 1,000"),
        ("a.parquet", b"PAR1 not really", "cannot be read"),
        ("a.json", b'{"a": 1}', "must hold an array of objects"),
        ("a.json", b"[{]", "is no JSON"),
        ("a.xlsx", b"x", "the name of a file ends in csv, tsv, jsonl"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MillraceError) as refused:
        read(tmp_path / name)
    assert said in refused.value.message


def test_which_files_are_meant(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", "sub/c.csv", ".hidden", "d.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")

    def names(pattern: str) -> list[str]:
        return [str(path.relative_to(tmp_path)) for path in find_files(pattern, tmp_path)]

    assert names("*.csv") == ["a.csv", "b.csv"]
    assert names("**/*.csv") == ["a.csv", "b.csv", "sub/c.csv"]
    assert names(".") == ["a.csv", "b.csv", "d.jsonl", "sub/c.csv"]
    assert names("a.csv") == names(str(tmp_path / "a.csv")) == ["a.csv"]
    with pytest.raises(MillraceError, match="There is no file"):
        names("*.parquet")
