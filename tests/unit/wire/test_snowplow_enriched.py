"""Snowplow's enriched events: rows of 131 columns."""

from __future__ import annotations

import orjson
import pytest

from ingestion.wire.snowplow_enriched import COLUMNS
from tests.unit.wire.helpers import event, events, lines, refusal


def row(**cells: str) -> bytes:
    assert not cells.keys() - set(COLUMNS)
    return "\t".join(cells.get(column, "") for column in COLUMNS).encode()


PAGE_VIEW = {
    "app_id": "shop",
    "platform": "web",
    "etl_tstamp": "2026-03-01 10:00:09.000",
    "collector_tstamp": "2026-03-01 10:00:03.210",
    "dvce_created_tstamp": "2026-03-01 09:00:00.123",
    "dvce_sent_tstamp": "2026-03-01 09:00:02.000",
    "derived_tstamp": "2026-03-01 10:00:01.333",
    "event": "page_view",
    "event_id": "e1",
    "v_tracker": "js-3.24.0",
    "user_id": "u1",
    "user_ipaddress": "192.0.2.1",
    "domain_userid": "d1",
    "domain_sessionidx": "3",
    "domain_sessionid": "s1",
    "network_userid": "n1",
    "geo_country": "DE",
    "geo_city": "Berlin",
    "geo_latitude": "52.5",
    "page_url": "https://e.com/p?utm_source=news",
    "page_title": "P",
    "page_referrer": "https://g.com/",
    "page_urlpath": "/p",
    "page_urlquery": "utm_source=news",
    "refr_medium": "search",
    "refr_source": "Google",
    "mkt_source": "news",
    "mkt_campaign": "spring",
    "mkt_clickid": "g1",
    "useragent": "Mozilla/5.0",
    "br_family": "Chrome",
    "br_version": "140.0",
    "br_lang": "en-US",
    "os_name": "Mac OS X",
    "os_timezone": "Europe/Berlin",
    "dvce_type": "Computer",
    "dvce_screenwidth": "1920",
    "dvce_screenheight": "1080",
    "br_viewwidth": "1400",
    "br_viewheight": "900",
    "event_vendor": "com.snowplowanalytics.snowplow",
    "event_name": "page_view",
}


def test_there_are_131_columns_in_the_order_of_the_specification() -> None:
    assert len(COLUMNS) == len(set(COLUMNS)) == 131
    # by the positions of the atomic schema
    assert [COLUMNS[at] for at in (0, 6, 12, 15, 22, 23, 52, 58, 77, 108, 121, 122, 130)] == [
        "app_id", "event_id", "user_id", "domain_userid", "geo_latitude", "geo_longitude", "contexts", "unstruct_event",
        "useragent", "tr_currency", "refr_dvce_tstamp", "derived_contexts", "true_tstamp",
    ]  # fmt: skip


def test_a_row_becomes_a_canonical_line() -> None:
    (outcome,) = lines(row(**PAGE_VIEW))
    assert (outcome.dialect, outcome.write_key) == ("snowplow", "shop")
    assert outcome.original == row(**PAGE_VIEW)
    assert events([outcome])[0] == {
        "event": "page_viewed",
        "message_type": "page",
        "event_id": "e1",
        "user_id": "u1",
        "anonymous_id": "d1",
        "session_id": "s1",
        "timestamp": "2026-03-01T10:00:01.333Z",
        "original_timestamp": "2026-03-01T09:00:00.123Z",
        "sent_at": "2026-03-01T09:00:02.000Z",
        "received_at": "2026-03-01T10:00:03.210Z",
        "context": {
            "page": {
                "path": "/p", "search": "?utm_source=news", "url": "https://e.com/p?utm_source=news", "title": "P",
                "referrer": "https://g.com/",
            },
            "campaign": {"source": "news", "name": "spring", "click_id": "g1"},
            "referrer": {"medium": "search", "source": "Google"},
            "browser": {"name": "Chrome", "version": "140.0"},
            "os": {"name": "Mac OS X"},
            "device": {"type": "desktop"},
            "screen": {"width": 1920, "height": 1080},
            "viewport": {"width": 1400, "height": 900},
            "location": {"country": "DE", "city": "Berlin", "latitude": 52.5},
            "app": {"name": "shop"},
            "platform": "web",
            "locale": "en-US",
            "timezone": "Europe/Berlin",
            "ip": "192.0.2.1",
            "user_agent": "Mozilla/5.0",
            "library": {"name": "js", "version": "3.24.0"},
        },
    }  # fmt: skip


def test_the_line_may_end_like_any_file_and_its_last_cells_may_be_empty() -> None:
    assert event(row(**PAGE_VIEW) + b"\r\n") == event(row(**PAGE_VIEW))
    assert event(row(**{**PAGE_VIEW, "app_id": ""}) + b"\n")["event"] == "page_viewed"


def test_custom_and_structured_events_and_transactions() -> None:
    inner = {"schema": "iglu:com.acme/sign_up/jsonschema/1-2-0", "data": {"planName": "pro"}}
    wrapped = orjson.dumps({"schema": "iglu:x/unstruct_event/jsonschema/1-0-0", "data": inner}).decode()
    made = event(row(event="unstruct", unstruct_event=wrapped, user_id="u1"))
    assert (made["event"], made["schema_version"], made["properties"]) == ("sign_up", "1-2-0", {"plan_name": "pro"})
    made = event(row(event="struct", se_category="shop", se_action="buy", se_value="24.95", user_id="u1"))
    assert (made["event"], made["properties"]) == ("buy", {"category": "shop", "action": "buy", "value": 24.95})
    made = event(row(event="transaction", tr_orderid="o-1", tr_total="49.9", tr_currency="EUR", user_id="u1"))
    assert (made["event"], made["properties"]) == ("transaction", {"order_id": "o-1", "total": 49.9, "currency": "EUR"})
    made = event(row(event="page_ping", pp_yoffset_max="900", user_id="u1"))
    assert (made["event"], made["properties"]) == ("page_ping", {"max_y": 900})


def test_entities_of_tracker_and_enrichment_are_both_read() -> None:
    def wrap(name: str, data: dict[str, str]) -> str:
        one = {"schema": f"iglu:com.acme/{name}/jsonschema/1-0-0", "data": data}
        return orjson.dumps({"schema": "iglu:x/contexts/jsonschema/1-0-1", "data": [one]}).decode()

    derived = wrap(
        "ua_parser_context", {"useragentFamily": "Firefox", "useragentVersion": "Firefox 140", "osFamily": "Linux"}
    )
    made = event(
        row(event="page_view", user_id="u1", contexts=wrap("basket", {"itemCount": "2"}), derived_contexts=derived)
    )
    assert made["context"]["basket"] == {"item_count": "2"}
    assert made["context"]["browser"] == {"name": "Firefox", "version": "Firefox 140"}
    assert made["context"]["os"] == {"name": "Linux"}


@pytest.mark.parametrize(
    ("line", "reason", "said"),
    [
        (row(**PAGE_VIEW) + b"\tmore", "invalid_json", "131 tab-separated columns, this one has 132"),
        (b"a\tb", "invalid_json", "this one has 2"),
        (b"garbage", "invalid_json", "this one has 1"),
        (row(**PAGE_VIEW).replace(b"Berlin", b"\xff"), "invalid_json", "not UTF-8"),
        (row(user_id="u1"), "missing_event", "no event type"),
        (row(event="unheard_of", user_id="u1"), "missing_event", "unheard_of"),
        (row(event="page_view"), "missing_identity", ""),
        (row(event="page_view", user_id="u1", dvce_created_tstamp="yesterday"), "bad_timestamp", "yesterday"),
        (row(event="page_view", user_id="u1", derived_contexts="{broken"), "invalid_json", "not JSON"),
        (row(event="page_view", user_id="u1", derived_contexts="[" * 300 + "]" * 300), "invalid_json", "deeper"),
    ],
)
def test_a_row_that_is_none_is_refused(line: bytes, reason: str, said: str) -> None:
    refused = refusal(lines(line, "snowplow"))
    assert refused.reason == reason
    assert said in refused.detail
    assert refused.original == line
