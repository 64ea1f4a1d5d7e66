"""Texts become what their column declares, or nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.sources.definitions import Column
from ingestion.sources.values import column_as_text, parse, text_of, trimmed


def parsed(text: str | None, **column: Any) -> Any:
    return parse(pa.array([text], pa.string()), Column(description="x", **column)).to_pylist()[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("+7", 7),
        ("-12", -12),
        ("3.0", 3),
        ("3.", 3),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("3.5", None),
        ("1e3", None),
        ("1,000", None),
        ("", None),
        ("12a", None),
        ("٣", None),
    ],
)
def test_integers(text: str, value: int | None) -> None:
    assert parsed(text, type="integer") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("29.90", Decimal("29.9000")),
        ("-0.0001", Decimal("-0.0001")),
        ("1500", Decimal(1500)),
        ("1000.00000000", Decimal(1000)),
        ("+5.50", Decimal("5.5")),
        ("99999999999999.9999", Decimal("99999999999999.9999")),
        ("100000000000000", None),
        ("0.00001", None),
        ("1e2", None),
        ("NaN", None),
        ("29,90", None),
        (".", None),
    ],
)
def test_decimals_are_exact_or_nothing(text: str, value: Decimal | None) -> None:
    assert parsed(text, type="decimal") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e-7", 1e-7),
        ("-3", -3.0),
        ("1e999", None),
        ("nan", None),
        ("inf", None),
        ("1.5x", None),
    ],
)
def test_numbers(text: str, value: float | None) -> None:
    assert parsed(text, type="number") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("FALSE", False), ("Yes", True), ("0", False), ("1", True), ("2", None), ("", None), ("on", None)],
)
def test_booleans(text: str, value: bool | None) -> None:
    assert parsed(text, type="boolean") is value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-03-01T10:20:30.123Z", datetime(2026, 3, 1, 10, 20, 30, 123000)),
        ("2026-03-01T10:20:30.123999999Z", datetime(2026, 3, 1, 10, 20, 30, 123000)),
        ("2026-03-01 10:20:30", datetime(2026, 3, 1, 10, 20, 30)),
        ("2026-03-01 10:20", datetime(2026, 3, 1, 10, 20)),
        ("2026-03-01", datetime(2026, 3, 1)),
        ("2026-03-01T10:20:30+02:00", datetime(2026, 3, 1, 8, 20, 30)),
        ("2026-03-01 10:20:30.5-0530", datetime(2026, 3, 1, 15, 50, 30, 500000)),
        ("2026-03-01 10:20:30 +02", datetime(2026, 3, 1, 8, 20, 30)),
        ("2026-03-01 10:20:30 UTC", datetime(2026, 3, 1, 10, 20, 30)),
        ("2026-02-30T00:00:00Z", None),
        ("2026-03-01T25:00:00Z", None),
        ("0026-03-01T10:00:00Z", None),
        ("2399-03-01T10:00:00Z", None),
        ("01/03/2026", None),
        ("yesterday", None),
        ("1772359200", None),
    ],
)
def test_instants_are_utc(text: str, value: datetime | None) -> None:
    assert parsed(text, type="instant") == (value and value.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-03-01", date(2026, 3, 1)),
        ("2026-03-01 00:00:00", date(2026, 3, 1)),
        ("2026-03-01T00:00:00.000Z", date(2026, 3, 1)),
        ("2026-03-01 10:00:00", None),
        ("2026-02-30", None),
        ("1026-03-01", None),
        ("March 1", None),
    ],
)
def test_dates(text: str, value: date | None) -> None:
    assert parsed(text, type="date") == value


def test_one_value_that_is_none_does_not_cost_the_others() -> None:
    texts = pa.array(["2026-02-28", "2026-02-30", None, "2026-03-01"])
    assert parse(texts, Column(type="date", description="x")).to_pylist() == [  # type: ignore[arg-type]
        date(2026, 2, 28),
        None,
        None,
        date(2026, 3, 1),
    ]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**13), max_value=10**13))
def test_any_decimal_comes_back(value: Decimal) -> None:
    assert parsed(format(value, "f"), type="decimal") == value


@given(st.datetimes(min_value=datetime(1900, 1, 2), max_value=datetime(2299, 12, 30), timezones=st.timezones()))
def test_any_instant_comes_back_to_the_millisecond(value: datetime) -> None:
    text = value.isoformat()
    if value.utcoffset() is not None and value.utcoffset().seconds % 60:  # type: ignore[union-attr]
        return  # offsets of the nineteenth century have seconds, which no sender writes
    expected = value.astimezone(UTC)
    assert parsed(text, type="instant") == expected.replace(microsecond=expected.microsecond // 1000 * 1000)


@given(st.text())
def test_no_text_breaks_a_parser(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    for kind in ("integer", "number", "decimal", "boolean", "date", "instant"):
        parsed(text, type=kind)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (29.9, "29.9"),
        (1e-7, "0.0000001"),
        (1e22, "10000000000000000000000"),
        (Decimal("29.90"), "29.90"),
        (True, "true"),
        (7, "7"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        ([Decimal("1.10"), datetime(2026, 3, 1, tzinfo=UTC)], '["1.10","2026-03-01T00:00:00+00:00"]'),
        (b"ab\xff", "ab\\xff"),
        (None, None),
    ],
)
def test_values_as_text(value: Any, text: str | None) -> None:
    assert text_of(value) == text


def test_columns_of_parquet_as_text() -> None:
    columns = {
        "decimal": (pa.array([Decimal("1.50")], pa.decimal128(12, 2)), "1.50"),
        "instant": (pa.array([0], pa.timestamp("ns", "UTC")), "1970-01-01 00:00:00.000000Z"),
        "zoned": (pa.array([0], pa.timestamp("ms", "Europe/Berlin")), "1970-01-01T01:00:00+01:00"),
        "category": (pa.array(["a"]).dictionary_encode(), "a"),
        "number": (pa.array([1e-7]), "0.0000001"),
        "list": (pa.array([[1, 2]]), "[1,2]"),
        "nothing": (pa.nulls(1), None),
    }
    assert {name: column_as_text(values).to_pylist()[0] for name, (values, _) in columns.items()} == {
        name: text for name, (_, text) in columns.items()
    }


def test_absent_is_null_and_texts_are_trimmed() -> None:
    assert trimmed(pa.array([" a ", "", "  ", None, "b c"])).to_pylist() == ["a", None, None, None, "b c"]
