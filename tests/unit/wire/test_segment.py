"""Segment: server batches, the browser's single messages, mobile contexts, and messages from its exports."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.unit.wire.helpers import BROWSER, RECEIVED, event, events, lines, post, refusal

AT = "2026-03-01T10:00:00.000Z"


def message(**more: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Order Completed", "userId": "u1", "timestamp": AT, "messageId": "m1", **more}


def test_a_track_message_becomes_a_canonical_line() -> None:
    sent = message(
        anonymousId="a1",
        properties={"orderId": "o-1", "Total": 12.5, "products": [{"productId": "p1", "unitPrice": 6.25}]},
        context={"library": {"name": "analytics-python", "version": "2.4.0"}, "groupId": "acme"},
        sentAt="2026-03-01T10:00:02+00:00",
        integrations={"All": True},
        _metadata={"nodeVersion": "v20"},
    )
    assert event(sent) == {
        "event": "order_completed",
        "message_type": "track",
        "event_id": "m1",
        "user_id": "u1",
        "anonymous_id": "a1",
        "group_id": "acme",
        "original_timestamp": AT,
        "sent_at": "2026-03-01T10:00:02.000Z",
        "properties": {"order_id": "o-1", "total": 12.5, "products": [{"product_id": "p1", "unit_price": 6.25}]},
        "context": {"library": {"name": "analytics-python", "version": "2.4.0"}},
    }


def test_a_batch_gives_each_message_its_sending_time_and_its_shared_context() -> None:
    body = {
        "batch": [message(messageId="m1"), message(messageId="m2", sentAt=AT, context={"locale": "de"})],
        "sentAt": "2026-03-01T10:00:03.000Z",
        "writeKey": "KEY",
        "context": {"locale": "en", "timezone": "UTC"},
    }
    outcomes = post("/v1/batch", body)
    first, second = events(outcomes)
    assert (first["event_id"], first["sent_at"], first["received_at"]) == ("m1", "2026-03-01T10:00:03.000Z", RECEIVED)
    assert (second["event_id"], second["sent_at"]) == ("m2", AT)
    assert first["context"] == {"locale": "en", "timezone": "UTC"}
    assert second["context"] == {"locale": "de", "timezone": "UTC"}
    assert [outcome.write_key for outcome in outcomes] == ["KEY", "KEY"]


@pytest.mark.parametrize(
    ("headers", "path", "body"),
    [
        ({"Authorization": "Basic " + b64encode(b"KEY:").decode()}, "/v1/t", message()),
        ({"authorization": "basic " + b64encode(b"KEY").decode()}, "/v1/batch", {"batch": [message()]}),
        ({}, "/v1/t?writeKey=KEY", message()),
        ({}, "/v1/t", message(writeKey="KEY")),
        ({}, "/v1/batch", {"batch": [message()], "writeKey": "KEY"}),
    ],
)
def test_the_write_key_is_found_wherever_it_is_and_never_in_the_event(
    headers: dict[str, str], path: str, body: dict[str, Any]
) -> None:
    (outcome,) = post(path, body, headers)
    assert outcome.write_key == "KEY"
    assert "KEY" not in str(events([outcome]))


def test_a_page_keeps_its_address_in_the_context_and_its_name_in_the_properties() -> None:
    sent = message(
        type="page",
        name="Pricing",
        category="Docs",
        properties={"url": "https://e.com/virtual", "path": "/virtual", "title": "Pricing", "plan": "pro"},
        context={"page": {"url": "https://e.com/real", "referrer": "https://g.com/", "search": "?q"}},
    )
    made = event(sent)
    assert (made["event"], made["message_type"]) == ("page_viewed", "page")
    assert made["properties"] == {"page_name": "Pricing", "category": "Docs", "plan": "pro"}
    assert made["context"]["page"] == {
        "url": "https://e.com/virtual",
        "path": "/virtual",
        "title": "Pricing",
        "referrer": "https://g.com/",
        "search": "?q",
    }


def test_only_a_page_gives_its_address_away() -> None:
    assert event(message(properties={"url": "https://e.com/file", "title": "A file"}))["properties"] == {
        "url": "https://e.com/file",
        "title": "A file",
    }


def test_a_screen_has_its_name_and_category_in_the_properties() -> None:
    made = event(message(type="screen", event=None, name="Home", category="Tabs", properties={"variation": "blue"}))
    assert (made["event"], made["message_type"]) == ("screen_viewed", "screen")
    assert made["properties"] == {"screen_name": "Home", "category": "Tabs", "variation": "blue"}


def test_a_name_among_the_properties_of_a_page_goes_first() -> None:
    made = event(message(type="page", name="Outer", properties={"name": "Inner"}))
    assert made["properties"] == {"page_name": "Inner"}
    made = event(message(type="page", name="Outer", properties={"pageName": "Own"}))
    assert made["properties"] == {"name": "Outer", "page_name": "Own"}, "no value is lost"


def test_identify_and_group_carry_their_traits() -> None:
    made = event(message(type="identify", event=None, traits={"firstName": "Ada", "createdAt": "2026-01-01"}))
    assert (made["event"], made["message_type"], made["user_id"]) == ("identify", "identify", "u1")
    assert made["properties"] == {"first_name": "Ada", "created_at": "2026-01-01"}
    made = event(message(type="group", event=None, groupId=77, traits={"employeeCount": 5}))
    assert (made["event"], made["group_id"], made["properties"]) == ("group", "77", {"employee_count": 5})


def test_an_alias_names_the_new_id_and_the_previous_one() -> None:
    made = event(message(type="alias", event=None, userId="u1", previousId="a9"))
    assert (made["event"], made["user_id"], made["properties"]) == ("alias", "u1", {"previous_id": "a9"})
    made = event(message(type="alias", event=None, userId="u1", anonymousId="a9"))
    assert made["properties"] == {"previous_id": "a9"}


@pytest.mark.parametrize("sent", [{"userId": None, "previousId": "a9"}, {"userId": "u1"}, {"previousId": "undefined"}])
def test_an_alias_of_one_id_is_refused(sent: dict[str, Any]) -> None:
    assert refusal(lines(message(**{"type": "alias", **sent}))).reason == "missing_identity"


def test_null_ids_are_absent_and_numbers_are_text() -> None:
    made = event(message(userId=17, anonymousId=None))
    assert made["user_id"] == "17"
    assert "anonymous_id" not in made
    made = event(message(userId=None, anonymousId="a1"))
    assert made["anonymous_id"] == "a1"
    assert "user_id" not in made
    assert refusal(lines(message(userId=None, anonymousId=""))).reason == "missing_identity"


@pytest.mark.parametrize(
    ("path", "body", "kind", "name"),
    [
        ("/v1/t", {"event": "Signed Up"}, "track", "signed_up"),
        ("/v1/track", {"event": "Signed Up"}, "track", "signed_up"),
        ("/v1/p", {"name": "Home"}, "page", "page_viewed"),
        ("/v1/page/", {"name": "Home"}, "page", "page_viewed"),
        ("/v1/s", {"name": "Home"}, "screen", "screen_viewed"),
        ("/v1/screen", {"name": "Home"}, "screen", "screen_viewed"),
        ("/v1/i", {"traits": {}}, "identify", "identify"),
        ("/v1/identify", {"traits": {}}, "identify", "identify"),
        ("/v1/g", {"groupId": "acme"}, "group", "group"),
        ("/v1/group", {"groupId": "acme"}, "group", "group"),
        ("/v1/a", {"previousId": "a1"}, "alias", "alias"),
        ("/v1/alias", {"previousId": "a1"}, "alias", "alias"),
        ("/proxy/v1/t", {"event": "Signed Up"}, "track", "signed_up"),
    ],
)
def test_a_message_without_a_type_is_what_its_endpoint_says(
    path: str, body: dict[str, Any], kind: str, name: str
) -> None:
    (made,) = events(post(path, {"userId": "u1", **body}))
    assert (made["message_type"], made["event"]) == (kind, name)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"event": "Signed Up"}, "track"),
        ({"previousId": "a1"}, "alias"),
        ({"groupId": "acme", "traits": {}}, "group"),
        ({"traits": {"plan": "pro"}}, "identify"),
        ({"name": "Home"}, "page"),
    ],
)
def test_a_line_without_a_type_is_what_it_has(body: dict[str, Any], kind: str) -> None:
    assert event({"userId": "u1", "messageId": "m", **body}, "segment")["message_type"] == kind


def test_an_unknown_type_is_refused_with_the_nearest() -> None:
    refused = refusal(lines(message(type="trakc"), "segment"))
    assert refused.reason == "missing_event"
    assert "'trakc'" in refused.detail
    assert "'track'" in refused.detail


def test_a_track_without_an_event_name_is_refused() -> None:
    names: list[Any] = [None, "", "   ", "undefined", "---", {}, []]
    for name in names:
        assert refusal(lines(message(event=name))).reason == "missing_event"


def test_a_message_that_passed_segments_servers_is_corrected_already() -> None:
    sent = message(
        timestamp="2026-03-01T10:00:01.000Z",
        originalTimestamp="2026-03-01T09:00:01.000Z",
        sentAt="2026-03-01T09:00:04.000Z",
        receivedAt="2026-03-01T10:00:04.500Z",
    )
    made = event(sent)
    assert made["timestamp"] == "2026-03-01T10:00:01.000Z"
    assert made["original_timestamp"] == "2026-03-01T09:00:01.000Z"
    assert made["received_at"] == "2026-03-01T10:00:04.500Z"


def test_a_timestamp_from_the_client_is_its_clocks_word() -> None:
    made = event(message(timestamp="2026-03-01T12:00:00.5+02:00"))
    assert made["original_timestamp"] == "2026-03-01T10:00:00.500Z"
    assert "timestamp" not in made


def test_a_message_without_a_time_happened_when_it_was_received() -> None:
    (made,) = events(post("/v1/t", {k: v for k, v in message().items() if k != "timestamp"}))
    assert made["timestamp"] == made["received_at"] == RECEIVED
    assert "original_timestamp" not in made
    assert "timestamp" not in event({k: v for k, v in message().items() if k != "timestamp"})


def test_a_time_that_cannot_be_read_is_refused_and_one_of_sending_left_out() -> None:
    refused = refusal(lines(message(timestamp="last tuesday")))
    assert refused.reason == "bad_timestamp"
    assert "last tuesday" in refused.detail
    assert "sent_at" not in event(message(sentAt="soon"))


def test_mobile_contexts_have_the_canonical_shape() -> None:
    context = {
        "app": {"name": "Shop", "version": "3.1", "build": "310", "namespace": "com.shop"},
        "device": {
            "id": "D-1", "manufacturer": "Apple", "model": "iPhone15,2", "name": "maguro", "type": "ios",
            "token": "secret", "advertisingId": "AD-1", "adTrackingEnabled": True,
        },
        "os": {"name": "iOS", "version": "17.4"},
        "screen": {"width": 390, "height": 844, "density": 3},
        "network": {"carrier": "T-Mobile", "wifi": True},
        "location": {"country": "United States", "city": "Boston"},
        "locale": "en-US",
        "timezone": "America/New_York",
        "ip": "198.51.100.7",
        "userAgent": "Shop/3.1 CFNetwork/1490",
        "traits": {"email": "ada@example.com"},
        "integrations": {},
        "__eventOrigin": {"type": "Signal"},
    }  # fmt: skip
    made = event(message(context=context))["context"]
    assert made == {
        "app": {"name": "Shop", "version": "3.1", "build": "310", "namespace": "com.shop"},
        "device": {
            "id": "D-1", "manufacturer": "Apple", "model": "iPhone15,2", "name": "maguro", "type": "mobile",
            "advertising_id": "AD-1", "ad_tracking_enabled": True,
        },
        "os": {"name": "iOS", "version": "17.4"},
        "screen": {"width": 390, "height": 844, "density": 3},
        "network": {"carrier": "T-Mobile", "wifi": True},
        "location": {"country_name": "United States", "city": "Boston"},
        "locale": "en-US",
        "timezone": "America/New_York",
        "ip": "198.51.100.7",
        "user_agent": "Shop/3.1 CFNetwork/1490",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("device", "kind"),
    [
        ({"type": "android"}, "mobile"),
        ({"type": "ios", "model": "iPad13,4"}, "tablet"),
        ({"type": "Desktop"}, "desktop"),
        ({"type": "SmartFridge"}, "smartfridge"),
    ],
)
def test_a_device_type_says_what_it_is_not_what_it_runs(device: dict[str, str], kind: str) -> None:
    assert event(message(context={"device": device}))["context"]["device"]["type"] == kind


def test_consent_becomes_flags_and_leaves_the_context() -> None:
    context = {"consent": {"categoryPreferences": {"Analytics": False, "Advertising": True}}, "locale": "en"}
    made = event(message(context=context))
    assert made["consent_analytics"] is False
    assert made["consent_marketing"] is True
    assert "consent_personalization" not in made
    assert made["context"] == {"locale": "en"}


def test_a_browsers_request_tells_agent_and_address_where_the_message_does_not() -> None:
    headers = {"User-Agent": BROWSER, "X-Forwarded-For": "198.51.100.7, 10.0.0.1"}
    (made,) = events(post("/v1/t", message(), headers))
    assert made["context"] == {"user_agent": BROWSER, "ip": "198.51.100.7"}
    (made,) = events(post("/v1/t", message(context={"userAgent": "Own/1.0", "ip": "192.0.2.1"}), headers))
    assert made["context"] == {"user_agent": "Own/1.0", "ip": "192.0.2.1"}


def test_a_servers_request_tells_nothing_of_the_person() -> None:
    headers = {"User-Agent": "analytics-python/2.4.0", "X-Forwarded-For": "198.51.100.7"}
    (made,) = events(post("/v1/t", message(), headers))
    assert "context" not in made


def test_phps_empty_lists_are_empty_objects_and_a_full_one_is_refused() -> None:
    made = event(message(properties=[], context=[]))
    assert "properties" not in made
    assert "context" not in made
    refused = refusal(lines(message(properties=["a"])))
    assert refused.reason == "invalid_json"
    assert "properties" in refused.detail


def test_the_original_of_a_batched_message_is_its_batch_with_it_alone() -> None:
    body = {"batch": [message(messageId="m1"), message(messageId="m2", timestamp="bad")], "sentAt": AT}
    good, bad = lines(body)
    assert good.original == b'{"batch":[' + _json(body["batch"][0]) + b'],"sentAt":"' + AT.encode() + b'"}'
    assert b'"m2"' in bad.original
    assert b'"m1"' not in bad.original


def _json(value: Any) -> bytes:
    import orjson

    return orjson.dumps(value)
