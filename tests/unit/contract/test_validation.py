"""What is wrong with an event, in words. The verdicts here are written by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ingestion.contract import MAX_LINE_BYTES, MAX_PROPERTIES, Reason
from ingestion.registry import Registry
from ingestion.validation import event_problems, line_problems

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "project_id": "demo",
    "event": "order_completed",
    "user_id": "u-1",
    "timestamp": "2026-11-20T11:00:00.000Z",
    "properties": {
        "order_id": "o-1",
        "revenue": 49.9,
        "currency": "EUR",
        "items_count": 2,
        "products": [{"product_id": "P1", "quantity": 2, "price": 24.95}],
    },
    "context": {"locale": "de"},
}


def verdict(registry: Registry, **changes: Any) -> tuple[str, str]:
    """Reason and detail of the first problem of a good order with changes; ('', '') where there is none."""
    return first(line_problems(json.dumps(changed(**changes)).encode(), registry, ("demo",), NOW))


def of_properties(registry: Registry, event: str, **properties: Any) -> tuple[str, str]:
    return verdict(registry, event=event, properties=properties)


def changed(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**GOOD, **changes}.items() if value is not ...}


def first(problems: list[Any]) -> tuple[str, str]:
    return (str(problems[0].reason), problems[0].detail) if problems else ("", "")


def test_a_good_event_has_no_problems(registry: Registry) -> None:
    assert verdict(registry) == ("", "")
    assert event_problems(GOOD, registry, now=NOW) == []


@pytest.mark.parametrize(
    ("changes", "reason", "detail"),
    [
        ({"event": ...}, "missing_event", "event: expected a snake_case name, got nothing"),
        ({"event": "Order Completed"}, "missing_event", 'event: expected a snake_case name, got "Order Completed"'),
        (
            {"message_type": "purchase"},
            "missing_event",
            'message_type: expected one of track, page, screen, identify, group, alias, got "purchase"',
        ),
        ({"user_id": ...}, "missing_identity", "user_id: expected user_id or anonymous_id, got neither"),
        (
            {"user_id": "", "anonymous_id": None},
            "missing_identity",
            "user_id: expected user_id or anonymous_id, got neither",
        ),
        ({"user_id": ..., "anonymous_id": "a-1"}, "", ""),
        ({"user_id": 42}, "", ""),
        ({"user_id": {"id": 1}}, "schema_violation", "user_id: expected text, got an object"),
        ({"timestamp": ...}, "bad_timestamp", "timestamp: expected timestamp or original_timestamp, got neither"),
        (
            {"timestamp": 1700000000},
            "bad_timestamp",
            "timestamp: expected an instant like 2026-01-31T12:00:00.000Z, got 1700000000",
        ),
        ({"sent_at": "now"}, "bad_timestamp", 'sent_at: expected an instant like 2026-01-31T12:00:00.000Z, got "now"'),
        (
            {"timestamp": "1970-01-01T00:00:00Z"},
            "bad_timestamp",
            "timestamp: expected 2000 or later, got 1970-01-01T00:00:00+00:00",
        ),
        ({"timestamp": "2026-11-21T12:00:00.000Z"}, "", ""),  # 24 hours ahead are tolerated, not a millisecond more
        (
            {"timestamp": "2026-11-21T12:00:00.001Z"},
            "future_timestamp",
            "timestamp: expected a time before it was received, got 2026-11-21T12:00:00.001000+00:00",
        ),
        # What counts is when it was received, not when it is loaded.
        (
            {"timestamp": "2026-03-03T00:00:00Z", "received_at": "2026-03-01T00:00:00Z"},
            "future_timestamp",
            "timestamp: expected a time before it was received, got 2026-03-03T00:00:00+00:00",
        ),
        # A clock that is years ahead is put right by its own skew.
        (
            {
                "timestamp": ...,
                "original_timestamp": "2031-01-01T00:00:00Z",
                "sent_at": "2031-01-01T00:00:01Z",
                "received_at": "2026-03-01T00:00:01Z",
            },
            "",
            "",
        ),
        ({"project_id": "other"}, "unknown_project", 'project_id: expected a project of projects.yaml, got "other"'),
        ({"project_id": ...}, "unknown_project", "project_id: expected a project of projects.yaml, got nothing"),
        (
            {"consent_analytics": "perhaps"},
            "schema_violation",
            'consent_analytics: expected true or false, got "perhaps"',
        ),
        ({"consent_analytics": 1, "consent_marketing": "FALSE"}, "", ""),
        ({"properties": [1]}, "schema_violation", "properties: expected an object, got an array"),
        ({"context": "nothing"}, "schema_violation", "context: expected an object, got a text"),
        ({"context": None, "event": "unheard_of", "properties": None}, "", ""),
        ({"event": "unheard_of", "properties": {"anything": [1, {"deep": None}]}}, "", ""),
        ({"event": "unheard_of", "properties": '{"price": 5}'}, "", ""),
        (
            {"event": "unheard_of", "properties": '{"price": "x"}'},
            "schema_violation",
            'price: expected number, got "x"',
        ),
    ],
)
def test_the_fields_of_a_line(registry: Registry, changes: dict[str, Any], reason: str, detail: str) -> None:
    assert verdict(registry, **changes) == (reason, detail)


@pytest.mark.parametrize(
    ("event", "properties", "detail"),
    [
        ("nps_answered", {"score": 10}, ""),
        ("nps_answered", {"score": 10.0}, ""),
        ("nps_answered", {"score": 11}, "score: expected integer from 0 to 10, got 11"),
        ("nps_answered", {"score": 9.5}, "score: expected integer, got 9.5"),
        ("nps_answered", {"score": "9"}, 'score: expected integer, got "9"'),
        ("nps_answered", {"score": True}, "score: expected integer, got true"),
        ("nps_answered", {"score": [9]}, "score: expected integer, got [9]"),
        ("nps_answered", {}, "score: expected integer, got nothing"),
        ("order_completed", {"revenue": 49.9}, ""),
        ("order_completed", {"order_id": "o"}, "revenue: expected number, got nothing"),
        ("nps_answered", {"score": None}, "score: expected integer, got nothing"),
        ("comment_added", {"length": 2**53 - 1}, ""),
        ("comment_added", {"length": 2**53}, "length: expected integer, got 9007199254740992"),
        ("comment_added", {"length": None}, ""),
        (
            "order_refunded",
            {"order_id": "o", "revenue": -1, "currency": "EUR"},
            "revenue: expected number of at least 0, got -1",
        ),
        (
            "order_refunded",
            {"order_id": "o", "revenue": 1, "currency": "eur"},
            'currency: expected text like [A-Z]{3}, got "eur"',
        ),
        ("order_refunded", {"order_id": "o", "revenue": 1, "currency": "JPY"}, ""),
        ("logged_in", {"method": "passkey"}, ""),
        ("order_refunded", {"order_id": 5, "revenue": 1, "currency": "EUR"}, "order_id: expected text, got 5"),
        ("identify", {"plan": "free", "country": "DE"}, ""),
        ("identify", {"plan": "free", "country": "DE\n"}, 'country: expected text like [A-Z]{2}, got "DE\\n"'),
        (
            "identify",
            {"plan": "free", "signed_up_at": "2026-01-31"},
            'signed_up_at: expected instant like 2026-01-31T12:00:00.000Z, got "2026-01-31"',
        ),
        (
            "consent_updated",
            {"analytics": 1, "marketing": True, "personalization": True},
            "analytics: expected true or false, got 1",
        ),
        # A registered path has its type in every event; the other rules are its own event's.
        ("unheard_of", {"revenue": "forty-nine"}, 'revenue: expected number, got "forty-nine"'),
        ("unheard_of", {"revenue": -5, "currency": "XXX"}, ""),
        ("unheard_of", {"products": [{"price": "x"}]}, 'products[0].price: expected number, got "x"'),
    ],
)
def test_the_properties(registry: Registry, event: str, properties: dict[str, Any], detail: str) -> None:
    assert of_properties(registry, event, **properties) == ("schema_violation" if detail else "", detail)


def test_every_problem_of_an_event_is_told(registry: Registry) -> None:
    products = [{"product_id": 5, "quantity": 1, "price": 2}, {"product_id": "P2", "quantity": 1.5, "price": None}, 7]
    event = changed(properties={**GOOD["properties"], "revenue": "x", "products": products})
    assert [problem.detail for problem in event_problems(event, registry, now=NOW)] == [
        'revenue: expected number, got "x"',
        "products[0].product_id: expected text, got 5",
        "products[1].quantity: expected integer, got 1.5",
        "products[2]: expected object with price (number), product_id (text), quantity (integer), got 7",
    ]
    products = [{"product_id": "P1", "quantity": 0}, {"sku": "P2"}]
    rules = changed(properties={"revenue": -1, "currency": "€", "products": products})
    assert [problem.detail for problem in event_problems(rules, registry, now=NOW)] == [
        "revenue: expected number of at least 0, got -1",
        'currency: expected text like [A-Z]{3}, got "€"',
        "products[0].quantity: expected integer of at least 1, got 0",
    ]


def test_the_first_reason_is_that_of_the_contracts_order(registry: Registry) -> None:
    wrong = {"event": "No Name", "timestamp": "soon", "project_id": "other", "properties": {"revenue": "x"}}
    reasons = [problem.reason for problem in event_problems(wrong, registry, ("demo",), NOW)]
    assert reasons == [
        Reason.MISSING_EVENT,
        Reason.MISSING_IDENTITY,
        Reason.BAD_TIMESTAMP,
        Reason.UNKNOWN_PROJECT,
        Reason.SCHEMA_VIOLATION,
    ]


def test_what_says_something_about_a_person_is_not_repeated(registry: Registry) -> None:
    reason, detail = of_properties(registry, "identify", plan="free", email=["ada@example.com"])
    assert (reason, detail) == ("schema_violation", "email: expected text, got an array")
    _, detail = of_properties(registry, "identify", plan="free", birth_year=1815)
    assert detail == "birth_year: expected integer from 1900 to 2100, got a number"
    # In other events too: there the same path holds the same kind of thing.
    _, detail = of_properties(registry, "unheard_of", email={"is": "ada@example.com"})
    assert detail == "email: expected text, got an object"


def test_a_long_value_is_cut(registry: Registry) -> None:
    _, detail = of_properties(registry, "nps_answered", score="x" * 1000)
    assert detail == f'score: expected integer, got "{"x" * 39}…'


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense",
        b"[]",
        b"5",
        b"null",
        b"{}",
        b"{}{}",
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"event":"a","event":"b"}',
        b"[" * 30_000,
    ],
)
def test_what_is_not_one_json_object(registry: Registry, line: bytes) -> None:
    assert first(line_problems(line, registry))[0] == "invalid_json"


def test_a_key_given_twice_is_named(registry: Registry) -> None:
    line = json.dumps(GOOD).encode()
    twice = line.replace(b'"user_id"', b'"user_id": "x", "user_id"')
    assert first(line_problems(twice, registry, now=NOW)) == (
        "invalid_json",
        "user_id: expected each key once, got it twice",
    )
    twice = line.replace(b'"revenue"', b'"revenue": 1, "revenue"')
    assert first(line_problems(twice, registry, now=NOW)) == (
        "schema_violation",
        "revenue: expected each key once, got it twice",
    )


def test_a_byte_order_mark_is_no_part_of_the_line(registry: Registry) -> None:
    assert line_problems(b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), registry, now=NOW) == []


def test_size_is_counted_in_bytes_as_received(registry: Registry) -> None:
    line = json.dumps({**GOOD, "context": {"note": "é?"}}, ensure_ascii=False).encode()
    fitting = line.replace(b"?", b"x" * (MAX_LINE_BYTES - len(line) + 1))
    assert line_problems(fitting, registry, now=NOW) == []
    assert first(line_problems(fitting + b" ", registry, now=NOW)) == (
        "too_large",
        "expected at most 32,768 bytes, got 32,769 bytes",
    )


def test_properties_are_counted_by_key(registry: Registry) -> None:
    many = {f"k{number}": [1, 2, {"x": 1}] for number in range(MAX_PROPERTIES)}
    assert of_properties(registry, "unheard_of", **many) == ("", "")
    assert of_properties(registry, "unheard_of", **many, one_more=1) == (
        "too_many_properties",
        "properties: expected at most 512 keys, got 513",
    )
