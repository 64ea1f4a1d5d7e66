"""Snowplow's tracker protocol: short text parameters, JSON and base64 inside, entities around the event."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from tests.unit.wire.helpers import BROWSER, RECEIVED, event, events, lines, post, refusal

TP2 = "/com.snowplowanalytics.snowplow/tp2"
PAYLOAD = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
CONTEXTS = "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-1"
UNSTRUCT = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"
MS = "1772359200123"
AT = "2026-03-01T10:00:00.123Z"


def sent(kind: str = "pv", **more: Any) -> dict[str, Any]:
    return {"e": kind, "eid": "e1", "aid": "shop", "tv": "js-3.24.0", "p": "web", "duid": "d1", "dtm": MS, **more}


def custom(schema: str, data: Any) -> str:
    return orjson.dumps({"schema": UNSTRUCT, "data": {"schema": schema, "data": data}}).decode()


def entities(*pairs: tuple[str, Any]) -> str:
    return orjson.dumps({"schema": CONTEXTS, "data": [{"schema": s, "data": d} for s, d in pairs]}).decode()


def test_a_page_view_becomes_a_canonical_line() -> None:
    one = sent(
        uid="u1", sid="s1", vid="3", nuid="n1", stm="1772359201000", url="https://e.com/p?x=1", page="P", lang="en-US",
        refr="https://g.com/", tz="Europe/Berlin", res="1920x1080", vp="1400x900", ds="1400x3000", cd="24", cookie="1",
        tna="sp", f_pdf="1", ua="Own/1.0", ip="192.0.2.1",
    )  # fmt: skip
    (outcome,) = post(TP2, {"schema": PAYLOAD, "data": [one]}, {"User-Agent": BROWSER})
    assert (outcome.dialect, outcome.write_key) == ("snowplow", "shop")
    assert events([outcome]) == [
        {
            "event": "page_viewed",
            "message_type": "page",
            "event_id": "e1",
            "user_id": "u1",
            "anonymous_id": "d1",
            "session_id": "s1",
            "original_timestamp": AT,
            "sent_at": "2026-03-01T10:00:01.000Z",
            "received_at": RECEIVED,
            "context": {
                "page": {"url": "https://e.com/p?x=1", "title": "P", "referrer": "https://g.com/"},
                "app": {"name": "shop"},
                "platform": "web",
                "locale": "en-US",
                "timezone": "Europe/Berlin",
                "ip": "192.0.2.1",
                "user_agent": "Own/1.0",
                "screen": {"width": 1920, "height": 1080},
                "viewport": {"width": 1400, "height": 900},
                "library": {"name": "js", "version": "3.24.0"},
            },
        }
    ]


def test_the_pixel_holds_the_event_in_its_address() -> None:
    (outcome,) = post(
        "/i?" + urlencode(sent(url="https://e.com/?a=b&c=d", page="Ä")), b"", {"User-Agent": BROWSER}, method="GET"
    )
    (made,) = events([outcome])
    assert made["context"]["page"] == {"url": "https://e.com/?a=b&c=d", "title": "Ä"}
    assert made["context"]["user_agent"] == BROWSER
    assert (made["anonymous_id"], made["original_timestamp"]) == ("d1", AT)


def test_a_structured_event_is_named_by_its_action() -> None:
    made = event(sent("se", se_ca="Shop", se_ac="Add to Basket", se_la="A1", se_pr="colour", se_va="24.95"))
    assert (made["event"], made["message_type"]) == ("add_to_basket", "track")
    assert made["properties"] == {
        "category": "Shop", "action": "Add to Basket", "label": "A1", "property": "colour", "value": 24.95,
    }  # fmt: skip
    assert event(sent("se", se_ca="Shop", se_ac="a", se_va="many"))["properties"]["value"] == "many"
    assert refusal(lines(sent("se", se_ca="Shop"))).reason == "missing_event"


LINK = "iglu:com.acme/Link_Click-v2/jsonschema/2-1-0"
LINK_JSON = custom(LINK, {"targetUrl": "https://e.com/?>~ü"})


@pytest.mark.parametrize(
    "inside",
    [
        {"ue_pr": LINK_JSON},
        {"ue_pr": orjson.loads(LINK_JSON)},
        {"ue_px": b64encode(LINK_JSON.encode()).decode()},
        {"ue_px": urlsafe_b64encode(LINK_JSON.encode()).decode()},
        {"ue_px": urlsafe_b64encode(LINK_JSON.encode()).decode().rstrip("=")},
    ],
)
def test_a_custom_event_is_named_by_its_schema(inside: dict[str, Any]) -> None:
    made = event(sent("ue", **inside))
    assert (made["event"], made["message_type"], made["schema_version"]) == ("link_click_v2", "track", "2-1-0")
    assert made["properties"] == {"target_url": "https://e.com/?>~ü"}


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        ({}, "missing_event"),
        ({"ue_pr": "{}"}, "missing_event"),
        ({"ue_pr": "[]"}, "missing_event"),
        ({"ue_pr": custom("no-schema", {})}, "missing_event"),
        ({"ue_pr": "{broken"}, "invalid_json"),
        ({"ue_px": "!!!"}, "invalid_json"),
        ({"ue_px": b64encode(b"{broken").decode()}, "invalid_json"),
        ({"ue_pr": "[" * 500 + "]" * 500}, "invalid_json"),
        ({"ue_px": b64encode(b"[" * 20_000).decode()}, "invalid_json"),
    ],
)
def test_a_custom_event_that_is_none_is_refused(inside: dict[str, Any], reason: str) -> None:
    assert refusal(lines(sent("ue", **inside))).reason == reason


def test_page_pings_and_transactions() -> None:
    made = event(sent("pp", url="https://e.com/", pp_mix="0", pp_max="7", pp_miy="0", pp_may="900"))
    assert (made["event"], made["properties"]) == ("page_ping", {"min_x": 0, "max_x": 7, "min_y": 0, "max_y": 900})
    made = event(sent("tr", tr_id="o-1", tr_tt="49.9", tr_cu="EUR", tr_sh="", tr_co="DE"))
    assert made["event"] == "transaction"
    assert made["properties"] == {"order_id": "o-1", "total": 49.9, "currency": "EUR", "country": "DE"}
    made = event(sent("ti", ti_id="o-1", ti_sk="A1", ti_pr="24.95", ti_qu="2", ti_nm="Mug"))
    assert made["event"] == "transaction_item"
    assert made["properties"] == {"order_id": "o-1", "sku": "A1", "price": 24.95, "quantity": 2, "name": "Mug"}


@pytest.mark.parametrize("kind", ["xx", "", None, 5])
def test_an_unknown_kind_of_event_is_refused(kind: Any) -> None:
    assert refusal(lines(sent(kind), "snowplow")).reason == "missing_event"


SESSION = "iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2"
MOBILE = "iglu:com.snowplowanalytics.snowplow/mobile_context/jsonschema/1-0-3"
APPLICATION = "iglu:com.snowplowanalytics.mobile/application/jsonschema/1-0-0"
SCREEN = "iglu:com.snowplowanalytics.mobile/screen/jsonschema/1-0-0"
SCREEN_VIEW = "iglu:com.snowplowanalytics.mobile/screen_view/jsonschema/1-0-0"


def test_a_mobile_event_has_its_ids_and_device_in_entities() -> None:
    around = entities(
        (SESSION, {"userId": "install-1", "sessionId": "s9", "sessionIndex": 4, "previousSessionId": None}),
        (MOBILE, {
            "osType": "ios", "osVersion": "17.4", "deviceManufacturer": "Apple Inc.", "deviceModel": "iPhone15,2",
            "carrier": "T-Mobile", "networkType": "wifi", "appleIdfv": "V-1",
        }),
        (APPLICATION, {"version": "3.1", "build": "310"}),
        (SCREEN, {"name": "Home", "id": "x"}),
    )  # fmt: skip
    view = custom(SCREEN_VIEW, {"id": "x", "name": "Home", "previousName": "Splash"})
    one = sent("ue", p="mob", tv="ios-6.0.1", ue_pr=view, cx=urlsafe_b64encode(around.encode()).decode())
    one.pop("duid")
    made = event(one)
    assert (made["event"], made["message_type"]) == ("screen_viewed", "screen")
    assert (made["anonymous_id"], made["session_id"]) == ("install-1", "s9")
    assert made["properties"] == {"id": "x", "screen_name": "Home", "previous_name": "Splash"}
    assert made["context"] == {
        "app": {"name": "shop", "version": "3.1", "build": "310"},
        "platform": "mob",
        "library": {"name": "ios", "version": "6.0.1"},
        "device": {"type": "mobile", "manufacturer": "Apple Inc.", "model": "iPhone15,2", "id": "V-1"},
        "os": {"name": "ios", "version": "17.4"},
        "network": {"carrier": "T-Mobile", "type": "wifi"},
    }


def test_the_first_party_cookie_goes_before_other_anonymous_ids() -> None:
    around = entities((SESSION, {"userId": "install-1", "sessionId": "s9"}))
    assert event(sent(co=around, nuid="n1", tnuid="t1", sid="s1"))["anonymous_id"] == "d1"
    assert event(sent(co=around, nuid="n1", sid="s1"))["session_id"] == "s1"
    assert event(sent(duid=None, co=around, nuid="n1"))["anonymous_id"] == "install-1"
    assert event(sent(duid=None, nuid="n1", tnuid="t1"))["anonymous_id"] == "t1"
    assert event(sent(duid=None, nuid="n1"))["anonymous_id"] == "n1"


def test_a_cookieless_visitor_is_nobody() -> None:
    assert refusal(lines(sent(duid=None, nuid="00000000-0000-0000-0000-000000000000"))).reason == "missing_identity"


def test_other_entities_are_kept_under_their_names() -> None:
    around = entities(
        ("iglu:com.acme/product_page/jsonschema/1-0-0", {"pageType": "pdp"}),
        ("iglu:com.acme/tag/jsonschema/1-0-0", {"n": 1}),
        ("iglu:com.acme/tag/jsonschema/1-0-0", {"n": 2}),
        ("iglu:com.acme/tag/jsonschema/1-0-0", {"n": 3}),
        ("iglu:com.snowplowanalytics.snowplow/web_page/jsonschema/1-0-0", {"id": "v1"}),
        ("not a schema", {"x": 1}),
    )
    context = event(sent(co=around))["context"]
    assert context["product_page"] == {"page_type": "pdp"}
    assert context["tag"] == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert context["page"] == {"view_id": "v1"}


def test_an_ecommerce_action_is_named_by_its_type_and_brings_its_entities() -> None:
    vendor = "iglu:com.snowplowanalytics.snowplow.ecommerce"
    around = entities(
        (f"{vendor}/product/jsonschema/1-0-0", {"id": "p1", "price": 5, "currency": "EUR"}),
        (f"{vendor}/product/jsonschema/1-0-0", {"id": "p2", "price": 7, "currency": "EUR"}),
        (f"{vendor}/cart/jsonschema/1-0-0", {"total_value": 12, "currency": "EUR"}),
    )
    action = custom(f"{vendor}/snowplow_ecommerce_action/jsonschema/1-0-2", {"type": "add_to_cart"})
    made = event(sent("ue", ue_pr=action, co=around))
    assert made["event"] == "add_to_cart"
    assert made["properties"] == {
        "type": "add_to_cart",
        "products": [{"id": "p1", "price": 5, "currency": "EUR"}, {"id": "p2", "price": 7, "currency": "EUR"}],
        "cart": {"total_value": 12, "currency": "EUR"},
    }
    assert "cart" not in made["context"]


@pytest.mark.parametrize(
    ("data", "flags"),
    [
        ({"eventType": "allow_all", "consentScopes": []}, (True, True, True)),
        ({"eventType": "deny_all", "consentScopes": []}, (False, False, False)),
        ({"eventType": "allow_selected", "consentScopes": ["necessary", "statistics"]}, (True, False, False)),
        ({"eventType": "withdrawn", "consentScopes": ["analytics"]}, (False, False, False)),
        ({"eventType": "pending", "consentScopes": []}, (None, None, None)),
    ],
)
def test_a_choice_in_the_consent_banner_becomes_flags(data: dict[str, Any], flags: tuple[bool | None, ...]) -> None:
    schema = "iglu:com.snowplowanalytics.snowplow/consent_preferences/jsonschema/1-0-0"
    made = event(sent("ue", ue_pr=custom(schema, data)))
    assert made["event"] == "consent_preferences"
    assert tuple(made.get(f"consent_{one}") for one in ("analytics", "marketing", "personalization")) == flags


def test_the_true_time_is_the_time() -> None:
    made = event(sent(ttm="1772359100000"))
    assert (made["timestamp"], made["original_timestamp"]) == ("2026-03-01T09:58:20.000Z", AT)
    assert refusal(lines(sent(dtm="soon"))).reason == "bad_timestamp"


def test_what_only_enrichment_may_say_is_not_taken_from_a_tracker() -> None:
    made = event(
        sent(context={"ip": "x"}, derived=[{"a": 1}], derived_tstamp="2020-01-01", collector_tstamp="2020-01-01")
    )
    assert "timestamp" not in made
    assert "received_at" not in made
    assert "ip" not in made["context"]


@pytest.mark.parametrize(
    "odd", [{"res": "big"}, {"res": "1920x"}, {"tv": "unversioned"}, {"tv": 5}, {"co": "{}"}, {"co": '{"data": 1}'}]
)
def test_a_parameter_of_another_shape_does_not_cost_the_event(odd: dict[str, Any]) -> None:
    assert event(sent(**odd))["event"] == "page_viewed"
