"""Of a CSV file every line is told: as an event, or as it was written, which is rejected."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from ingestion.columns import csv_pieces
from ingestion.contract import BROKEN_OFF
from ingestion.pieces import Header
from warehouse.errors import MillraceError

HEADER = "event,user_id,properties\n"


def rows_of(tmp_path: Path, content: bytes) -> list[tuple[bytes, bytes, str, str]]:
    file = tmp_path / "events.csv"
    file.write_bytes(content)
    pieces = list(csv_pieces(file, Header("f", "s", "demo", False, "2026-01-01T00:00:00Z")))
    told = [row for piece in pieces for row in piece.landing_columns()]
    assert sum(piece.lines for piece in pieces) == len(told)
    assert all(bool(original) == (refused == "invalid_json") == bool(why) for _, original, refused, why in told)
    return told


def lines_of(tmp_path: Path, content: bytes) -> list[bytes]:
    return [line or original for line, original, *_ in rows_of(tmp_path, content)]


def events(lines: list[bytes]) -> list[object]:
    """What is JSON, read; the others as they are."""
    return [json.loads(line) if line.startswith(b"{") else line for line in lines]


def test_rows_are_events(tmp_path: Path) -> None:
    rows = 'a,u,"{""n"": 1}"\r\n\r\nb,"two\nlines",\r\n'
    told = events(lines_of(tmp_path, b"\xef\xbb\xbf" + (HEADER + rows).encode()))
    assert told == [{"event": "a", "user_id": "u", "properties": {"n": 1}}, {"event": "b", "user_id": "two\nlines"}]


@pytest.mark.parametrize(
    "broken",
    [
        (b"b,u,{},more", b"b,u,{},more", "expected 3 cells, as the first line has, got 4"),
        (b"b,u", b"b,u", "expected 3 cells, as the first line has, got 2"),
        (b"b,J\xfcrgen,{}", b"b,J\\xfcrgen,{}", "expected UTF-8, got another encoding"),
        (b'b,"u"x,{}', b'b,"u"x,{}', "expected a row of CSV, got one in which ',' expected after '\"'"),
        (b"\xff\xfe\x00", b"\\xff\\xfe\x00", "expected 3 cells, as the first line has, got 1"),
    ],
    ids=["more cells", "fewer cells", "Latin-1", "something behind a quote", "binary"],
)
def test_a_line_that_is_no_row_stays_as_it_was_written(tmp_path: Path, broken: tuple[bytes, bytes, str]) -> None:
    sent, kept, why = broken
    content = HEADER.encode() + b"a,u,{}\n" + sent + b"\nc,u,{}\n"
    whole = {"user_id": "u", "properties": {}}
    assert events(lines_of(tmp_path, content)) == [{"event": "a", **whole}, kept, {"event": "c", **whole}]
    assert [detail for *_, detail in rows_of(tmp_path, content)] == ["", why, ""]


def test_what_a_quote_that_is_never_closed_swallows_is_told(tmp_path: Path) -> None:
    rows = [f"a{n},u,{'{}' if n != 3 else chr(34) + '{}'}" for n in range(8)]
    told = events(lines_of(tmp_path, (HEADER + "\n".join(rows)).encode()))
    assert [event["event"] for event in told[:3]] == ["a0", "a1", "a2"]  # type: ignore[index]
    assert told[3:] == [row.encode() for row in rows[3:]]


def test_behind_a_megabyte_of_a_quote_that_is_never_closed_rows_are_read_again(tmp_path: Path) -> None:
    rows = [f"a{n},{'u' * 1000}," for n in range(3000)]
    rows[5] = rows[5].replace(",", ',"', 1)
    told = events(lines_of(tmp_path, (HEADER + "\n".join(rows)).encode()))
    assert len(told) == 3000
    swallowed = [n for n, line in enumerate(told) if isinstance(line, bytes)]
    assert swallowed == list(range(5, 5 + len(swallowed)))
    assert 1000 < len(swallowed) < 1100


def test_a_first_line_that_is_never_closed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MillraceError, match="is not CSV that can be read: unexpected end of data, in its first line"):
        lines_of(tmp_path, b'event,"user_id\na,u\n')


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (b"event;user_id\n", "has columns between ';'; events come between commas"),
        (b"event,user_id,event\n", "has the column 'event' twice"),
    ],
)
def test_a_header_that_would_be_misread_is_refused(tmp_path: Path, header: bytes, told: str) -> None:
    with pytest.raises(MillraceError, match=told):
        lines_of(tmp_path, header + b"a,u,a\n")


def test_a_row_in_which_the_file_breaks_off_is_none(tmp_path: Path) -> None:
    rows = "".join(f"a{n},user-{n * 7919},\n" for n in range(3000))
    whole = gzip.compress((HEADER + rows).encode())
    cut = 0
    for length in range(len(whole) // 2, len(whole) // 2 + 40):
        *told, end = lines_of(tmp_path, whole[:length])
        assert end == BROKEN_OFF.encode()
        good = [json.loads(line) for line in told if line.startswith(b"{")]
        assert good == [{"event": f"a{n}", "user_id": f"user-{n * 7919}"} for n in range(len(good))]
        rest = [line.decode() for line in told[len(good) :]]
        assert rest == [] or (len(rest) == 1 and f"a{len(good)},user-{len(good) * 7919},".startswith(rest[0]))
        cut += len(rest)
    assert cut > 20
