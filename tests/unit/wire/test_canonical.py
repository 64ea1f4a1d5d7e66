"""Millrace's own lines come out as they went in; nearly right ones are put right."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.unit.wire.helpers import RECEIVED, event, events, lines, post, refusal

LINE: dict[str, Any] = {
    "project_id": "demo",
    "event_id": "e1",
    "event": "product_viewed",
    "message_type": "track",
    "user_id": "u1",
    "anonymous_id": "a1",
    "session_id": "s1",
    "group_id": "acme",
    "timestamp": "2026-01-31T12:00:00.000Z",
    "original_timestamp": "2026-01-31T11:59:59.000Z",
    "sent_at": "2026-01-31T12:00:01.000Z",
    "received_at": "2026-01-31T12:00:02.000Z",
    "properties": {"price": 5, "camelCase": "kept as it is", "nested": {"a": [1, None]}},
    "context": {"page": {"url": "https://e.com/"}, "device": {"type": "mobile"}},
    "consent_analytics": True,
    "consent_marketing": False,
    "consent_personalization": True,
    "schema_version": "3",
    "source": "backend",
}


def test_a_line_that_keeps_the_contract_comes_out_unchanged() -> None:
    assert event(LINE) == LINE
    assert event(LINE, "canonical") == LINE


@pytest.mark.parametrize("kind", ["page", "screen", "identify", "group", "alias"])
def test_the_event_of_other_messages_is_fixed(kind: str) -> None:
    name = {"page": "page_viewed", "screen": "screen_viewed"}.get(kind, kind)
    assert event({**LINE, "message_type": kind, "event": "anything"}) == {**LINE, "message_type": kind, "event": name}
    without = {key: value for key, value in LINE.items() if key != "message_type"}
    assert event({**without, "event": name}, "canonical") == {**LINE, "message_type": kind, "event": name}


def test_a_nearly_right_line_is_put_right() -> None:
    made = event(
        {"event": "Product Viewed", "user_id": 7, "anonymous_id": None, "timestamp": 1769860800, "session_id": ""}
    )
    assert made == {
        "event": "product_viewed",
        "message_type": "track",
        "user_id": "7",
        "timestamp": "2026-01-31T12:00:00.000Z",
    }


def test_an_empty_variable_sent_as_an_id_does_not_come_back() -> None:
    made = event({**LINE, "user_id": "undefined", "session_id": "null", "consent_analytics": "yes", "sent_at": "soon"})
    assert {"user_id", "session_id", "consent_analytics", "sent_at"}.isdisjoint(made)


@pytest.mark.parametrize(
    "wrap", [lambda line: line, lambda line: [line], lambda line: {"events": [line]}, lambda line: {"batch": [line]}]
)
def test_one_line_a_list_and_a_batch_are_taken(wrap: Any) -> None:
    (outcome,) = post("/v1/events", wrap(LINE))
    assert outcome.dialect == "canonical"
    assert events([outcome]) == [LINE]


def test_a_batch_says_for_all_when_it_was_sent_and_with_which_key() -> None:
    body = {
        "write_key": "KEY",
        "sent_at": "2026-01-31T12:00:09.000Z",
        "events": [{"event": "a", "user_id": "u1", "timestamp": 1769860800}],
    }
    (outcome,) = post("/v1/events", body)
    assert outcome.write_key == "KEY"
    (made,) = events([outcome])
    assert (made["sent_at"], made["received_at"]) == ("2026-01-31T12:00:09.000Z", RECEIVED)


@pytest.mark.parametrize(
    ("headers", "path", "more"),
    [
        ({"Authorization": "Bearer KEY"}, "/v1/events", {}),
        ({"Authorization": "Basic " + b64encode(b"KEY:").decode()}, "/v1/events", {}),
        ({}, "/v1/events?write_key=KEY", {}),
        ({}, "/v1/events", {"write_key": "KEY"}),
    ],
)
def test_the_key_is_found_and_never_in_the_event(headers: dict[str, str], path: str, more: dict[str, str]) -> None:
    (outcome,) = post(path, {**LINE, **more}, headers)
    assert outcome.write_key == "KEY"
    assert events([outcome]) == [LINE]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"message_type": "trak"}, "missing_event"),
        ({"message_type": ["track"]}, "missing_event"),
        ({"event": ""}, "missing_event"),
        ({"event": None}, "missing_event"),
        ({"user_id": None, "anonymous_id": ""}, "missing_identity"),
        ({"timestamp": "noon"}, "bad_timestamp"),
        ({"original_timestamp": True}, "bad_timestamp"),
        ({"properties": "x"}, "invalid_json"),
        ({"context": [1]}, "invalid_json"),
    ],
)
def test_a_line_that_cannot_be_put_right_is_refused(change: dict[str, Any], reason: str) -> None:
    refused = refusal(lines({**LINE, **change}))
    assert refused.reason == reason
    assert refused.dialect == "canonical"


def test_a_group_needs_no_person_but_a_group() -> None:
    about_a_group = {"message_type": "group", "group_id": "acme", "properties": {"seats": 7}, "timestamp": 1769860800}
    assert event(about_a_group)["group_id"] == "acme"
    assert refusal(lines({**about_a_group, "group_id": None})).reason == "missing_identity"
