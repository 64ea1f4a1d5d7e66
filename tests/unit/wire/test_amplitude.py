"""Amplitude: HTTP V2 bodies, its session -1, identify operations, and autocaptured pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from tests.unit.wire.helpers import BROWSER, RECEIVED, event, events, lines, post, refusal

MS = 1772359200123
AT = "2026-03-01T10:00:00.123Z"


def sent(name: Any = "Order Completed", **more: Any) -> dict[str, Any]:
    return {"event_type": name, "user_id": "user_1", "device_id": "dev_1", "time": MS, **more}


def body(*sent_events: Any, **more: Any) -> dict[str, Any]:
    return {"api_key": "KEY", "events": list(sent_events), **more}


@pytest.mark.parametrize("path", ["/2/httpapi", "/batch"])
def test_an_event_becomes_a_canonical_line(path: str) -> None:
    one = sent(
        insert_id="i1",
        session_id=1772359000000,
        event_properties={"orderId": "o-1"},
        revenue=49.9,
        productId="p1",
        platform="iOS",
        os_name="ios",
        os_version="17.4",
        device_manufacturer="Apple",
        device_model="iPhone 15",
        carrier="T-Mobile",
        country="US",
        city="Boston",
        language="en",
        app_version="3.1",
        ip="192.0.2.1",
        idfa="AD-1",
        library="amplitude-swift/1.9.0",
        plan={"branch": "main"},
        event_id=77,
    )
    (outcome,) = post(path, body(one, client_upload_time="2026-03-01T10:00:01.000Z", options={"min_id_length": 1}))
    assert (outcome.dialect, outcome.write_key) == ("amplitude", "KEY")
    assert events([outcome]) == [
        {
            "event": "order_completed",
            "message_type": "track",
            "event_id": "i1",
            "user_id": "user_1",
            "anonymous_id": "dev_1",
            "session_id": "1772359000000",
            "original_timestamp": AT,
            "sent_at": "2026-03-01T10:00:01.000Z",
            "received_at": RECEIVED,
            "properties": {"order_id": "o-1", "revenue": 49.9, "product_id": "p1"},
            "context": {
                "platform": "iOS",
                "os": {"name": "ios", "version": "17.4"},
                "device": {"id": "dev_1", "manufacturer": "Apple", "model": "iPhone 15", "advertising_id": "AD-1"},
                "network": {"carrier": "T-Mobile"},
                "location": {"country": "US", "city": "Boston"},
                "locale": "en",
                "app": {"version": "3.1"},
                "library": {"name": "amplitude-swift", "version": "1.9.0"},
                "ip": "192.0.2.1",
            },
        }
    ]


@pytest.mark.parametrize("outside", [-1, "-1", None])
def test_an_event_outside_of_sessions_has_none(outside: Any) -> None:
    assert "session_id" not in event(sent(session_id=outside))


def test_one_id_is_enough_and_none_is_refused() -> None:
    assert event(sent(user_id=None))["anonymous_id"] == "dev_1"
    assert event(sent(device_id=""))["user_id"] == "user_1"
    assert refusal(lines(sent(user_id=None, device_id=None))).reason == "missing_identity"


def test_the_requests_address_is_taken_only_where_the_event_asks_for_it() -> None:
    headers = {"User-Agent": BROWSER, "X-Forwarded-For": "198.51.100.7"}
    (made,) = events(post("/2/httpapi", body(sent(ip="$remote")), headers))
    assert made["context"]["ip"] == "198.51.100.7"
    (made,) = events(post("/2/httpapi", body(sent(ip="192.0.2.1")), headers))
    assert made["context"]["ip"] == "192.0.2.1"
    (made,) = events(post("/2/httpapi", body(sent(ip="$remote"))))
    assert "ip" not in made["context"]


def test_identify_carries_what_is_set_and_says_the_other_operations() -> None:
    given = {
        "$set": {"Plan": "pro"},
        "$setOnce": {"signupSource": "ad"},
        "$add": {"logins": 1},
        "$append": {"tags": "a"},
        "$preInsert": {"tags": "b"},
        "$unset": {"trialEnds": "-"},
        "$clearAll": "-",
        "theme": "dark",
    }
    made = event(sent("$identify", user_properties=given))
    assert (made["event"], made["message_type"]) == ("identify", "identify")
    assert made["properties"] == {
        "plan": "pro",
        "theme": "dark",
        "set_once": {"signup_source": "ad"},
        "add": {"logins": 1},
        "append": {"tags": "a"},
        "pre_insert": {"tags": "b"},
        "unset": ["trial_ends"],
        "clear_all": True,
    }


def test_user_properties_beside_an_event_stay_with_it() -> None:
    made = event(sent(event_properties={"total": 5}, user_properties={"plan": "pro"}))
    assert made["properties"] == {"total": 5, "user_properties": {"set": {"plan": "pro"}}}


def test_a_group_update_and_an_event_of_a_group() -> None:
    made = event(sent("$groupidentify", groups={"company": ["acme"]}, group_properties={"$set": {"seatCount": 7}}))
    assert (made["event"], made["message_type"], made["group_id"]) == ("group", "group", "acme")
    assert made["properties"] == {"seat_count": 7, "group_type": "company"}
    made = event(sent(groups={"company": "acme", "team": "blue"}))
    assert made["group_id"] == "acme"
    assert made["properties"] == {"groups": {"company": "acme", "team": "blue"}}
    assert refusal(lines(sent("$groupidentify", groups={}))).reason == "missing_identity"


def test_a_page_view_of_the_browser_sdk_keeps_its_page_in_the_context() -> None:
    given = {
        "[Amplitude] Page URL": "https://e.com/p",
        "[Amplitude] Page Location": "https://e.com/p?x=1",
        "[Amplitude] Page Path": "/p",
        "[Amplitude] Page Title": "P",
        "[Amplitude] Page Domain": "e.com",
        "[Amplitude] Page Counter": 2,
        "referrer": "https://g.com/",
        "utm_source": "news",
        "utm_campaign": "spring",
        "plan": "pro",
    }
    made = event(sent("[Amplitude] Page Viewed", event_properties=given, user_agent=BROWSER))
    assert (made["event"], made["message_type"]) == ("page_viewed", "page")
    assert made["properties"] == {"page_counter": 2, "plan": "pro"}
    assert made["context"]["page"] == {
        "url": "https://e.com/p?x=1", "path": "/p", "title": "P", "host": "e.com", "referrer": "https://g.com/",
    }  # fmt: skip
    assert made["context"]["campaign"] == {"source": "news", "name": "spring"}
    assert made["context"]["user_agent"] == BROWSER


def test_autocaptured_names_lose_the_logo_and_never_overwrite_the_senders() -> None:
    given = {"[Amplitude] Element Tag": "button", "Element Tag": "mine", "[Amplitude] Element Text": "Buy"}
    made = event(sent("[Amplitude] Element Clicked", event_properties=given))
    assert made["event"] == "element_clicked"
    assert made["properties"] == {"element_tag": "mine", "element_text": "Buy"}
    made = event(sent("[Amplitude] Screen Viewed", event_properties={"[Amplitude] Screen Name": "Home"}))
    assert (made["event"], made["properties"]) == ("screen_viewed", {"screen_name": "Home"})


def test_money_among_the_properties_goes_before_that_of_the_event() -> None:
    assert event(sent(event_properties={"revenue": 5}, revenue=9, price=3))["properties"] == {"revenue": 5, "price": 3}


def test_the_identify_form_is_an_identify() -> None:
    update = [{"user_id": "user_1", "user_properties": {"$set": {"plan": "pro"}}, "country": "US"}]
    form = urlencode({"api_key": "KEY", "identification": orjson.dumps(update).decode()}).encode()
    (outcome,) = post("/identify", form, {"Content-Type": "application/x-www-form-urlencoded"})
    assert outcome.write_key == "KEY"
    (made,) = events([outcome])
    assert (made["event"], made["user_id"], made["properties"]) == ("identify", "user_1", {"plan": "pro"})
    assert made["timestamp"] == RECEIVED


def test_the_groupidentify_form_is_a_group() -> None:
    update = {"group_type": "company", "group_value": "acme", "group_properties": {"seatCount": 7}}
    form = urlencode({"api_key": "KEY", "identification": orjson.dumps([update]).decode()}).encode()
    (made,) = events(post("/groupidentify", form))
    assert (made["event"], made["message_type"], made["group_id"]) == ("group", "group", "acme")
    assert made["properties"] == {"seat_count": 7, "group_type": "company"}
    (refused,) = lines({"group_type": "company", "group_properties": {}}, "amplitude")
    assert refusal([refused]).reason == "missing_identity"


@pytest.mark.parametrize("name", [None, "", {}])
def test_an_event_without_a_type_is_refused(name: Any) -> None:
    assert refusal(lines(sent(name))).reason == "missing_event"


@pytest.mark.parametrize("given", [{"$set": ["a"]}, ["a"], "plan"])
def test_user_properties_of_another_shape_are_refused(given: Any) -> None:
    assert refusal(lines(sent("$identify", user_properties=given))).reason == "invalid_json"
