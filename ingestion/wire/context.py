"""The context of an event: where each thing goes, in one shape for all dialects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ingestion.wire.dialect import Envelope, Json
from ingestion.wire.names import snake_keys

# `"$current_url": ("page", "url")` puts the value at context.page.url; one name puts it at the top.
Places = Mapping[str, tuple[str, ...]]

CAMPAIGN: Places = {
    "utm_source": ("campaign", "source"),
    "utm_medium": ("campaign", "medium"),
    "utm_campaign": ("campaign", "name"),
    "utm_term": ("campaign", "term"),
    "utm_content": ("campaign", "content"),
    "utm_id": ("campaign", "id"),
    **{
        click: ("campaign", click) for click in ("gclid", "fbclid", "msclkid", "ttclid", "twclid", "li_fat_id", "dclid")
    },
}

_DEVICE_TYPES = {
    **dict.fromkeys(("desktop", "pc", "computer", "personal computer", "mac", "windows"), "desktop"),
    **dict.fromkeys(("mobile", "mob", "phone", "smartphone", "handset", "ios", "android", "iphone"), "mobile"),
    **dict.fromkeys(("tablet", "ipad"), "tablet"),
    **dict.fromkeys(("tv", "smart tv", "smarttv", "connected tv", "game console", "cnsl", "console"), "tv"),
    **dict.fromkeys(("wearable", "watch"), "wearable"),
}


def place(context: Json, where: tuple[str, ...], value: Any) -> None:
    """Put `value` at `where`, unless it says nothing."""
    if value is None or value == "":
        return
    if len(where) == 1:
        context[where[0]] = value
        return
    inner = context.setdefault(where[0], {})
    if type(inner) is dict:
        inner[where[1]] = value


def sort_out(given: Json, places: Places, is_dropped: Callable[[str], bool]) -> tuple[Json, Json]:
    """Parts a flat bag of properties, as PostHog, Mixpanel and Amplitude send, into (properties, context)."""
    context: Json = {}
    kept: Json = {}
    for key, value in given.items():
        if where := places.get(key):
            # Both PostHog and Mixpanel say "$direct" for no referrer at all.
            if value != "$direct":
                kind = type(value)
                place(context, where, snake_keys(value) if kind is dict or kind is list else value)
        elif not is_dropped(key):
            kept[key] = value
    normalise(context)
    properties: Json = snake_keys(kept)
    return properties, context


def normalise(context: Json) -> None:
    """One way to say what dialects say differently: the type of a device, and the country."""
    _normalise_device(context)
    location = context.get("location")
    if type(location) is dict and type(country := location.get("country")) is str and len(country) != 2:
        location.setdefault("country_name", location.pop("country"))  # `country` is the two letters of ISO 3166


def _normalise_device(context: Json) -> None:
    """`device.type` as desktop, mobile, tablet, tv or wearable; mobile SDKs say ios or android there.
    A push token is a credential of the app, no part of an event."""
    device = context.get("device")
    if type(device) is not dict:
        return
    device.pop("token", None)
    kind = device.get("type")
    if type(kind) is str:
        model = device.get("model")
        is_ipad = type(model) is str and model.lower().startswith("ipad")
        device["type"] = "tablet" if is_ipad else _DEVICE_TYPES.get(kind.lower(), kind.lower())


def fill_from_browser(context: Json, envelope: Envelope) -> None:
    """What a browser's request says of the device, where the event itself does not."""
    if envelope.user_agent and "user_agent" not in context:
        context["user_agent"] = envelope.user_agent
    if envelope.ip and "ip" not in context:
        context["ip"] = envelope.ip


def set_library(context: Json, named: object, separator: str) -> None:
    """`amplitude-ts/2.11.1`, `js-3.24.0`: the sender's library in one word, name and version."""
    if type(named) is not str or not named:
        return
    name, _, version = named.partition(separator)
    context["library"] = {"name": name, "version": version} if version else {"name": name}


def is_prefixed(prefixes: tuple[str, ...], names: frozenset[str]) -> Callable[[str], bool]:
    """Tells the keys that are one of `names` or start with one of `prefixes`."""
    return lambda key: key in names or key.startswith(prefixes)
