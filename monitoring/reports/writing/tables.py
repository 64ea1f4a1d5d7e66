"""The rows of one section, for programs: columns by their names, numbers with all their digits."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, datetime
from typing import Any

from semantic_layer.ask.table import Column, Table

# What spreadsheets take for the beginning of a formula, in their own and in East Asian width.
FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")


def csv_bytes(table: Table) -> bytes:
    """With a mark of the encoding, without which Excel takes UTF-8 for something else."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([harmless(column.name) for column in table.columns])
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8", errors="replace")


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case date():  # and datetime
            return value.isoformat()
    return harmless(str(value))


def harmless(text: str) -> str:
    """An apostrophe in front of what would be a formula: spreadsheets show the text, and compute nothing."""
    return f"'{text}" if FORMULA.match(text) else text


def parquet_bytes(table: Table) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet

    fields = [pa.field(column.name, _type(column)) for column in table.columns]
    arrays = [
        pa.array(map(_value(field.type), table.values(column)), field.type)
        for column, field in zip(table.columns, fields, strict=True)
    ]
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), sink)
    return bytes(sink.getvalue().to_pybytes())


def _type(column: Column) -> Any:
    import pyarrow as pa

    bare = re.sub(r"^(?:(?:Nullable|LowCardinality)\()*", "", column.type)
    for beginning, kind in (
        ("DateTime", pa.timestamp("ms")),
        ("Date", pa.date32()),
        ("UInt", pa.uint64()),
        ("Int", pa.int64()),
        ("Float", pa.float64()),
        ("Decimal", pa.float64()),
        ("Bool", pa.bool_()),
    ):
        if bare.startswith(beginning):
            return kind
    return pa.string()


def _value(kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_string(kind):
        return lambda value: None if value is None else str(value)
    if pa.types.is_timestamp(kind):
        # By the clocks of the project, as in every other format.
        return lambda value: value.replace(tzinfo=None) if isinstance(value, datetime) else value
    if pa.types.is_floating(kind):
        return lambda value: None if value is None else float(value)
    return lambda value: value
