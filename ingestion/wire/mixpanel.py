"""Mixpanel: /track and /import events, /engage profile updates and /groups updates."""

from __future__ import annotations

from typing import Any

from ingestion.contract import Reason
from ingestion.wire.context import CAMPAIGN, Places, fill_from_browser, is_prefixed, sort_out
from ingestion.wire.dialect import Batch, Dialect, Envelope, Json, Rejected, canonical_line, object_at
from ingestion.wire.names import snake_case, snake_keys
from ingestion.wire.values import identifier, text

_PLACES: Places = {
    **CAMPAIGN,
    "$current_url": ("page", "url"),
    "$referrer": ("page", "referrer"),
    "$referring_domain": ("page", "referring_domain"),
    "$device_id": ("device", "id"),
    "$device": ("device", "model"),
    "$model": ("device", "model"),
    "$brand": ("device", "brand"),
    "$manufacturer": ("device", "manufacturer"),
    "$os": ("os", "name"),
    "$os_version": ("os", "version"),
    "$browser": ("browser", "name"),
    "$browser_version": ("browser", "version"),
    "$screen_width": ("screen", "width"),
    "$screen_height": ("screen", "height"),
    "$screen_dpi": ("screen", "dpi"),
    "$app_name": ("app", "name"),
    "$app_version": ("app", "version"),
    "$app_version_string": ("app", "version"),
    "$app_build_number": ("app", "build"),
    "$app_namespace": ("app", "namespace"),
    "mp_lib": ("library", "name"),
    "$lib_version": ("library", "version"),
    "$carrier": ("network", "carrier"),
    "$radio": ("network", "radio"),
    "$wifi": ("network", "wifi"),
    "$city": ("location", "city"),
    "$region": ("location", "region"),
    "mp_country_code": ("location", "country"),
    "$timezone": ("timezone",),
    "$locale": ("locale",),
    "$ip": ("ip",),
    "ip": ("ip",),
    "$user_agent": ("user_agent",),
}
_PAGE_PLACES: Places = {
    **_PLACES,
    "current_page_title": ("page", "title"),
    "current_domain": ("page", "host"),
    "current_url_path": ("page", "path"),
    "current_url_search": ("page", "search"),
}

_is_dropped = is_prefixed(
    ("$mp_replay", "$mp_api_", "$initial_", "$failure_", "mp_processing_", "current_url_protocol"),
    frozenset(
        {
            "token", "time", "distinct_id", "$distinct_id", "$user_id", "$insert_id", "$identified_id", "$anon_id",
            "$anon_distinct_id", "$had_persisted_distinct_id", "$import", "$source", "mp_sent_by_lib_version",
            "$event_name", "$lib_version_string",
        }
    ),
)  # fmt: skip

# Profile updates, in the words of the API. $set is the update itself, the others say how.
_OPERATIONS = ("$set_once", "$add", "$append", "$union", "$remove", "$unset", "$delete")
# Mixpanel's own names for what other SDKs know under another.
_TRAITS = {"$created": "created_at", "$phone": "phone", "$avatar": "avatar"}
_ANONYMOUS = "$device:"


def _decode(item: Json, envelope: Envelope) -> Json:
    is_update = "event" not in item and any(key[:1] == "$" for key in item)
    return _update(item, envelope) if is_update else _event(item, envelope)


def _event(event: Json, envelope: Envelope) -> Json:
    given = object_at(event, "properties")
    name = event.get("event")
    is_page = name == "$mp_web_page_view"
    properties, context = sort_out(given, _PAGE_PLACES if is_page else _PLACES, _is_dropped)
    fill_from_browser(context, envelope)
    user_id, anonymous_id = _identity(given, given.get("distinct_id"))
    kind = "page" if is_page else "track"
    if name == "$identify":
        kind = "identify"
        user_id = identifier(given.get("$identified_id")) or user_id
        anonymous_id = (
            _bare(identifier(given.get("$anon_distinct_id")) or identifier(given.get("$anon_id"))) or anonymous_id
        )
    elif name == "$create_alias":
        # alias(new, original): distinct_id is who this was until now.
        kind = "alias"
        user_id, properties = _alias(given.get("alias"), given.get("distinct_id"))
    elif name == "$merge":
        kind = "alias"
        ids = given.get("$distinct_ids")
        pair: list[Any] = ids if isinstance(ids, list) and len(ids) == 2 else [None, None]
        user_id, properties = _alias(*sorted(pair, key=lambda one: str(one).startswith(_ANONYMOUS)))
    return canonical_line(
        message_type=kind,
        event=name,
        event_id=given.get("$insert_id"),
        user_id=user_id,
        anonymous_id=anonymous_id,
        original_timestamp=given.get("time"),
        sent_at=envelope.sent_at,
        received_at=envelope.received_at,
        properties=properties,
        context=context,
    )


def _update(item: Json, envelope: Envelope) -> Json:
    """A profile update: an identify of a user, or a group of a group."""
    properties: Json = {_TRAITS.get(key, key): value for key, value in object_at(item, "$set").items()}
    properties = snake_keys(properties)
    for operation in _OPERATIONS:
        if operation in item:
            value = item[operation]
            if operation == "$delete":
                value = True  # its value is ignored, and mostly empty
            elif operation == "$unset" and isinstance(value, list):
                value = [snake_case(name) if isinstance(name, str) else name for name in value]
            properties[operation[1:]] = snake_keys(value)
    context: Json = {}
    if (ip := text(item.get("$ip"))) and ip != "0":
        context["ip"] = ip
    group_id = identifier(item.get("$group_id"))
    if "$group_key" in item:
        if group_id is None:
            raise Rejected(Reason.MISSING_IDENTITY, "a group update needs $group_id")
        if group_type := text(item.get("$group_key")):
            properties["group_type"] = group_type
        user_id = anonymous_id = None
    else:
        user_id, anonymous_id = _identity(item, item.get("$distinct_id"))
        fill_from_browser(context, envelope)
    return canonical_line(
        message_type="identify" if group_id is None else "group",
        user_id=user_id,
        anonymous_id=anonymous_id,
        group_id=group_id,
        original_timestamp=item.get("$time"),
        sent_at=envelope.sent_at,
        received_at=envelope.received_at,
        properties=properties,
        context=context,
    )


def _identity(given: Json, distinct: object) -> tuple[str | None, str | None]:
    """(known, anonymous), from $user_id and $device_id where the SDK has them, else from distinct_id."""
    distinct_id = identifier(distinct)
    user = identifier(given.get("$user_id"))
    device = identifier(given.get("$device_id"))
    if distinct_id and distinct_id.startswith(_ANONYMOUS):
        return user, device or _bare(distinct_id)
    if user is None and distinct_id != device:
        user = distinct_id
    return user, device


def _alias(new: object, previous: object) -> tuple[str, Json]:
    user, old = identifier(new), _bare(identifier(previous))
    if user is None or old is None:
        raise Rejected(Reason.MISSING_IDENTITY, "joining two ids needs both of them")
    return user, {"previous_id": old}


def _bare(distinct_id: str | None) -> str | None:
    """`$device:abc` is the distinct_id of the device `abc`: one id, whichever way it is sent."""
    return distinct_id.removeprefix(_ANONYMOUS) if distinct_id else None


def _unwrap(body: Json, envelope: Envelope) -> Batch | None:
    return None  # several events are a bare list


def _key(item: Json) -> str | None:
    if key := text(item.get("$token")):
        return key
    given = item.get("properties")
    return text(given.get("token")) if type(given) is dict else None


def _recognises(item: Json) -> bool:
    if "$token" in item and ("$distinct_id" in item or "$group_key" in item or "$device_id" in item):
        return True
    given = item.get("properties")
    if "event" not in item or not isinstance(given, dict):
        return False
    if "mp_lib" in given:
        return True
    # PostHog's events have the same shape, with the time or the ids outside of the properties.
    inside = "time" in given and ("token" in given or "distinct_id" in given)
    return inside and not item.keys() & {"distinct_id", "uuid", "timestamp", "api_key"}


def _claims_path(path: str) -> bool:
    last = path.lower().rstrip("/").partition("#")[0]
    return last.endswith(("/track", "/import", "/engage", "/groups")) and "/v1/" not in last


DIALECT = Dialect(
    name="mixpanel",
    title="Mixpanel",
    telltale=frozenset({"event", "properties", "$token", "$distinct_id", "$set"}),
    claims_path=_claims_path,
    recognises=_recognises,
    unwrap=_unwrap,
    decode=_decode,
    write_key=_key,
)
