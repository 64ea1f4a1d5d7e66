"""Mixpanel: events in forms, base64 and lists, profile and group updates, and its ways of naming a device."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import pytest

from tests.unit.wire.helpers import BROWSER, RECEIVED, event, events, lines, post, refusal

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SECONDS = 1772359200
AT = "2026-03-01T10:00:00.000Z"


def sent(name: Any = "Order Completed", **properties: Any) -> dict[str, Any]:
    given = {"token": "TOKEN", "distinct_id": "u1", "time": SECONDS, "$insert_id": "i1", **properties}
    return {"event": name, "properties": given}


def update(**operations: Any) -> dict[str, Any]:
    return {"$token": "TOKEN", "$distinct_id": "u1", "$time": SECONDS, **operations}


def test_an_event_becomes_a_canonical_line() -> None:
    one = sent(
        revenue=49.9,
        mp_lib="web",
        **{
            "Item Count": 2,
            "$lib_version": "2.60.0",
            "$os": "Mac OS X",
            "$browser": "Chrome",
            "$browser_version": 140,
            "$current_url": "https://e.com/p",
            "$referrer": "$direct",
            "$screen_width": 1920,
            "$screen_height": 1080,
            "$device_id": "d1",
            "$user_id": "u1",
            "$city": "Berlin",
            "mp_country_code": "DE",
            "utm_source": "news",
            "$initial_referrer": "$direct",
            "$initial_referring_domain": "$direct",
            "ip": "192.0.2.1",
            "$mp_replay_id": "r1",
            "mp_processing_time_ms": 5,
            "$duration": 1.5,
        },
    )
    (outcome,) = post("/track/?verbose=1&ip=1&_=1772359202000", [one])
    assert (outcome.dialect, outcome.write_key) == ("mixpanel", "TOKEN")
    assert events([outcome]) == [
        {
            "event": "order_completed",
            "message_type": "track",
            "event_id": "i1",
            "user_id": "u1",
            "anonymous_id": "d1",
            "original_timestamp": AT,
            "sent_at": "2026-03-01T10:00:02.000Z",
            "received_at": RECEIVED,
            "properties": {"revenue": 49.9, "item_count": 2, "duration": 1.5},
            "context": {
                "library": {"name": "web", "version": "2.60.0"},
                "os": {"name": "Mac OS X"},
                "browser": {"name": "Chrome", "version": 140},
                "page": {"url": "https://e.com/p"},
                "screen": {"width": 1920, "height": 1080},
                "device": {"id": "d1"},
                "location": {"city": "Berlin", "country": "DE"},
                "campaign": {"source": "news"},
                "ip": "192.0.2.1",
            },
        }
    ]


JSON = orjson.dumps(sent(city="Zürich+Bern&Co?>>>>>>"))
assert b"+" in b64encode(JSON)


@pytest.mark.parametrize(
    "body",
    [
        urlencode({"data": JSON}).encode(),
        urlencode({"data": JSON, "verbose": 1, "ip": 0}).encode(),
        urlencode({"data": b"[" + JSON + b"]"}).encode(),
        urlencode({"data": b64encode(JSON)}).encode(),
        b"data=" + b64encode(JSON),  # not encoded for a form: its plus signs arrive as spaces
        urlencode({"data": urlsafe_b64encode(JSON).rstrip(b"=")}).encode(),
        f"data={quote(quote(JSON))}".encode(),
        JSON,
        b64encode(JSON),
    ],
)
def test_a_form_may_hold_json_or_base64(body: bytes) -> None:
    for headers in (FORM, {"Content-Type": "text/plain"}, {}):
        (made,) = events(post("/track", body, headers))
        assert (made["event"], made["properties"]) == ("order_completed", {"city": "Zürich+Bern&Co?>>>>>>"})


def test_a_get_request_holds_it_in_the_address() -> None:
    (made,) = events(post("/track/?" + urlencode({"data": b64encode(JSON)}), b"", method="GET"))
    assert made["event"] == "order_completed"


def test_an_import_takes_json_lines_and_each_gives_its_outcome() -> None:
    body = b"\n".join([orjson.dumps(sent("A")), b"{broken", b"", orjson.dumps(sent("B"))]) + b"\n"
    headers = {"Content-Type": "application/x-ndjson", "Authorization": "Basic " + b64encode(b"sa.user:pw").decode()}
    first, broken, last = post("/import?strict=1&project_id=7", body, headers)
    assert [made["event"] for made in events([first, last])] == ["a", "b"]
    assert refusal([broken]).reason == "invalid_json"
    assert broken.original == b"{broken"
    # where the first line is the broken one, too
    assert [type(one).__name__ for one in post("/import", b"{broken\n" + orjson.dumps(sent("A")))] == [
        "Undecodable",
        "Decoded",
    ]


def test_the_token_of_an_event_goes_before_the_credentials() -> None:
    headers = {"Authorization": "Basic " + b64encode(b"secret:").decode()}
    assert post("/import", [sent()], headers)[0].write_key == "TOKEN"
    without = {"event": "A", "properties": {"distinct_id": "u1", "time": SECONDS}}
    assert post("/import", [without], headers)[0].write_key == "secret"


@pytest.mark.parametrize(
    ("given", "user", "anonymous"),
    [
        ({"distinct_id": "u1"}, "u1", None),
        ({"distinct_id": 42}, "42", None),
        ({"distinct_id": "$device:d1"}, None, "d1"),
        ({"distinct_id": "$device:d1", "$device_id": "d1"}, None, "d1"),
        ({"distinct_id": "u1", "$device_id": "d1", "$user_id": "u1"}, "u1", "d1"),
        ({"distinct_id": "d1", "$device_id": "d1"}, None, "d1"),
        ({"distinct_id": "u1", "$device_id": "d1"}, "u1", "d1"),
        ({"distinct_id": None, "$user_id": "u1"}, "u1", None),
        ({"distinct_id": "$device:d1", "$user_id": "u1"}, "u1", "d1"),
    ],
)
def test_which_id_is_known_and_which_is_the_devices(
    given: dict[str, Any], user: str | None, anonymous: str | None
) -> None:
    made = event(sent(**given))
    assert (made.get("user_id"), made.get("anonymous_id")) == (user, anonymous)


@pytest.mark.parametrize("nobody", ["", None, "undefined", "$device:"])
def test_an_event_of_nobody_is_refused(nobody: Any) -> None:
    assert refusal(lines(sent(distinct_id=nobody))).reason == "missing_identity"


@pytest.mark.parametrize("time", [SECONDS, SECONDS * 1000, float(SECONDS), str(SECONDS), SECONDS * 1000 + 0.0])
def test_times_are_seconds_or_milliseconds(time: Any) -> None:
    assert event(sent(time=time))["original_timestamp"] == AT


def test_a_profile_update_is_an_identify_that_keeps_its_operations() -> None:
    one = update(
        **{
            "$set": {"$email": "ada@example.com", "$first_name": "Ada", "$created": "2026-01-01", "Plan": "pro"},
            "$set_once": {"First Login": "x"},
            "$add": {"logins": 1},
            "$append": {"tags": "a"},
            "$union": {"tags": ["b"]},
            "$remove": {"tags": "c"},
            "$unset": ["Trial Ends"],
            "$ip": "192.0.2.1",
        }
    )
    (outcome,) = post("/engage?verbose=1", urlencode({"data": orjson.dumps([one])}).encode(), FORM)
    assert (outcome.dialect, outcome.write_key) == ("mixpanel", "TOKEN")
    assert events([outcome]) == [
        {
            "event": "identify",
            "message_type": "identify",
            "user_id": "u1",
            "original_timestamp": AT,
            "received_at": RECEIVED,
            "properties": {
                "email": "ada@example.com",
                "first_name": "Ada",
                "created_at": "2026-01-01",
                "plan": "pro",
                "set_once": {"first_login": "x"},
                "add": {"logins": 1},
                "append": {"tags": "a"},
                "union": {"tags": ["b"]},
                "remove": {"tags": "c"},
                "unset": ["trial_ends"],
            },
            "context": {"ip": "192.0.2.1"},
        }
    ]


def test_a_profile_may_be_a_devices_and_may_be_deleted() -> None:
    made = event(update(**{"$distinct_id": "$device:d1", "$delete": "", "$ip": "0"}))
    assert (made["anonymous_id"], made["properties"]) == ("d1", {"delete": True})
    assert "user_id" not in made
    assert "context" not in made


def test_a_group_update_is_about_no_person() -> None:
    one = {"$token": "TOKEN", "$group_key": "company", "$group_id": "acme", "$set": {"Seats": 7}}
    made = event(one)
    assert (made["event"], made["message_type"], made["group_id"]) == ("group", "group", "acme")
    assert made["properties"] == {"seats": 7, "group_type": "company"}
    assert refusal(lines({"$token": "TOKEN", "$group_key": "company", "$set": {}})).reason == "missing_identity"


def test_identify_joins_the_device_and_the_user() -> None:
    made = event(sent("$identify", distinct_id="u1", **{"$anon_distinct_id": "$device:d1", "$identified_id": "u1"}))
    assert (made["event"], made["message_type"]) == ("identify", "identify")
    assert (made["user_id"], made["anonymous_id"]) == ("u1", "d1")
    assert "properties" not in made


def test_alias_and_merge_name_the_new_id_and_the_previous() -> None:
    made = event(sent("$create_alias", distinct_id="d1", alias="u1"))
    assert (made["event"], made["user_id"], made["properties"]) == ("alias", "u1", {"previous_id": "d1"})
    made = event(sent("$merge", **{"$distinct_ids": ["$device:d1", "u1"]}))
    assert (made["event"], made["user_id"], made["properties"]) == ("alias", "u1", {"previous_id": "d1"})
    for broken in (sent("$create_alias", distinct_id="d1"), sent("$merge", **{"$distinct_ids": ["a"]}), sent("$merge")):
        assert refusal(lines(broken)).reason == "missing_identity"


def test_a_page_view_of_the_browser_sdk_keeps_its_page_in_the_context() -> None:
    page = {
        "current_page_title": "P",
        "current_domain": "e.com",
        "current_url_path": "/p",
        "current_url_protocol": "https:",
        "current_url_search": "?x",
        "$current_url": "https://e.com/p?x",
        "plan": "pro",
        "mp_lib": "web",
    }
    (made,) = events(post("/track", [sent("$mp_web_page_view", **page)], {"User-Agent": BROWSER}))
    assert (made["event"], made["message_type"], made["properties"]) == ("page_viewed", "page", {"plan": "pro"})
    assert made["context"]["page"] == {
        "title": "P",
        "host": "e.com",
        "path": "/p",
        "search": "?x",
        "url": "https://e.com/p?x",
    }
    assert made["context"]["user_agent"] == BROWSER


@pytest.mark.parametrize("name", [None, "", "  "])
def test_an_event_without_a_name_is_refused(name: Any) -> None:
    assert refusal(lines(sent(name))).reason == "missing_event"
    assert refusal(lines({"properties": {"distinct_id": "u1"}}, "mixpanel")).reason == "missing_event"
