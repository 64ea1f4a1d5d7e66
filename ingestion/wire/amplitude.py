"""Amplitude: HTTP V2 and batch (`{api_key, events: [...]}`), and the identify forms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ingestion.contract import Reason
from ingestion.wire.context import CAMPAIGN, Places, fill_from_browser, normalise, place, set_library
from ingestion.wire.dialect import Batch, Dialect, Envelope, Json, Rejected, canonical_line, object_at
from ingestion.wire.names import snake_case, snake_keys
from ingestion.wire.values import identifier, rfc3339_or_none, text

_PLACES: Places = {
    "platform": ("platform",),
    "os_name": ("os", "name"),
    "os_version": ("os", "version"),
    "device_id": ("device", "id"),
    "device_brand": ("device", "brand"),
    "device_manufacturer": ("device", "manufacturer"),
    "device_model": ("device", "model"),
    "device_type": ("device", "type"),
    "idfa": ("device", "advertising_id"),
    "adid": ("device", "advertising_id"),
    "carrier": ("network", "carrier"),
    "country": ("location", "country"),
    "region": ("location", "region"),
    "city": ("location", "city"),
    "dma": ("location", "dma"),
    "location_lat": ("location", "latitude"),
    "location_lng": ("location", "longitude"),
    "language": ("locale",),
    "app_version": ("app", "version"),
    "version_name": ("app", "version"),
    "user_agent": ("user_agent",),
}
# Without the logo, see _own_names. Page Location has the query string that Page URL lacks.
_PAGE: Places = {
    **CAMPAIGN,
    "page_url": ("page", "url"),
    "page_location": ("page", "url"),
    "page_path": ("page", "path"),
    "page_title": ("page", "title"),
    "page_domain": ("page", "host"),
    "referrer": ("page", "referrer"),
    "referring_domain": ("page", "referring_domain"),
}
_LOGO = "[Amplitude] "
_MONEY = ("price", "quantity", "revenue", "productId", "revenueType", "currency")


def _decode(event: Json, envelope: Envelope) -> Json:
    name = event.get("event_type")
    context: Json = {}
    for key, where in _PLACES.items():
        if key in event:
            place(context, where, event[key])
    set_library(context, event.get("library"), "/")
    # "$remote" asks the server to take the address of the request.
    if (ip := text(event.get("ip"))) and ip != "$remote":
        context["ip"] = ip
    fill_from_browser(context, envelope)
    normalise(context)

    groups = object_at(event, "groups")
    group_type, group_id = _first_group(groups)
    kind = "track"
    if name == "$identify" or (name is None and "user_properties" in event):
        kind = "identify"
        updates = _updates(event, "user_properties")
        properties: Json = {**updates.pop("set", {}), **updates}
    elif name == "$groupidentify" or (name is None and "group_properties" in event):
        kind = "group"
        if group_id is None:  # the /groupidentify form names its group so
            group_type, group_id = text(event.get("group_type")), identifier(event.get("group_value"))
        if group_id is None:
            raise Rejected(Reason.MISSING_IDENTITY, "a $groupidentify needs groups")
        updates = _updates(event, "group_properties")
        properties = {**updates.pop("set", {}), **updates}
        if group_type:
            properties["group_type"] = group_type
    else:
        properties = _own_names(object_at(event, "event_properties"))
        for key in _MONEY:
            if (value := event.get(key)) is not None:
                properties.setdefault(snake_case(key), value)
        if name == "[Amplitude] Page Viewed":
            kind = "page"
            for key, where in _PAGE.items():
                if key in properties:
                    place(context, where, properties.pop(key))
        elif name == "[Amplitude] Screen Viewed":
            kind = "screen"
        if updates := _updates(event, "user_properties"):
            properties["user_properties"] = updates
        if len(groups) > 1:
            properties["groups"] = snake_keys(groups)

    session_id = event.get("session_id")
    return canonical_line(
        message_type=kind,
        event=name.removeprefix(_LOGO) if type(name) is str else name,
        event_id=event.get("insert_id"),
        user_id=event.get("user_id"),
        anonymous_id=event.get("device_id"),
        session_id=None if session_id in (-1, "-1") else session_id,  # -1: outside of any session
        group_id=group_id,
        original_timestamp=event.get("time"),
        sent_at=envelope.sent_at,
        received_at=envelope.received_at,
        properties=properties,
        context=context,
    )


def _own_names(given: Json) -> Json:
    """The properties in snake_case, those of autocapture without the logo: `[Amplitude] Page URL`, `page_url`."""
    if not any(key.startswith(_LOGO) for key in given):
        properties: Json = snake_keys(given)
        return properties
    bare = {key.removeprefix(_LOGO): value for key, value in given.items() if not key.startswith(_LOGO)}
    for key, value in given.items():
        if key.startswith(_LOGO):
            bare.setdefault(key.removeprefix(_LOGO), value)
    properties = snake_keys(bare)
    return properties


def _updates(event: Json, key: str) -> Json:
    """What an event says of the person or the group: {set, set_once, add, append, ..., unset}. Plain keys are set."""
    updates: Json = {}
    plain: Json = {}
    for operation, values in object_at(event, key).items():
        if not operation.startswith("$"):
            plain[operation] = values
        elif operation == "$unset" and isinstance(values, dict):
            updates["unset"] = list(snake_keys(values))
        elif operation == "$clearAll":
            updates["clear_all"] = True
        elif values:
            updates[snake_case(operation)] = snake_keys(values)
    if plain:
        already = updates.get("set")
        updates["set"] = {**snake_keys(plain), **(already if isinstance(already, dict) else {})}
    if not isinstance(updates.get("set", {}), dict):
        raise Rejected(Reason.INVALID_JSON, f"{key}.$set is not an object")
    return updates


def _first_group(groups: Json) -> tuple[str | None, str | None]:
    for group_type, names in groups.items():
        name = names[0] if isinstance(names, list) and names else names
        if (group := identifier(name)) is not None:
            return group_type, group
    return None, None


def _unwrap(body: Json, envelope: Envelope) -> Batch | None:
    for key in ("events", "identification"):
        events: Any = body.get(key)
        if isinstance(events, dict):
            events = [events]
        if isinstance(events, list):
            sent_at = rfc3339_or_none(body.get("client_upload_time")) or envelope.sent_at
            return Batch(key, events, replace(envelope, write_key=_key(body) or envelope.write_key, sent_at=sent_at))
    return None


def _key(body: Json) -> str | None:
    return text(body.get("api_key"))


def _recognises(body: Json) -> bool:
    if "event_type" in body or "identification" in body:
        return True
    events = body.get("events")
    return isinstance(events, list) and (
        "api_key" in body or any(isinstance(event, dict) and "event_type" in event for event in events)
    )


def _claims_path(path: str) -> bool:
    whole = path.lower().rstrip("/")
    return whole.endswith(("/2/httpapi", "/batch", "/identify", "/groupidentify")) and "/v1/" not in whole


DIALECT = Dialect(
    name="amplitude",
    title="Amplitude",
    telltale=frozenset(
        {"event_type", "user_id", "device_id", "event_properties", "user_properties", "insert_id", "time"}
    ),
    claims_path=_claims_path,
    recognises=_recognises,
    unwrap=_unwrap,
    decode=_decode,
    write_key=_key,
)
