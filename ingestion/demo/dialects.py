"""Canonical events in the words of other SDKs: what a payload looks like on its way to the server.

Each function takes one canonical event (as a dictionary) and gives the payload that the SDK would have sent for
it. What an SDK does not say is not in its payload; everything else decodes back to the canonical event.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import orjson

Json = dict[str, Any]

_LETTER: Final = {"track": "t", "page": "p", "screen": "s", "identify": "i", "group": "g", "alias": "a"}
_SEGMENT_CONTEXT: Final = ("page", "campaign", "screen", "locale", "timezone", "app", "ip", "location")


def _title(event: str) -> str:
    """order_completed is Order Completed to people who follow Segment's advice on names."""
    return event.replace("_", " ").title()


def segment(event: Json, corrected: str, key: str) -> Json:
    """A message as Segment hands it on: it has corrected `timestamp`, and kept the client's."""
    message = _segment_message(event)
    message |= {
        "timestamp": corrected,
        "originalTimestamp": event["original_timestamp"],
        "sentAt": event["sent_at"],
        "receivedAt": event["received_at"],
        "writeKey": key,
    }
    return message


def _segment_message(event: Json) -> Json:
    kind = event["message_type"]
    given = event["context"]
    context: Json = {name: given[name] for name in _SEGMENT_CONTEXT if name in given}
    if "user_agent" in given:
        context["userAgent"] = given["user_agent"]
    if "app" in given:
        context["os"] = given["os"]
        context["device"] = given["device"] | {"type": given["os"]["name"].lower()}
        context["library"] = {"name": "analytics-ios" if given["os"]["name"] == "iOS" else "analytics-android"}
    else:
        context["library"] = {"name": "analytics.js", "version": "next-1.84.3"}
    if "consent_analytics" in event:
        context["consent"] = {
            "categoryPreferences": {
                "Analytics": event["consent_analytics"],
                "Advertising": event["consent_marketing"],
            }
        }
    properties: Json = dict(event["properties"])
    message: Json = {"type": kind, "messageId": event["event_id"], "context": context, "integrations": {}}
    if "user_id" in event:
        message["userId"] = event["user_id"]
    if "anonymous_id" in event:
        message["anonymousId"] = event["anonymous_id"]
    if kind in ("identify", "group"):
        message["traits"] = properties
    elif kind == "alias":
        message["previousId"] = properties["previous_id"]
    else:
        message["properties"] = properties
    if kind == "track":
        message["event"] = _title(event["event"])
    elif kind == "page":
        properties |= given.get("page", {})
        if "category" in properties:
            message["category"] = properties["category"]
    elif kind == "group":
        message["groupId"] = event["group_id"]
    return message


def rudderstack(event: Json, corrected: str, key: str) -> Json:
    """RudderStack's SDKs say when a session began, and leave the correction of the clock to others."""
    message = _segment_message(event)
    in_app = "app" in event["context"]
    message["context"]["library"] = {
        "name": f"RudderLabs {'Mobile' if in_app else 'JavaScript'} SDK",
        "version": "3.7.1",
    }
    if "session_id" in event:
        message["context"]["sessionId"] = int(event["session_id"])
    message |= {
        "channel": "mobile" if in_app else "web",
        "rudderId": event["event_id"],
        "originalTimestamp": event["original_timestamp"],
        "sentAt": event["sent_at"],
        "receivedAt": event["received_at"],
        "writeKey": key,
    }
    return message


def requests(event: Json, corrected: str, key: str) -> Json:
    """A recorded request of analytics.js: one message, in plain text, some of them compressed without a header."""
    message = _segment_message(event)
    message |= {"timestamp": event["original_timestamp"], "sentAt": event["sent_at"], "writeKey": key}
    body = orjson.dumps(message)
    if event["event_id"][0] < "8":
        body = gzip.compress(body, compresslevel=1, mtime=0)
    credentials = base64.b64encode(f"{key}:".encode()).decode()
    return {
        "method": "POST",
        "path": f"/v1/{_LETTER[event['message_type']]}",
        "headers": {"content-type": "text/plain", "authorization": f"Basic {credentials}"},
        "received_at": event["received_at"],
        "body_b64": base64.b64encode(body).decode(),
    }


_POSTHOG_CONTEXT: Final = (
    ("page", "url", "$current_url"),
    ("page", "path", "$pathname"),
    ("page", "referrer", "$referrer"),
    ("campaign", "source", "utm_source"),
    ("campaign", "medium", "utm_medium"),
    ("campaign", "name", "utm_campaign"),
    ("campaign", "term", "utm_term"),
    ("campaign", "content", "utm_content"),
    ("os", "name", "$os"),
    ("os", "version", "$os_version"),
    ("browser", "name", "$browser"),
    ("browser", "version", "$browser_version"),
    ("screen", "width", "$screen_width"),
    ("screen", "height", "$screen_height"),
    ("location", "country", "$geoip_country_code"),
)


def posthog(event: Json, corrected: str, key: str) -> Json:
    """posthog-js, as a row of its export: one flat bag of properties, its own with a dollar."""
    kind, given = event["message_type"], event["context"]
    user, anonymous = event.get("user_id"), event.get("anonymous_id")
    bag: Json = {} if kind in ("identify", "group", "alias") else dict(event["properties"])
    bag |= {name: given[part][field] for part, field, name in _POSTHOG_CONTEXT if field in given.get(part, {})}
    bag |= {
        "$lib": "web" if anonymous else "posthog-node",
        "$lib_version": "1.268.6",
        "$device_type": given["device"]["type"].title(),
        "$browser_language": given["locale"],
        "$timezone": given["timezone"],
        "$raw_user_agent": given["user_agent"],
        "$ip": given["ip"],
    }
    if anonymous:
        bag["$device_id"] = anonymous
    if user:
        bag["$user_id"] = user
    if "session_id" in event:
        bag["$session_id"] = event["session_id"]
    name = event["event"].replace("_", " ")
    if kind == "page":
        name = "$pageview"
        bag["title"] = given["page"]["title"]
    elif kind == "identify":
        name = "$identify"
        bag |= {"$set": event["properties"], "$anon_distinct_id": anonymous}
    elif kind == "group":
        name = "$groupidentify"
        bag |= {"$group_type": "company", "$group_key": event["group_id"], "$group_set": event["properties"]}
    elif kind == "alias":
        name = "$create_alias"
        bag["alias"] = event["properties"]["previous_id"]
    return {
        "uuid": event["event_id"],
        "event": name,
        "distinct_id": user or anonymous,
        "properties": bag,
        "timestamp": event["original_timestamp"],
        "api_key": key,
    }


_AMPLITUDE_PAGE: Final = (
    ("url", "Page URL"),
    ("path", "Page Path"),
    ("title", "Page Title"),
    ("referrer", "Referrer"),
)
_UTM: Final = (
    ("source", "source"),
    ("medium", "medium"),
    ("name", "campaign"),
    ("term", "term"),
    ("content", "content"),
)


def amplitude(event: Json, corrected: str, key: str) -> Json:
    """A body of Amplitude's HTTP API with one event; times in milliseconds, the session named by its start."""
    given = event["context"]
    properties: Json = dict(event["properties"])
    name = _title(event["event"])
    if event["message_type"] == "page":
        name = "[Amplitude] Page Viewed"
        page = given["page"]
        properties |= {f"[Amplitude] {shown}": page[field] for field, shown in _AMPLITUDE_PAGE if field in page}
        campaign = given.get("campaign", {})
        properties |= {f"utm_{shown}": campaign[field] for field, shown in _UTM if field in campaign}
    sent: Json = {
        "event_type": name,
        "event_properties": properties,
        "insert_id": event["event_id"],
        "time": milliseconds(event["original_timestamp"]),
        "library": "amplitude-ts/2.11.1",
        "platform": "Web",
        "os_name": given["os"]["name"],
        "os_version": given["os"]["version"],
        "device_type": given["device"]["type"],
        "language": given["locale"],
        "country": given["location"]["country"],
        "ip": given["ip"],
        "user_agent": given["user_agent"],
        "session_id": int(event["session_id"]),
    }
    if "user_id" in event:
        sent["user_id"] = event["user_id"]
    if "anonymous_id" in event:
        sent["device_id"] = event["anonymous_id"]
    return {"api_key": key, "events": [sent]}


_MIXPANEL_CONTEXT: Final = (
    ("page", "url", "$current_url"),
    ("page", "referrer", "$referrer"),
    ("campaign", "source", "utm_source"),
    ("campaign", "medium", "utm_medium"),
    ("campaign", "name", "utm_campaign"),
    ("campaign", "term", "utm_term"),
    ("campaign", "content", "utm_content"),
    ("os", "name", "$os"),
    ("browser", "name", "$browser"),
    ("browser", "version", "$browser_version"),
    ("screen", "width", "$screen_width"),
    ("screen", "height", "$screen_height"),
    ("location", "country", "mp_country_code"),
)


def mixpanel(event: Json, corrected: str, key: str) -> Json:
    """An event of Mixpanel's /track: everything is a property, the token included."""
    given = event["context"]
    user, anonymous = event.get("user_id"), event.get("anonymous_id")
    bag: Json = dict(event["properties"])
    bag |= {name: given[part][field] for part, field, name in _MIXPANEL_CONTEXT if field in given.get(part, {})}
    bag |= {
        "token": key,
        "time": milliseconds(event["original_timestamp"]),
        "$insert_id": event["event_id"],
        "distinct_id": user or f"$device:{anonymous}",
        "mp_lib": "web",
        "$lib_version": "2.64.0",
        "$locale": given["locale"],
        "$user_agent": given["user_agent"],
        "ip": given["ip"],
    }
    if user:
        bag["$user_id"] = user
    if anonymous:
        bag["$device_id"] = anonymous
    name = _title(event["event"])
    if event["message_type"] == "page":
        name = "$mp_web_page_view"
        page = given["page"]
        bag |= {"current_url_path": page["path"], "current_page_title": page["title"]}
        if "search" in page:
            bag["current_url_search"] = page["search"]
    return {"event": name, "properties": bag}


SNOWPLOW_COLUMNS: Final = 131
# Places of the columns of Snowplow's enriched event that this shop's pipeline fills.
_APP, _PLATFORM, _ETL, _COLLECTOR, _CREATED, _EVENT, _ID = 0, 1, 2, 3, 4, 5, 6
_TRACKER, _USER, _IP, _DOMAIN_USER, _COUNTRY = 9, 12, 13, 15, 18
_URL, _TITLE, _REFERRER, _PATH, _QUERY = 29, 30, 31, 35, 36
_MARKETING: Final = {"medium": 47, "source": 48, "term": 49, "content": 50, "name": 51}
_UNSTRUCT, _AGENT, _FAMILY, _VERSION, _LANGUAGE = 58, 77, 79, 80, 83
_OS, _TIMEZONE, _DEVICE, _WIDTH, _HEIGHT = 97, 100, 101, 103, 104
_SENT, _SESSION, _DERIVED, _VENDOR, _NAME, _FORMAT, _SCHEMA = 119, 123, 124, 125, 126, 127, 128
_KIND_OF_DEVICE: Final = {"desktop": "Computer", "mobile": "Mobile", "tablet": "Tablet"}


def snowplow(event: Json, corrected: str, key: str) -> bytes:
    """A row of Snowplow's enriched events: 131 columns, tab-separated."""
    given = event["context"]
    row = [""] * SNOWPLOW_COLUMNS
    page, campaign = given["page"], given.get("campaign", {})
    row[_APP], row[_PLATFORM], row[_ID] = key, "web", event["event_id"]
    row[_ETL] = row[_COLLECTOR] = _spaced(event["received_at"])
    row[_CREATED], row[_SENT] = _spaced(event["original_timestamp"]), _spaced(event["sent_at"])
    row[_DERIVED], row[_TRACKER] = _spaced(corrected), "js-3.24.0"
    row[_USER], row[_DOMAIN_USER] = event.get("user_id", ""), event.get("anonymous_id", "")
    row[_SESSION], row[_IP], row[_COUNTRY] = event["session_id"], given["ip"], given["location"]["country"]
    row[_URL], row[_TITLE], row[_PATH] = page["url"], page["title"], page["path"]
    row[_REFERRER], row[_QUERY] = page.get("referrer", ""), page.get("search", "").removeprefix("?")
    for field, column in _MARKETING.items():
        row[column] = campaign.get(field, "")
    row[_AGENT], row[_LANGUAGE], row[_TIMEZONE] = given["user_agent"], given["locale"], given["timezone"]
    row[_FAMILY], row[_VERSION] = given["browser"]["name"], given["browser"]["version"]
    row[_OS], row[_DEVICE] = given["os"]["name"], _KIND_OF_DEVICE[given["device"]["type"]]
    row[_WIDTH], row[_HEIGHT] = str(given["screen"]["width"]), str(given["screen"]["height"])
    row[_FORMAT], row[_SCHEMA] = "jsonschema", "1-0-0"
    if event["message_type"] == "page":
        row[_EVENT], row[_VENDOR], row[_NAME] = "page_view", "com.snowplowanalytics.snowplow", "page_view"
    else:
        schema = f"iglu:example.demo-shop/{event['event']}/jsonschema/1-0-0"
        data = {
            "schema": "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0",
            "data": {"schema": schema, "data": event["properties"]},
        }
        row[_EVENT], row[_VENDOR], row[_NAME] = "unstruct", "example.demo-shop", event["event"]
        row[_UNSTRUCT] = orjson.dumps(data).decode()
    return "\t".join(row).encode()


def _spaced(instant: str) -> str:
    return instant[:10] + " " + instant[11:23]


def milliseconds(instant: str) -> int:
    """The instant as a number of milliseconds since 1970."""
    moment = datetime.fromisoformat(instant)
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


ENCODERS: Final[dict[str, Callable[[Json, str, str], Json | bytes]]] = {
    "segment": segment,
    "rudderstack": rudderstack,
    "requests": requests,
    "posthog": posthog,
    "amplitude": amplitude,
    "mixpanel": mixpanel,
    "snowplow": snowplow,
}
