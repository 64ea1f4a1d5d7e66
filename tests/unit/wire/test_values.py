"""Ids, times and numbers, in the many ways they are sent."""

from __future__ import annotations

from typing import Any

import pytest

from ingestion.wire.values import deeper_than, identifier, number, rfc3339, rfc3339_or_none

NOON = "2026-01-31T12:00:00.000Z"
NOON_SECONDS = 1769860800  # date -u -d 2026-01-31T12:00:00Z +%s


@pytest.mark.parametrize(
    "sent",
    [
        "2026-01-31T12:00:00.000Z",
        "2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00",
        "2026-01-31 12:00:00",
        "2026-01-31 12:00:00.000",
        "2026-01-31 12:00:00 UTC",
        "2026-01-31T13:00:00+01:00",
        "2026-01-31T13:00:00.000+0100",
        "2026-01-31T06:30:00-05:30",
        "2026-01-31T12:00:00.000000+00:00",
        "2026-01-31T12:00:00.000999999Z",
        "2026-W05-6T12:00:00.000Z",
        "20260131T120000Z",
        " 2026-01-31T12:00:00Z\n",
        "Sat, 31 Jan 2026 12:00:00 GMT",
        NOON_SECONDS,
        float(NOON_SECONDS),
        NOON_SECONDS * 1000,
        NOON_SECONDS * 1000 + 0.9,
        NOON_SECONDS * 1_000_000,
        NOON_SECONDS * 1_000_000_000,
        str(NOON_SECONDS),
        f"{NOON_SECONDS}.0004",
        str(NOON_SECONDS * 1000),
        str(NOON_SECONDS * 1_000_000),
    ],
)
def test_an_instant_is_read_however_it_is_written(sent: Any) -> None:
    assert rfc3339(sent) == NOON


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-01-31T12:00:00.123456Z", "2026-01-31T12:00:00.123Z"),
        ("2026-01-31T12:00:00.9999Z", "2026-01-31T12:00:00.999Z"),
        (1769860800.5, "2026-01-31T12:00:00.500Z"),
        (1769860800123, "2026-01-31T12:00:00.123Z"),
        ("1769860800123", "2026-01-31T12:00:00.123Z"),
        (1769860800123999, "2026-01-31T12:00:00.123Z"),
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
        ("20260131", "2026-01-31T00:00:00.000Z"),
        # As text that datetime would read as the year 1612, at 23:45.
        ("1612111112345", "2021-01-31T16:38:32.345Z"),
        (0, "1970-01-01T00:00:00.000Z"),
    ],
)
def test_finer_than_a_millisecond_is_cut_and_the_magnitude_tells_the_unit(sent: Any, kept: str) -> None:
    assert rfc3339(sent) == kept


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "   ",
        "yesterday",
        "31/01/2026",
        "2026-02-30T12:00:00.000Z",
        "2026-01-31T25:00:00.000Z",
        "2026-01-31T12:00:00.0X0Z",
        "0001-01-01T00:00:00+23:59",
        "NaN",
        "Infinity",
        "-5",
        "Foo, 31 Jan 2026",
        "Sat, 99 Jan 2026 12:00:00 GMT",
        "9" * 5000,
        -1,
        1e20,
        10**400,
        float("nan"),
        float("inf"),
        True,
        None,
        [],
        {"$date": 1},
    ],
)
def test_what_is_no_instant_is_refused_and_never_guessed(sent: Any) -> None:
    with pytest.raises(ValueError):
        rfc3339(sent)
    assert rfc3339_or_none(sent) is None


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("user_1", "user_1"),
        (" user_1 ", "user_1"),
        ("0", "0"),
        (0, "0"),
        (42, "42"),
        (42.0, "42"),
        (42.5, "42.5"),
        (12345678901234567890, "12345678901234567890"),
        (None, None),
        ("", None),
        ("  ", None),
        (True, None),
        (float("nan"), None),
        ([], None),
        ({"id": 1}, None),
        ("null", None),
        ("NULL", None),
        ("undefined", None),
        ("None", None),
        ("NaN", None),
        ("[object Object]", None),
        ("00000000-0000-0000-0000-000000000000", None),
        ("nullable", "nullable"),
    ],
)
def test_an_id_is_text_and_an_empty_variable_is_no_id(sent: Any, kept: str | None) -> None:
    assert identifier(sent) == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (5, 5),
        (2.5, 2.5),
        ("5", 5),
        ("24.95", 24.95),
        ("-1e3", -1000.0),
        (" 7 ", 7),
        ("1e30", 1e30),
        ("", None),
        ("x", None),
        ("1_000", None),
        ("nan", None),
        ("inf", None),
        ("9" * 30, None),
        (True, None),
        (None, None),
    ],
)
def test_a_number_may_be_sent_as_text(sent: Any, kept: float | None) -> None:
    assert number(sent) == kept
    assert type(number(sent)) is type(kept)


def test_depth_counts_objects_and_lists() -> None:
    assert not deeper_than(1, 0)
    assert deeper_than([], 0)
    assert not deeper_than({"a": [{"b": 1}]}, 3)
    assert deeper_than({"a": [{"b": 1}]}, 2)


def test_depth_of_what_would_exhaust_recursion_is_told() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    assert deeper_than(nested, 100)
    while nested:  # take it apart gently: freeing it whole would recurse
        nested = nested[0]
