"""PostHog: batches of the server and mobile SDKs, and what posthog-js sends to /e/, /i/v0/e/ and /capture/."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

from ingestion.contract import Reason
from ingestion.wire.context import CAMPAIGN, Places, fill_from_browser, is_prefixed, sort_out
from ingestion.wire.dialect import Batch, Dialect, Envelope, Json, Rejected, canonical_line, object_at
from ingestion.wire.names import snake_keys
from ingestion.wire.values import identifier, rfc3339, text

_PLACES: Places = {
    **CAMPAIGN,
    "$current_url": ("page", "url"),
    "$pathname": ("page", "path"),
    "$host": ("page", "host"),
    "$referrer": ("page", "referrer"),
    "$referring_domain": ("page", "referring_domain"),
    "$device_id": ("device", "id"),
    "$device_type": ("device", "type"),
    "$device": ("device", "model"),
    "$device_model": ("device", "model"),
    "$device_name": ("device", "name"),
    "$device_manufacturer": ("device", "manufacturer"),
    "$os": ("os", "name"),
    "$os_name": ("os", "name"),
    "$os_version": ("os", "version"),
    "$browser": ("browser", "name"),
    "$browser_version": ("browser", "version"),
    "$browser_language": ("locale",),
    "$locale": ("locale",),
    "$timezone": ("timezone",),
    "$screen_width": ("screen", "width"),
    "$screen_height": ("screen", "height"),
    "$screen_density": ("screen", "density"),
    "$viewport_width": ("viewport", "width"),
    "$viewport_height": ("viewport", "height"),
    "$app_name": ("app", "name"),
    "$app_version": ("app", "version"),
    "$app_build": ("app", "build"),
    "$app_namespace": ("app", "namespace"),
    "$lib": ("library", "name"),
    "$lib_version": ("library", "version"),
    "$ip": ("ip",),
    "$raw_user_agent": ("user_agent",),
    "$user_agent": ("user_agent",),
    "$network_carrier": ("network", "carrier"),
    "$network_cellular": ("network", "cellular"),
    "$network_wifi": ("network", "wifi"),
    "$geoip_city_name": ("location", "city"),
    "$geoip_subdivision_1_name": ("location", "region"),
    "$geoip_country_name": ("location", "country_name"),
    "$geoip_country_code": ("location", "country"),
}
# posthog-js gives the document's title as a plain `title`, which on any other event is the sender's own property.
_PAGE_PLACES: Places = {**_PLACES, "title": ("page", "title")}

# Used elsewhere in the line, or how the SDK itself is doing.
_is_dropped = is_prefixed(
    (
        "$feature/", "$geoip_", "$initial_", "$session_entry_", "$prev_pageview_", "$sdk_debug_", "$debug_",
        "$session_recording_", "$recording_", "$replay_", "$python_", "$feature_flag_payload",
    ),
    frozenset(
        {
            "token", "distinct_id", "$time", "$insert_id", "$session_id", "$user_id", "$anon_distinct_id", "$groups",
            "$set", "$set_once", "$unset", "$group_type", "$group_key", "$group_set", "$is_identified",
            "$process_person_profile", "$is_server", "$os_distro", "$window_id", "$pageview_id", "$timezone_offset",
            "$had_persisted_distinct_id", "$autocapture_disabled_server_side", "$active_feature_flags",
            "$configured_session_timeout_ms", "$config_defaults", "$lib_custom_api_host", "$cookieless_mode",
            "$web_vitals_enabled_server_side", "$exception_capture_enabled_server_side", "$sent_at", "$has_recording",
            "$dead_clicks_enabled_server_side", "$lib_rate_limit_remaining_tokens", "$is_first_session",
        }
    ),
)  # fmt: skip

# SDKs on a person's device: they make up a UUID for whoever has not been identified.
_CLIENTS = frozenset(
    {"web", "js", "posthog-ios", "posthog-android", "posthog-react-native", "posthog-flutter", "posthog-unity"}
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ALIASES = frozenset({"$create_alias", "$merge_dangerously"})


def _decode(event: Json, envelope: Envelope) -> Json:
    given = object_at(event, "properties")
    name = (text(event.get("event")) or "").strip()
    named = (event.get("distinct_id"), event.get("$distinct_id"), given.get("distinct_id"))
    distinct_id = next(filter(None, map(identifier, named)), None)
    user_id, anonymous_id = _identity(distinct_id, given)
    groups = given.get("$groups")
    group_id = next(iter(groups.values()), None) if type(groups) is dict else None
    kind = "track"
    is_page = name == "$pageview" or name == "$pageleave"
    properties, context = sort_out(given, _PAGE_PLACES if is_page else _PLACES, _is_dropped)
    if given.get("$is_server") is True or "$python_version" in given:
        context.pop("os", None)  # the server's, not the person's
    fill_from_browser(context, envelope)
    updates = _updates(event, given)

    if name == "$pageview":
        kind = "page"
    elif name == "$screen":
        kind = "screen"
    elif name == "$identify" or name == "$set":
        kind, properties = "identify", {**updates.pop("set", {}), **updates}
        updates = {}
    elif name == "$groupidentify":
        kind = "group"
        group_id = given.get("$group_key")
        if identifier(group_id) is None:
            raise Rejected(Reason.MISSING_IDENTITY, "a $groupidentify needs $group_key")
        properties = snake_keys(object_at(given, "$group_set"))
        if group_type := text(given.get("$group_type")):
            properties["group_type"] = group_type
        if user_id and _is_stand_in(user_id, given):
            user_id = None
    elif name in _ALIASES:
        kind = "alias"
        user_id, anonymous_id, previous = _alias(user_id or anonymous_id, anonymous_id, given)
        properties = {"previous_id": previous}
    if updates:
        properties["user_properties"] = updates
    if flags := {key.removeprefix("$feature/"): value for key, value in given.items() if key.startswith("$feature/")}:
        properties["feature_flags"] = snake_keys(flags)
    if type(groups) is dict and len(groups) > 1:
        properties["groups"] = snake_keys(groups)

    sent_at = event.get("sent_at") or envelope.sent_at
    return canonical_line(
        message_type=kind,
        event=event.get("event"),
        event_id=event.get("uuid") or event.get("messageId") or given.get("$insert_id"),
        user_id=user_id,
        anonymous_id=anonymous_id,
        session_id=given.get("$session_id"),
        group_id=group_id,
        original_timestamp=event.get("timestamp")
        or given.get("$time")
        or _before(sent_at, event.get("offset"), envelope),
        sent_at=sent_at,
        received_at=envelope.received_at,
        properties=properties,
        context=context,
    )


def _identity(distinct_id: str | None, given: Json) -> tuple[str | None, str | None]:
    """(known, anonymous). PostHog has one id for both; what surrounds it tells which it is."""
    device = identifier(given.get("$device_id"))
    anonymous = identifier(given.get("$anon_distinct_id"))  # on $identify: who this was until now
    if user := identifier(given.get("$user_id")):  # posthog-js, once identify() was called
        return user, anonymous or device
    if distinct_id is None:
        return None, anonymous or device
    identified = given.get("$is_identified")
    if distinct_id == device or identified is False or given.get("$process_person_profile") is False:
        return (distinct_id, anonymous) if anonymous else (None, distinct_id)
    # An older client SDK says nothing of the above: a UUID is then its own invention. reset() makes such a one
    # that differs from the device's.
    client = text(given.get("$lib")) in _CLIENTS
    if client and identified is None and anonymous is None and _UUID.fullmatch(distinct_id):
        return None, distinct_id
    return distinct_id, anonymous or device


def _alias(distinct_id: str | None, anonymous_id: str | None, given: Json) -> tuple[str, str | None, str]:
    """(new id, anonymous id, previous id). Whoever is anonymous of the two was there before.

    Where that does not tell, `distinct_id` stays and `alias` is folded into it, as PostHog's server does;
    posthog-python alone has them the other way round, alias(previous_id, distinct_id).
    """
    other = identifier(given.get("alias"))
    if distinct_id is None or other is None:
        raise Rejected(Reason.MISSING_IDENTITY, "an alias needs distinct_id and alias")
    anonymous = distinct_id == anonymous_id or bool(_UUID.fullmatch(distinct_id))
    other_anonymous = bool(_UUID.fullmatch(other))
    turned = anonymous if anonymous != other_anonymous else given.get("$lib") == "posthog-python"
    new, previous = (other, distinct_id) if turned else (distinct_id, other)
    return new, None if anonymous_id == new else anonymous_id, previous


def _is_stand_in(distinct_id: str, given: Json) -> bool:
    """Whether a server SDK put this in because a group has no person: `$company_acme`, or a random UUID."""
    return distinct_id == f"${given.get('$group_type')}_{given.get('$group_key')}" or (
        text(given.get("$lib")) not in _CLIENTS and bool(_UUID.fullmatch(distinct_id))
    )


def _updates(event: Json, given: Json) -> Json:
    """What an event says of the person: {set, set_once, unset}, without what PostHog itself puts there ($...)."""
    updates: Json = {}
    for key in ("$set", "$set_once"):
        said = {**object_at(given, key), **object_at(event, key)}
        if own := {name: value for name, value in said.items() if name[:1] != "$"}:
            updates[key[1:]] = snake_keys(own)
    if unset := event.get("$unset") or given.get("$unset"):
        updates["unset"] = unset
    return updates


def _before(sent_at: object, offset: object, envelope: Envelope) -> str | None:
    """Older SDKs give no time but how many milliseconds before sending it was."""
    base = sent_at or envelope.received_at
    if not base or (type(offset) is not int and type(offset) is not float):
        return None
    try:
        return rfc3339((datetime.fromisoformat(rfc3339(base)) - timedelta(milliseconds=offset)).isoformat())
    except (OverflowError, ValueError):
        return None


def _unwrap(body: Json, envelope: Envelope) -> Batch | None:
    events = body.get("batch")
    if not isinstance(events, list):
        return None
    sent_at = body.get("sent_at") or envelope.sent_at
    return Batch("batch", events, replace(envelope, write_key=_key(body) or envelope.write_key, sent_at=sent_at))


def _key(body: Json) -> str | None:
    if key := text(body.get("api_key")) or text(body.get("token")) or text(body.get("$token")):
        return key
    given = body.get("properties")
    return text(given.get("token")) if type(given) is dict else None


def _recognises(body: Json) -> bool:
    events = body.get("batch")
    if isinstance(events, list):
        keyed = "api_key" in body or "token" in body
        return (keyed and "writeKey" not in body) or any(map(_is_event, events))
    return _is_event(body)


def _is_event(value: object) -> bool:
    if not isinstance(value, dict) or "event" not in value or "message_type" in value:
        return False
    if "distinct_id" in value or "api_key" in value:
        return True
    given = value.get("properties")
    # Mixpanel's events have the same shape, but a time and `mp_lib` inside.
    return isinstance(given, dict) and "distinct_id" in given and ("$lib" in given or "uuid" in value)


def _claims_path(path: str) -> bool:
    return bool(re.search(r"(^|/)(e|i/v\d+/e|capture|batch|track|engage)/?$", path.lower())) and "/v1/" not in path


DIALECT = Dialect(
    name="posthog",
    title="PostHog",
    telltale=frozenset({"event", "distinct_id", "properties", "timestamp", "uuid", "api_key", "$set", "batch"}),
    claims_path=_claims_path,
    recognises=_recognises,
    unwrap=_unwrap,
    decode=_decode,
    write_key=_key,
)
