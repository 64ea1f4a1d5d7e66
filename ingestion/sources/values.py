"""Values as text, and texts as what their column declares: vectorised, with NULL where a text does not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.sources.definitions import MAX_PRECISION, Column, Type

INSTANT = pa.timestamp("ms", tz="UTC")
# What DateTime64 and Date32 of ClickHouse hold.
FIRST_YEAR, LAST_YEAR = 1900, 2299

_INTEGER = r"^[+-]?\d{1,19}(?:\.0*)?$"
_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$"
_ZONE = r"(?:Z|[+-]\d{2}(?::?\d{2})?)"
_INSTANT = rf"^\d{{4}}-\d{{2}}-\d{{2}}T\d{{2}}:\d{{2}}(?::\d{{2}}(?:\.\d{{1,9}})?)?{_ZONE}$"
_DATE = rf"^\d{{4}}-\d{{2}}-\d{{2}}(?:[T ]00:00(?::00(?:\.0+)?)?{_ZONE}?)?$"
_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")


def text_of(value: Any) -> str | None:
    """One value of JSON or of a database, as text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float | Decimal):
        # repr has the digits that were sent (29.9, not 29.899999); without exponent, as a decimal is written.
        return format(Decimal(repr(value)) if isinstance(value, float) else value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode(errors="backslashreplace")
    if isinstance(value, dict | list | tuple):
        options = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
        return orjson.dumps(value, default=text_of, option=options).decode()
    return str(value)


def texts_of(values: Iterable[Any]) -> pa.Array:
    return pa.array([text_of(value) for value in values], pa.string())


def column_as_text(values: pa.ChunkedArray | pa.Array) -> pa.Array:
    """A column of a Parquet file."""
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    kind = values.type
    if pa.types.is_dictionary(kind):
        return column_as_text(values.dictionary_decode())
    if pa.types.is_string(kind):
        return values
    if pa.types.is_timestamp(kind) and kind.unit == "ns":  # nanoseconds as text are of no use, and may not convert
        values = values.cast(pa.timestamp("us", tz=kind.tz), safe=False)
    if any(is_kind(kind) for is_kind in _CAST_TO_TEXT):
        return values.cast(pa.string())
    return texts_of(values.to_pylist())


_CAST_TO_TEXT: tuple[Callable[[pa.DataType], bool], ...] = (
    pa.types.is_integer,
    pa.types.is_boolean,
    pa.types.is_decimal,
    pa.types.is_date32,
    pa.types.is_large_string,
    pa.types.is_string_view,
    lambda kind: pa.types.is_timestamp(kind) and kind.tz in (None, "UTC"),
)


def trimmed(texts: pa.Array) -> pa.Array:
    """Without spaces around, and NULL where nothing is left: absent is NULL, never an empty text."""
    texts = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def parse(texts: pa.Array, column: Column) -> pa.Array:
    """The values of a column; NULL where there is none, and where the text is none."""
    return _PARSERS[column.type](texts, column)


def _text(texts: pa.Array, column: Column) -> pa.Array:
    return texts


def _integer(texts: pa.Array, column: Column) -> pa.Array:
    plain = pc.replace_substring_regex(_only(texts, _INTEGER), r"^\+|\.0*$", "")
    return _cast(plain, pa.int64())


def _number(texts: pa.Array, column: Column) -> pa.Array:
    numbers = _cast(pc.replace_substring_regex(_only(texts, _NUMBER), r"^\+", ""), pa.float64())
    return pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))


def _decimal(texts: pa.Array, column: Column) -> pa.Array:
    whole = MAX_PRECISION - column.scale
    pattern = rf"^[+-]?\d{{1,{whole}}}(?:\.\d{{0,{column.scale}}}0*)?$"
    # Zeros at the end say nothing, and Arrow refuses more digits than its type holds.
    plain = pc.replace_substring_regex(_only(texts, pattern), r"^\+|(\.\d*?)0+$", r"\1")
    return _cast(pc.replace_substring_regex(plain, r"\.$", ""), pa.decimal128(MAX_PRECISION, column.scale))


def _boolean(texts: pa.Array, column: Column) -> pa.Array:
    lower = pc.utf8_lower(texts)
    true, false = (pc.is_in(lower, value_set=pa.array(words)) for words in (_TRUE, _FALSE))
    return pc.if_else(pc.or_(true, false), true, pa.scalar(None, pa.bool_()))


def _date(texts: pa.Array, column: Column) -> pa.Array:
    return _in_range(_cast(pc.utf8_slice_codeunits(_only(texts, _DATE), 0, 10), pa.date32()))


def _instant(texts: pa.Array, column: Column) -> pa.Array:
    """A text without a zone is UTC. Digits beyond milliseconds are cut off."""
    for pattern, replacement in (
        (r"^(\d{4}-\d{2}-\d{2}) (\d{2})", r"\1T\2"),
        (r"^(\d{4}-\d{2}-\d{2})$", r"\1T00:00Z"),
        (r" ?(?:UTC|z)$", "Z"),
        (r" ([+-]\d{2}(?::?\d{2})?)$", r"\1"),
        (r"(T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)$", r"\1Z"),
        (r"(\.\d{3})\d+", r"\1"),
    ):
        texts = pc.replace_substring_regex(texts, pattern, replacement)
    return _in_range(_cast(_only(texts, _INSTANT), INSTANT))


_PARSERS: dict[Type, Callable[[pa.Array, Column], pa.Array]] = {
    Type.TEXT: _text,
    Type.CATEGORY: _text,
    Type.INTEGER: _integer,
    Type.NUMBER: _number,
    Type.DECIMAL: _decimal,
    Type.BOOLEAN: _boolean,
    Type.DATE: _date,
    Type.INSTANT: _instant,
}


def _only(texts: pa.Array, pattern: str) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(texts, pattern), texts, pa.scalar(None, pa.string()))


def _cast(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:  # somewhere in it is one of the right form that is none, like the 30th of February
        return pa.array([_cast_one(text, kind) for text in texts], kind)


def _cast_one(text: pa.StringScalar, kind: pa.DataType) -> Any:
    try:
        return text.cast(kind).as_py()
    except pa.ArrowInvalid:
        return None


def _in_range(times: pa.Array) -> pa.Array:
    year = pc.year(times)
    inside = pc.and_(pc.greater_equal(year, FIRST_YEAR), pc.less_equal(year, LAST_YEAR))
    return pc.if_else(inside, times, pa.scalar(None, times.type))
