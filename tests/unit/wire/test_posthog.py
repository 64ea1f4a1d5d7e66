"""PostHog: one id that is anonymous or known, batches, browser endpoints, and what its $ events mean."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.wire.helpers import BROWSER, RECEIVED, event, events, lines, post, refusal

AT = "2026-03-01T10:00:00.000Z"
DEVICE = "01953c1e-7a2b-7c3d-8e4f-1a2b3c4d5e6f"
OTHER = "01953c1e-7a2b-7c3d-8e4f-aaaaaaaaaaaa"


def sent(
    name: str = "order completed", distinct_id: Any = "u1", properties: dict[str, Any] | None = None, **more: Any
) -> Any:
    return {"event": name, "distinct_id": distinct_id, "timestamp": AT, "properties": properties or {}, **more}


def web(distinct_id: str, **properties: Any) -> Any:
    """As posthog-js sends it: all inside the properties."""
    inside = {"token": "phc_k", "distinct_id": distinct_id, "$device_id": DEVICE, "$lib": "web", **properties}
    return {"uuid": "e1", "event": "clicked", "properties": inside, "timestamp": AT}


def test_a_batch_becomes_canonical_lines() -> None:
    body = {
        "api_key": "phc_k",
        "sent_at": "2026-03-01T10:00:02.000000+00:00",
        "historical_migration": False,
        "batch": [sent(properties={"orderId": 5, "$lib": "posthog-go", "$lib_version": "1.2"}, uuid="e1")],
    }
    (outcome,) = post("/batch/", body)
    assert outcome.dialect == "posthog"
    assert outcome.write_key == "phc_k"
    assert events([outcome]) == [
        {
            "event": "order_completed",
            "message_type": "track",
            "event_id": "e1",
            "user_id": "u1",
            "original_timestamp": AT,
            "sent_at": "2026-03-01T10:00:02.000Z",
            "received_at": RECEIVED,
            "properties": {"order_id": 5},
            "context": {"library": {"name": "posthog-go", "version": "1.2"}},
        }
    ]


@pytest.mark.parametrize(
    "path", ["/e/", "/e/?ip=1&_=1772359201000&ver=1.300.0", "/i/v0/e/", "/capture/", "/capture", "/i/v0/e"]
)
def test_the_browsers_endpoints_take_one_event_or_a_list(path: str) -> None:
    for body in (web("u1", **{"$user_id": "u1"}), [web("u1", **{"$user_id": "u1"})]):
        (outcome,) = post(path, body, {"Content-Type": "text/plain", "User-Agent": BROWSER})
        assert outcome.dialect == "posthog"
        assert outcome.write_key == "phc_k"
        (made,) = events([outcome])
        assert (made["event"], made["user_id"], made["event_id"]) == ("clicked", "u1", "e1")
        assert made["context"]["user_agent"] == BROWSER
        assert "phc_k" not in str(made)


def test_the_time_of_sending_is_in_the_address() -> None:
    (made,) = events(post("/e/?_=1772359201000", web("u1")))
    assert made["sent_at"] == "2026-03-01T10:00:01.000Z"
    (made,) = events(post("/e/?_=123456789", web("u1")))
    assert "sent_at" not in made, "a number that is no time must not be taken for 1973"


@pytest.mark.parametrize(
    ("payload", "user", "anonymous"),
    [
        # the browser, before and after identify(), and after reset() which makes up a new id on the same device
        (web(DEVICE), None, DEVICE),
        (web("u1", **{"$user_id": "u1"}), "u1", DEVICE),
        (web("visitor-7", **{"$device_id": "visitor-7"}), None, "visitor-7"),
        (web(OTHER), None, OTHER),
        (web(OTHER, **{"$is_identified": False}), None, OTHER),
        (web("visitor-7", **{"$is_identified": False}), None, "visitor-7"),
        (web("u1", **{"$is_identified": True}), "u1", DEVICE),
        (web(OTHER, **{"$is_identified": True}), OTHER, DEVICE),
        (web(DEVICE, **{"$process_person_profile": False}), None, DEVICE),
        # a user id that is itself a UUID is known where the SDK says so
        (web(OTHER, **{"$user_id": OTHER}), OTHER, DEVICE),
        # phones
        (sent(distinct_id=OTHER, properties={"$lib": "posthog-ios", "$is_identified": False}), None, OTHER),
        (sent(distinct_id=OTHER, properties={"$lib": "posthog-android"}), None, OTHER),
        (sent(distinct_id="u1", properties={"$lib": "posthog-android"}), "u1", None),
        # servers name whom they know
        (sent(distinct_id="u1"), "u1", None),
        (sent(distinct_id=OTHER, properties={"$lib": "posthog-node"}), OTHER, None),
        (sent(distinct_id=42), "42", None),
        (sent(distinct_id=None, properties={"distinct_id": "u1"}), "u1", None),
        (sent(distinct_id="a9", properties={"$process_person_profile": False}), None, "a9"),
    ],
)
def test_whether_the_id_is_known_or_anonymous(payload: Any, user: str | None, anonymous: str | None) -> None:
    made = event(payload)
    assert (made.get("user_id"), made.get("anonymous_id")) == (user, anonymous)


def test_nobody_is_refused() -> None:
    assert refusal(lines(sent(distinct_id=None), "posthog")).reason == "missing_identity"
    assert refusal(lines(sent(distinct_id="undefined"), "posthog")).reason == "missing_identity"


def test_identify_joins_the_anonymous_id_and_carries_the_traits() -> None:
    payload = web("u1", **{"$anon_distinct_id": DEVICE, "$user_id": "u1", "plan_seen": "pro"})
    payload.update(
        event="$identify", **{"$set": {"Email": "ada@example.com"}, "$set_once": {"source": "ad", "$initial_os": "Mac"}}
    )
    made = event(payload)
    assert (made["event"], made["message_type"]) == ("identify", "identify")
    assert (made["user_id"], made["anonymous_id"]) == ("u1", DEVICE)
    assert made["properties"] == {"email": "ada@example.com", "set_once": {"source": "ad"}}


def test_set_is_an_identify_whichever_place_the_traits_are_in() -> None:
    made = event(sent("$set", properties={"$set": {"plan": "pro", "$browser": "Chrome"}, "$unset": ["trial"]}))
    assert (made["event"], made["properties"]) == ("identify", {"plan": "pro", "unset": ["trial"]})
    made = event(sent("$set", **{"$set": {"plan": "pro"}}))
    assert made["properties"] == {"plan": "pro"}


def test_traits_beside_another_event_stay_with_it() -> None:
    made = event(sent(properties={"total": 5, "$set": {"plan": "pro"}, "$set_once": {"$initial_referrer": "x"}}))
    assert made["properties"] == {"total": 5, "user_properties": {"set": {"plan": "pro"}}}


@pytest.mark.parametrize(
    ("payload", "new", "previous"),
    [
        (sent("$create_alias", "u1", {"alias": "a9", "$lib": "posthog-node"}), "u1", "a9"),
        (sent("$create_alias", "a9", {"alias": "u1", "$lib": "posthog-python"}), "u1", "a9"),
        (sent("$merge_dangerously", "u1", {"alias": "u2"}), "u1", "u2"),
        # a made-up id was there before, whichever side it is on
        (sent("$create_alias", OTHER, {"alias": "u1", "$lib": "posthog-node"}), "u1", OTHER),
        (sent("$create_alias", "u1", {"alias": OTHER, "$lib": "posthog-python"}), "u1", OTHER),
        # the browser: alias(new, original)
        ({**web(DEVICE, alias="u1"), "event": "$create_alias"}, "u1", DEVICE),
        ({**web("u1", alias="u2", **{"$user_id": "u1"}), "event": "$create_alias"}, "u1", "u2"),
    ],
)
def test_an_alias_names_the_id_that_stays_and_the_one_before(payload: Any, new: str, previous: str) -> None:
    made = event(payload)
    assert (made["event"], made["message_type"]) == ("alias", "alias")
    assert (made["user_id"], made["properties"]) == (new, {"previous_id": previous})


def test_an_alias_of_one_id_is_refused() -> None:
    assert refusal(lines(sent("$create_alias", "u1"))).reason == "missing_identity"


def test_a_group_update_of_a_server_is_about_no_person() -> None:
    group = {"$group_type": "company", "$group_key": "acme", "$group_set": {"seatCount": 7}}
    for stand_in in ("$company_acme", "951082ee-b933-4e72-9e23-3c2adfb377c1"):
        made = event(sent("$groupidentify", stand_in, {**group, "$lib": "posthog-python"}))
        assert (made["event"], made["message_type"], made["group_id"]) == ("group", "group", "acme")
        assert made["properties"] == {"seat_count": 7, "group_type": "company"}
        assert "user_id" not in made
        assert "anonymous_id" not in made
    made = event({**web("u1", **{"$user_id": "u1", **group}), "event": "$groupidentify"})
    assert (made["user_id"], made["group_id"]) == ("u1", "acme")
    assert refusal(lines(sent("$groupidentify", "u1", {"$group_type": "company"}))).reason == "missing_identity"


def test_an_event_of_a_group_names_it() -> None:
    made = event(sent(properties={"$groups": {"company": "acme"}}))
    assert made["group_id"] == "acme"
    assert "properties" not in made
    made = event(sent(properties={"$groups": {"company": "acme", "Team": "blue"}}))
    assert made["group_id"] == "acme"
    assert made["properties"] == {"groups": {"company": "acme", "team": "blue"}}


def test_a_pageview_keeps_its_page_in_the_context() -> None:
    payload = web(
        DEVICE,
        **{
            "$current_url": "https://e.com/p?x=1",
            "$pathname": "/p",
            "$host": "e.com",
            "title": "P",
            "$referrer": "$direct",
            "$referring_domain": "$direct",
            "utm_source": "news",
            "utm_campaign": "spring",
            "gclid": "g1",
            "$browser": "Chrome",
            "$browser_version": 140,
            "$browser_language": "en-US",
            "$os": "Mac OS X",
            "$os_version": "14.4",
            "$device": "Mac",
            "$device_type": "Desktop",
            "$screen_width": 1920,
            "$screen_height": 1080,
            "$viewport_width": 1400,
            "$viewport_height": 900,
            "$lib_version": "1.300.0",
            "$session_id": "s1",
            "$window_id": "w1",
            "$time": 1772359200.5,
            "$insert_id": "i1",
            "$timezone": "Europe/Berlin",
            "$raw_user_agent": BROWSER,
            "$ip": "192.0.2.1",
            "$initial_current_url": "https://e.com/",
            "$recording_status": "active",
            "$geoip_country_code": "DE",
            "$geoip_country_name": "Germany",
            "$geoip_city_name": "Berlin",
            "$geoip_latitude": 52.5,
        },
    )
    payload["event"] = "$pageview"
    made = event(payload)
    assert (made["event"], made["message_type"], made["session_id"]) == ("page_viewed", "page", "s1")
    assert "properties" not in made
    assert made["context"] == {
        "device": {"id": DEVICE, "model": "Mac", "type": "desktop"},
        "library": {"name": "web", "version": "1.300.0"},
        "page": {"url": "https://e.com/p?x=1", "path": "/p", "host": "e.com", "title": "P"},
        "campaign": {"source": "news", "name": "spring", "gclid": "g1"},
        "browser": {"name": "Chrome", "version": 140},
        "locale": "en-US",
        "os": {"name": "Mac OS X", "version": "14.4"},
        "screen": {"width": 1920, "height": 1080},
        "viewport": {"width": 1400, "height": 900},
        "timezone": "Europe/Berlin",
        "user_agent": BROWSER,
        "ip": "192.0.2.1",
        "location": {"country": "DE", "country_name": "Germany", "city": "Berlin"},
    }


def test_a_title_of_another_event_is_the_senders_own() -> None:
    assert event(sent(properties={"title": "A book"}))["properties"] == {"title": "A book"}


def test_a_screen_has_its_name_in_the_properties() -> None:
    made = event(sent("$screen", properties={"$screen_name": "Home", "$lib": "posthog-ios", "tab": 1}))
    assert (made["event"], made["message_type"], made["properties"]) == (
        "screen_viewed",
        "screen",
        {"screen_name": "Home", "tab": 1},
    )


def test_other_events_of_the_sdk_keep_their_name_and_substance() -> None:
    payload = web(
        DEVICE, **{"$event_type": "click", "$elements": [{"tag_name": "a", "$el_text": "Buy"}], "$elements_chain": "a"}
    )
    payload["event"] = "$autocapture"
    made = event(payload)
    assert (made["event"], made["message_type"]) == ("autocapture", "track")
    assert made["properties"] == {
        "event_type": "click",
        "elements": [{"tag_name": "a", "el_text": "Buy"}],
        "elements_chain": "a",
    }
    called = sent(
        "$feature_flag_called", properties={"$feature_flag": "new-checkout", "$feature_flag_response": "test"}
    )
    made = event(called)
    assert made["event"] == "feature_flag_called"
    assert made["properties"] == {"feature_flag": "new-checkout", "feature_flag_response": "test"}


def test_the_variants_a_person_saw_are_kept() -> None:
    made = event(
        sent(properties={"$feature/new-checkout": "test", "$feature/beta": True, "$active_feature_flags": ["beta"]})
    )
    assert made["properties"] == {"feature_flags": {"new_checkout": "test", "beta": True}}


def test_the_servers_system_is_not_the_persons() -> None:
    given = {"$os": "Linux", "$os_version": "12", "$lib": "posthog-python"}
    assert event(sent(properties={**given, "$is_server": True}))["context"] == {"library": {"name": "posthog-python"}}
    assert event(sent(properties={**given, "$python_version": "3.11"}))["context"] == {
        "library": {"name": "posthog-python"}
    }
    assert event(sent(properties={**given, "$lib": "web"}))["context"]["os"] == {"name": "Linux", "version": "12"}


def test_times_of_older_sdks() -> None:
    payload = {k: v for k, v in web("u1", **{"$time": 1772359200.25}).items() if k != "timestamp"}
    assert event(payload)["original_timestamp"] == "2026-03-01T10:00:00.250Z"
    payload = {k: v for k, v in sent(offset=1500).items() if k != "timestamp"}
    (made,) = events(post("/e/?_=1772359201000", payload))
    assert made["original_timestamp"] == "2026-03-01T09:59:59.500Z"
    (made,) = events(post("/e/", payload))
    assert made["original_timestamp"] == "2026-03-01T10:00:03.500Z", "before it was received, where sending is unknown"


def test_an_event_without_a_time_happened_when_it_was_received() -> None:
    (made,) = events(post("/capture/", {"api_key": "k", "event": "x", "distinct_id": "u1"}))
    assert made["timestamp"] == RECEIVED
    assert refusal(lines(sent(timestamp="then"))).reason == "bad_timestamp"
