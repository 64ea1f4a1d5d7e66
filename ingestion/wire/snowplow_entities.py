"""Snowplow's entities: the self-describing JSON around an event, each put where it belongs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ingestion.wire.context import Places, place
from ingestion.wire.dialect import Json
from ingestion.wire.names import snake_case, snake_keys
from ingestion.wire.values import identifier, text

_SCHEMA = re.compile(r"iglu:([^/]+)/([^/]+)/[^/]+/(\d+-\d+-\d+)")
_ECOMMERCE = "com.snowplowanalytics.snowplow.ecommerce"

# Entities that say something the canonical context has a place for.
_CONTEXTS: dict[str, Places] = {
    "mobile_context": {
        "os_type": ("os", "name"),
        "os_version": ("os", "version"),
        "device_manufacturer": ("device", "manufacturer"),
        "device_model": ("device", "model"),
        "apple_idfv": ("device", "id"),
        "android_idfa": ("device", "advertising_id"),
        "apple_idfa": ("device", "advertising_id"),
        "carrier": ("network", "carrier"),
        "network_type": ("network", "type"),
        "language": ("locale",),
    },
    "application": {"version": ("app", "version"), "build": ("app", "build")},
    "web_page": {"id": ("page", "view_id")},
    "ua_parser_context": {
        "useragent_family": ("browser", "name"),
        "useragent_version": ("browser", "version"),
        "os_family": ("os", "name"),
        "os_version": ("os", "version"),
        "device_family": ("device", "model"),
    },
}


@dataclass(frozen=True, slots=True)
class Entity:
    """`{"schema": "iglu:vendor/name/jsonschema/1-0-0", "data": {...}}`, taken apart; keys in snake_case."""

    vendor: str
    name: str
    version: str
    data: Json


def entity(value: object) -> Entity | None:
    """The entity in `value`, or None where it is not one."""
    if not isinstance(value, dict):
        return None
    schema, data = value.get("schema"), value.get("data")
    if not isinstance(schema, str) or (parts := _SCHEMA.fullmatch(schema)) is None:
        return None
    named: Json = snake_keys(data) if isinstance(data, dict) else {} if data is None else {"value": data}
    return Entity(parts[1], snake_case(parts[2]), parts[3], named)


@dataclass(slots=True)
class Entities:
    """What the entities of one event say, besides its context."""

    install_id: str | None = None
    session_id: str | None = None
    screen_name: str | None = None
    properties: Json = field(default_factory=dict)

    def add(self, value: object, context: Json) -> None:
        """Take in one entity; one that has no place of its own is kept in the context under its name."""
        if (found := entity(value)) is None:
            return
        if found.name == "client_session":
            self.install_id = identifier(found.data.get("user_id"))
            self.session_id = identifier(found.data.get("session_id"))
        elif found.name == "screen":
            self.screen_name = text(found.data.get("name"))
        elif found.vendor == _ECOMMERCE:
            self._add_commerce(found)
        elif places := _CONTEXTS.get(found.name):
            for key, where in places.items():
                place(context, where, found.data.get(key))
        else:
            _keep(context, found.name, found.data)

    def _add_commerce(self, found: Entity) -> None:
        if found.name == "product":
            self.properties.setdefault("products", []).append(found.data)
        else:
            _keep(self.properties, found.name, found.data)


def _keep(holder: Json, name: str, data: Json) -> None:
    """Under `name`; the second of a name makes it a list."""
    before = holder.get(name)
    if before is None:
        holder[name] = data
    elif isinstance(before, list):
        before.append(data)
    else:
        holder[name] = [before, data]
