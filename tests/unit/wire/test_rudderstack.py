"""RudderStack: Segment's messages with a session, consent lists, and the key only in the credentials."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.unit.wire.helpers import event, lines, post

AT = "2026-03-01T10:00:00.000Z"


def message(**more: Any) -> dict[str, Any]:
    """As rudder-sdk-js v3 sends one."""
    return {
        "type": "track",
        "event": "Product Added",
        "channel": "web",
        "anonymousId": "a1",
        "userId": "",
        "messageId": "m1",
        "originalTimestamp": AT,
        "sentAt": "2026-03-01T10:00:01.000Z",
        "properties": {"product_id": "p1"},
        "context": {"sessionId": 1772359200123, "sessionStart": True, "library": {"name": "RudderLabs JavaScript SDK"}},
        "integrations": {"All": True},
        **more,
    }


def test_a_message_of_the_browser_sdk_becomes_a_canonical_line() -> None:
    assert event(message()) == {
        "event": "product_added",
        "message_type": "track",
        "event_id": "m1",
        "anonymous_id": "a1",
        "session_id": "1772359200123",
        "original_timestamp": AT,
        "sent_at": "2026-03-01T10:00:01.000Z",
        "properties": {"product_id": "p1"},
        "context": {"library": {"name": "RudderLabs JavaScript SDK"}},
    }


@pytest.mark.parametrize(
    "marked",
    [
        {"channel": "server"},
        {"rudderId": "r1"},
        {"context": {"sessionStart": True}},
        {"context": {"library": {"name": "com.rudderstack.android"}}},
    ],
)
def test_a_message_is_told_from_segments_by_its_marks(marked: dict[str, Any]) -> None:
    plain = {"type": "track", "event": "A", "userId": "u1"}
    assert lines(plain)[0].dialect == "segment"
    assert lines({**plain, **marked})[0].dialect == "rudderstack"
    assert lines({"batch": [{**plain, **marked}]})[0].dialect == "rudderstack"


def test_the_key_is_the_user_of_the_credentials() -> None:
    (outcome,) = post("/v1/track", message(), {"Authorization": "Basic " + b64encode(b"2hXkY:").decode()})
    assert outcome.dialect == "rudderstack"
    assert outcome.write_key == "2hXkY"


def test_a_time_given_by_the_caller_goes_before_the_sdks_own() -> None:
    made = event(message(timestamp="2026-01-15T10:30:00.123Z"))
    assert made["original_timestamp"] == "2026-01-15T10:30:00.123Z"
    assert "timestamp" not in made


def test_traits_of_identify_may_be_in_the_context_only() -> None:
    made = event(message(type="identify", event=None, userId="u1", context={"traits": {"email": "ada@example.com"}}))
    assert made["properties"] == {"email": "ada@example.com"}
    assert "context" not in made
    # on other messages they repeat what identify has said
    assert "context" not in event(message(context={"traits": {"email": "ada@example.com"}}))


def test_consent_lists_become_flags() -> None:
    managed = {"provider": "oneTrust", "allowedConsentIds": ["C0002"], "deniedConsentIds": ["C0004", "C0003"]}
    made = event(message(context={"consentManagement": managed}))
    assert made["consent_analytics"] is True
    assert made["consent_marketing"] is False
    assert made["consent_personalization"] is False
    assert "context" not in made


def test_consent_of_another_shape_says_nothing() -> None:
    odd: list[Any] = ["yes", [], {"allowedConsentIds": {"a": 1}}, {"deniedConsentIds": 5}]
    for managed in odd:
        assert "consent_analytics" not in event(message(context={"consentManagement": managed}))
