"""The canonical event: times, skew, and that the definition is complete."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ingestion.contract import (
    COLUMNS,
    CONSENTS,
    CONTEXT_KEYS,
    INSTANTS,
    OBJECTS,
    REASON_SENTENCES,
    TEXTS,
    Reason,
    event_time,
    is_event_name,
    parse_instant,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-31T12:00:00Z", NOON),
        ("2026-01-31T12:00:00.000Z", NOON),
        ("2026-01-31T14:00:00+02:00", NOON),
        ("2026-01-31T06:30:00-05:30", NOON),
        ("2026-02-01T02:00:00+14:00", NOON),
        ("2026-01-31T12:00:00.5Z", NOON + timedelta(milliseconds=500)),
        ("2026-01-31T12:00:00.999999999Z", NOON + timedelta(milliseconds=999)),  # cut, not rounded
        ("2028-02-29T12:00:00Z", datetime(2028, 2, 29, 12, tzinfo=UTC)),
        ("1900-01-01T00:00:00Z", datetime(1900, 1, 1, tzinfo=UTC)),
        ("2299-12-31T23:59:59.999Z", datetime(2299, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_to_the_millisecond(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31T12:00:00",  # no offset: nobody knows when that was
        "2026-01-31 12:00:00Z",
        "2026-01-31t12:00:00z",
        "2026-01-31T12:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:60Z",
        "2026-02-29T12:00:00Z",
        "2026-04-31T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00+15:00",
        "2026-01-31T12:00:00+0200",
        " 2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00Z\n",
        "1899-12-31T23:59:59Z",
        "2300-01-01T00:00:00Z",
        "٢٠٢٦-01-31T12:00:00Z",
        1769860800,
        1769860800000.0,
        None,
        True,
        {},
    ],
)
def test_anything_else_is_no_instant(text: object) -> None:
    assert parse_instant(text) is None


def test_the_skew_of_a_wrong_clock_is_taken_out() -> None:
    """A clock that is a day ahead: it says 1 Feb 11:59:55 for an event and 1 Feb 12:00 for its sending."""
    original, sent = NOON + timedelta(days=1, seconds=-5), NOON + timedelta(days=1)
    assert event_time(None, original, sent, NOON) == NOON - timedelta(seconds=5)
    # A clock that was never set.
    unset = datetime(1970, 1, 1, tzinfo=UTC)
    assert event_time(None, unset + timedelta(seconds=55), unset + timedelta(seconds=60), NOON) == NOON - timedelta(
        seconds=5
    )


def test_without_both_ends_the_clients_clock_is_believed() -> None:
    assert event_time(None, NOON, None, NOON + timedelta(days=3)) == NOON
    assert event_time(None, NOON, NOON + timedelta(days=3), None) == NOON


def test_what_the_sender_has_corrected_is_not_corrected_again() -> None:
    assert event_time(NOON, NOON + timedelta(days=9), NOON, NOON + timedelta(days=1)) == NOON


def test_without_a_time_there_is_none() -> None:
    assert event_time(None, None, NOON, NOON) is None


@pytest.mark.parametrize("name", ["product_viewed", "p", "_", "2fa_enabled", "größe_gewählt", "購入", "x" * 128])
def test_event_names_of_every_script(name: str) -> None:
    assert is_event_name(name)


@pytest.mark.parametrize(
    "name", ["", "Product Viewed", "productViewed", "a b", "a-b", "a.b", "a\n", "$x", "x" * 129, 5]
)
def test_no_event_names(name: object) -> None:
    assert not is_event_name(name)


def test_every_column_of_a_line_is_checked_as_one_kind() -> None:
    kinds = [*TEXTS, *INSTANTS, *CONSENTS, *OBJECTS, "event", "message_type"]
    assert sorted(kinds) == sorted(column.name for column in COLUMNS if column.sent)


def test_names_are_unique_and_every_reason_has_its_sentence() -> None:
    assert len({column.name for column in COLUMNS}) == len(COLUMNS)
    assert len({key.path for key in CONTEXT_KEYS}) == len(CONTEXT_KEYS)
    assert set(REASON_SENTENCES) == set(Reason)
    assert all(sentence.endswith(".") for sentence in REASON_SENTENCES.values())
