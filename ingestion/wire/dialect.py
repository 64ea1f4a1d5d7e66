"""What every dialect is made of, what decoding yields, and the one place where a canonical line is put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from ingestion.contract import Reason
from ingestion.wire.names import signs_beyond_ascii, snake_case
from ingestion.wire.values import identifier, rfc3339, rfc3339_or_none

Json: TypeAlias = dict[str, Any]

# Messages whose event name is fixed by the contract, whatever the sender calls it.
_FIXED_EVENT = {
    "page": "page_viewed",
    "screen": "screen_viewed",
    "identify": "identify",
    "group": "group",
    "alias": "alias",
}


class Rejected(Exception):
    """Raised inside a decoder: no canonical line can be made of this payload, for this reason."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Envelope:
    """What surrounds an event and holds for every event of its request."""

    endpoint: str = ""  # last part of the path: t, track, engage, tp2 ...
    write_key: str | None = None
    sent_at: str | None = None
    received_at: str | None = None
    user_agent: str | None = None  # only of a browser, see request.py
    ip: str | None = None
    context: Json | None = None  # one that the batch gives for all its messages


@dataclass(frozen=True, slots=True)
class Batch:
    """A body that carries several events: where they are in it, and what it says for all of them."""

    key: str
    elements: list[Any]
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way of saying events. The functions get a JSON object and never change it."""

    name: str
    title: str
    telltale: frozenset[str]  # keys by which a person recognises a payload, for messages
    claims_path: Callable[[str], bool]
    recognises: Callable[[Json], bool]  # a body or a bare event of this dialect, by its shape
    unwrap: Callable[[Json, Envelope], Batch | None]  # None: the object is itself an event
    decode: Callable[[Json, Envelope], Json]  # one event -> canonical line; raises Rejected
    write_key: Callable[[Json], str | None]  # the key inside an event, where there is one


_WHOLE = object()


class Source:
    """Where an event was: the payload itself, or a body to be cut down to this one element when asked for."""

    __slots__ = ("body", "element", "key", "payload")

    def __init__(self, payload: bytes, element: object = _WHOLE, body: Json | None = None, key: str = "") -> None:
        self.payload = payload
        self.element = element
        self.body = body
        self.key = key

    def render(self) -> bytes:
        if self.element is _WHOLE:
            return self.payload
        try:
            if self.body is None:  # of a bare list; what is no object stays in one, an empty list is no event
                return orjson.dumps(self.element if isinstance(self.element, dict) else [self.element])
            return orjson.dumps({**self.body, self.key: [self.element]})
        except TypeError:  # nested deeper than orjson writes: keep the whole body
            return self.payload


@dataclass(frozen=True, slots=True)
class Decoded:
    """A canonical line, and the key that names its project (a secret: it is nowhere in `event`)."""

    event: Json
    dialect: str
    write_key: str | None
    source: Source

    @property
    def original(self) -> bytes:
        """The payload as received; of a batch, the batch with this element only, so it can be decoded again."""
        return self.source.render()


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A payload of which no canonical line can be made, and why."""

    reason: Reason
    detail: str
    dialect: str  # empty where it could not be told
    source: Source
    write_key: str | None = None  # as far as it could be read

    @property
    def original(self) -> bytes:
        """The payload as received; of a batch, the batch with this element only."""
        return self.source.render()


def canonical_line(
    *,
    message_type: str,
    event: object = None,
    event_id: object = None,
    user_id: object = None,
    anonymous_id: object = None,
    session_id: object = None,
    group_id: object = None,
    timestamp: object = None,
    original_timestamp: object = None,
    sent_at: object = None,
    received_at: object = None,
    properties: Json | None = None,
    context: Json | None = None,
    consent: Mapping[str, bool] | None = None,
    schema_version: object = None,
) -> Json:
    """The canonical line of these values; what is unknown is left out. Raises Rejected where the line would
    have no event name, nobody it is about, or a time that cannot be read."""
    name = _FIXED_EVENT.get(message_type) or _event_name(event)
    line: Json = {"event": name, "message_type": message_type}
    if (known := identifier(event_id)) is not None:
        line["event_id"] = known
    user, anonymous, group = identifier(user_id), identifier(anonymous_id), identifier(group_id)
    if user is not None:
        line["user_id"] = user
    if anonymous is not None:
        line["anonymous_id"] = anonymous
    if user is None and anonymous is None and (message_type != "group" or group is None):
        raise Rejected(Reason.MISSING_IDENTITY, f"the {name} event has neither a user id nor an anonymous id")
    if (session := identifier(session_id)) is not None:
        line["session_id"] = session
    if group is not None:
        line["group_id"] = group
    if timestamp is not None and timestamp != "":
        line["timestamp"] = _event_time(timestamp)
    if original_timestamp is not None and original_timestamp != "":
        line["original_timestamp"] = _event_time(original_timestamp)
    if (sent := rfc3339_or_none(sent_at)) is not None:
        line["sent_at"] = sent
    if (received := rfc3339_or_none(received_at)) is not None:
        line["received_at"] = received
        if "timestamp" not in line and "original_timestamp" not in line:
            line["timestamp"] = received  # what every protocol says of an event without a time
    if properties:
        line["properties"] = properties
    if context:
        line["context"] = context
    if consent:
        line.update(consent)
    if (version := identifier(schema_version)) is not None:
        line["schema_version"] = version
    return line


def object_at(holder: Json, key: str) -> Json:
    """The object at `key`, which may be absent. PHP SDKs send the empty object as an empty list."""
    value = holder.get(key)
    if type(value) is dict:
        return value
    if not value:
        return {}
    raise Rejected(Reason.INVALID_JSON, f"{key} is {_shown(value)}, not an object")


def _event_name(event: object) -> str:
    if event is None or event == "":
        raise Rejected(Reason.MISSING_EVENT, "there is no event name")
    if type(event) is not str:
        raise Rejected(Reason.MISSING_EVENT, f"the event name is {_shown(event)}, not text")
    if (given := identifier(event)) is None:  # what an empty variable gives: `undefined`
        raise Rejected(Reason.MISSING_EVENT, f"the event name is {_shown(event)}")
    if not (name := snake_case(given) or signs_beyond_ascii(given)):
        raise Rejected(Reason.MISSING_EVENT, f"the event name {_shown(event)} has no letter or digit")
    return name


def _event_time(value: object) -> str:
    try:
        return rfc3339(value)
    except ValueError:
        raise Rejected(Reason.BAD_TIMESTAMP, f"the time {_shown(value)} cannot be read") from None


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
