"""Canonical events that come as columns: Parquet and CSV, with the columns of the contract."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from ingestion.contract import (
    BROKEN_OFF,
    BROKEN_OFF_EXPECTED,
    BROKEN_OFF_GOT,
    COLUMNS,
    INSTANTS,
    OBJECTS,
    Reason,
)
from ingestion.inputs import UnusableFile
from ingestion.pieces import (
    COMPRESSION_LEVEL,
    DECODED_BYTES,
    KEPT_LINE_BYTES,
    PARQUET,
    PIECE_LINES,
    ROWS,
    Header,
    Piece,
    decoded_row,
    frame,
)
from ingestion.unzipping import Stream
from warehouse.errors import nearest

NAMES = tuple(column.name for column in COLUMNS if column.sent)
# Of Parquet. So many rows are held at a time; so many of those are a piece.
BATCH_ROWS, PIECE_BATCHES = 50_000, 5
# A quote that is never closed takes the rest of the file for one cell: behind so much of it rows are read again.
CELL_SIGNS = KEPT_LINE_BYTES
Row = tuple[bytes, str]  # a canonical line; or one as it was written, and what is wrong with it
NO_UTF8 = re.compile("[\udc80-\udcff]")


def is_parquet(path: Path) -> bool:
    return path.suffix == ".parquet"


def is_csv(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith(".csv")


def parquet_pieces(path: Path, header: Header) -> Iterator[Piece]:
    """The columns as they are; the server makes lines of them, see destination.py."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            _check_names(path, file.schema_arrow.names)
            wanted = [name for name in file.schema_arrow.names if name in NAMES]
            batches = file.iter_batches(BATCH_ROWS, columns=wanted)
            for number in itertools.count():
                body, lines = _parquet_of(itertools.islice(batches, PIECE_BATCHES))
                if not lines:
                    break
                yield Piece(replace(header, format=PARQUET, piece=number, lines=lines), [frame(body)])
    except (pa.ArrowException, OSError) as error:
        if not number:
            raise UnusableFile(f"{path} is not a Parquet file that can be read: {error}") from error
        # What came before is on its way.
        yield Piece(replace(header, piece=number, lines=1), [frame(f"{BROKEN_OFF}\n".encode())])


def _parquet_of(batches: Iterator[Any]) -> tuple[bytes, int]:
    """The batches as one file, and its rows. One after the other: all of a piece at once take 300 MB."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink, writer, rows = pa.BufferOutputStream(), None, 0
    for batch in batches:
        table = _as_text(pa.Table.from_batches([batch]))
        writer = writer or pq.ParquetWriter(sink, table.schema, compression="zstd", compression_level=COMPRESSION_LEVEL)
        writer.write_table(table)
        rows += batch.num_rows
    if writer:
        writer.close()
    return sink.getvalue().to_pybytes(), rows


def csv_pieces(path: Path, header: Header) -> Iterator[Piece]:
    """Rows as canonical lines; properties and context are JSON text, an empty cell is an absent key."""
    rows: list[Row] = []
    size, number = 0, 0
    for line, objection in _rows_of_csv(path):
        rows.append((line[: KEPT_LINE_BYTES + 1], objection))
        size += len(rows[-1][0])
        if len(rows) >= PIECE_LINES or size >= DECODED_BYTES:
            yield _piece_of_csv(replace(header, piece=number, lines=len(rows)), rows)
            rows, size, number = [], 0, number + 1
    if rows:
        yield _piece_of_csv(replace(header, piece=number, lines=len(rows)), rows)


def _piece_of_csv(header: Header, rows: list[Row]) -> Piece:
    if not any(objection for _, objection in rows):
        return Piece(header, [frame(b"\n".join(line for line, _ in rows) + b"\n")])
    told = (
        decoded_row(b"", line, Reason.INVALID_JSON, objection) if objection else decoded_row(line, b"", "", "")
        for line, objection in rows
    )
    return Piece(replace(header, format=ROWS), [frame(b"\n".join(told))])


def _rows_of_csv(path: Path) -> Iterator[Row]:
    """A line of JSON per row. What is no row of this table stays as it was written, and is objected to: another number
    of cells, another encoding, a quote that is never closed with all that it swallows, a row in which the file breaks
    off.
    """
    # Bytes that are no UTF-8 survive as surrogates, and become those bytes again.
    text = io.TextIOWrapper(io.BufferedReader(Stream(path)), encoding="utf-8-sig", errors="surrogateescape", newline="")
    written = _Written(text)
    csv.field_size_limit(CELL_SIGNS)
    reader = csv.reader(written, strict=True)
    try:
        names = next(reader, [])
    except csv.Error as error:
        raise UnusableFile(f"{path} is not CSV that can be read: {error}, in its first line.") from error
    if len(names) == 1 and (other := next((sign for sign in ";\t|" if "event" in names[0].split(sign)), None)):
        raise UnusableFile(f"{path} has columns between {other!r}; events come between commas.")
    if twice := [name for name in names if names.count(name) > 1]:
        raise UnusableFile(f"{path} has the column {twice[0]!r} twice.")
    _check_names(path, names)
    written.take()
    row: list[Row] = []  # waits for the next one, which may tell that it was cut
    as_written: list[bytes] = []
    while True:
        objection = ""
        try:
            cells = next(reader, None)
        except csv.Error as error:  # the reader goes on behind it
            cells, objection = [], f"expected a row of CSV, got one in which {error}"
        before, lines = as_written, written.take()
        if cells == [BROKEN_OFF] and before:
            row = [(line, f"expected {BROKEN_OFF_EXPECTED}, got {BROKEN_OFF_GOT}") for line in before]
        yield from row
        if cells is None:
            return
        as_written = lines
        if cells == [BROKEN_OFF]:
            row = [(line, "") for line in lines]
        elif objection := objection or _objection(names, cells):
            row = [(line, objection) for line in lines]
        else:
            row = [(_line(names, cells), "")]


def _objection(names: list[str], cells: list[str]) -> str:
    if len(cells) != len(names):
        return f"expected {len(names)} cells, as the first line has, got {len(cells)}"
    return "expected UTF-8, got another encoding" if any(map(NO_UTF8.search, cells)) else ""


class _Written:
    """Lines of a text, and what of them was read since somebody took them."""

    def __init__(self, text: Iterator[str]) -> None:
        self._text = text
        self._read: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._text)
        self._read.append(line)
        return line

    def take(self) -> list[bytes]:
        """Without empty ones, which are no lines of an event file either."""
        lines = [line.rstrip("\r\n").encode("utf-8", "surrogateescape") for line in self._read]
        self._read.clear()
        return [line for line in lines if line]


def _line_of_columns() -> tuple[str, str]:
    parts = [f"if({name} IS NULL, '', concat('\"{name}\":', {_value(name)}))" for name in NAMES]
    line = f"concat('{{', arrayStringConcat(arrayFilter(part -> part != '', [{', '.join(parts)}]), ','), '}}')"
    return line, ", ".join(f"{name} Nullable(String)" for name in NAMES)


def _value(name: str) -> str:
    # Broken JSON in an object's column must not break out of its place: then it is a text, and is rejected as one.
    return (
        f"if(isValidJSON({name}), assumeNotNull({name}), toJSONString({name}))"
        if name in OBJECTS
        else f"toJSONString({name})"
    )


def _as_text(table: Any) -> Any:
    """Every column as text; instants as the contract writes them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = []
    for name in table.column_names:
        column = table[name]
        if name in INSTANTS and pa.types.is_timestamp(column.type):
            utc = column.cast(pa.timestamp("ms", tz="UTC"), safe=False)
            column = pc.strftime(utc, format="%Y-%m-%dT%H:%M:%SZ")
        elif pa.types.is_nested(column.type):
            column = pa.chunked_array(
                [[_json(value) for value in column.to_pylist(maps_as_pydicts="lossy")]], pa.string()
            )
        columns.append(column.cast(pa.string()))
    return pa.table(columns, names=table.column_names)


def _json(value: Any) -> str | None:
    """Of a nested value; what JSON has no word for, as a number or a text."""

    def in_other_words(inner: Any) -> float | str:
        if isinstance(inner, Decimal):
            return float(inner)
        return inner.decode(errors="backslashreplace") if isinstance(inner, bytes) else str(inner)

    return None if value is None else orjson.dumps(value, in_other_words, orjson.OPT_NON_STR_KEYS).decode()


def _line(names: list[str], cells: list[str]) -> bytes:
    event: dict[str, object] = {}
    for name, cell in zip(names, cells, strict=True):
        if cell == "" or name not in NAMES:
            continue
        event[name] = cell
        if name in OBJECTS:
            with contextlib.suppress(orjson.JSONDecodeError):  # then it stays a text, and is rejected as one
                orjson.loads(cell)
                # As it is: read and written again, long integers and repeated keys would be others.
                event[name] = orjson.Fragment(cell.replace("\n", " ").replace("\r", " "))
    return orjson.dumps(event)


def _check_names(path: Path, names: list[str]) -> None:
    if "event" not in names:
        known = nearest("event", names)
        raise UnusableFile(
            f"{path} has no column `event`{known}",
            hint=f"Columns of canonical events are {', '.join(NAMES)}.",
        )


# For ClickHouse: the expression that makes a canonical line of Parquet columns, and the columns' structure.
PARQUET_LINE, PARQUET_STRUCTURE = _line_of_columns()
