"""Segment: batches from server SDKs, single messages from analytics.js, and messages from its exports.

Also the ground of RudderStack, whose messages are these with some fields more (rudderstack.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ingestion.contract import MAX_DEPTH, MessageType, Reason
from ingestion.wire import consent
from ingestion.wire.context import fill_from_browser, normalise
from ingestion.wire.dialect import Batch, Dialect, Envelope, Json, Rejected, canonical_line, object_at
from ingestion.wire.names import snake_key, snake_keys
from ingestion.wire.values import deeper_than, identifier, text
from warehouse.errors import nearest

TYPES = frozenset(kind.value for kind in MessageType)

# /v1/t and /v1/track: the HTTP API's bodies have no type, their path is it.
_ENDPOINTS = {kind[0]: kind for kind in sorted(TYPES)} | {kind: kind for kind in TYPES}

_PAGE = ("url", "path", "referrer", "title", "search")

# Said elsewhere in the line (consent, group_id, session_id, traits of identify), or the SDK's own book-keeping.
_NOT_CONTEXT = frozenset(
    {"traits", "consent", "consentManagement", "groupId", "sessionId", "sessionStart", "integrations"}
)  # fmt: skip


def decode(message: Json, envelope: Envelope) -> Json:
    """One message of any type as a canonical line."""
    kind = _type(message, envelope)
    given = _or_empty(message.get("context"))
    if envelope.context:
        given = {**envelope.context, **given}
    context = _context(given, envelope)
    source = object_at(message, "traits" if kind in ("identify", "group") else "properties")
    if kind == "identify" and not source:  # RudderStack's SDKs give the traits of identify in the context
        source = object_at(given, "traits")
    properties: Json = snake_keys(source)
    if kind == "page" or kind == "screen":
        for key in ("name", "category"):
            if key not in properties and (value := text(message.get(key))):
                properties[key] = value
        if "name" in properties and f"{kind}_name" not in properties:  # `name` itself is a person's or a company's
            properties[f"{kind}_name"] = properties.pop("name")
        if kind == "page":
            _move_page(properties, context)
    elif kind == "alias":
        previous = identifier(message.get("previousId")) or identifier(message.get("anonymousId"))
        if previous is None or identifier(message.get("userId")) is None:
            raise Rejected(Reason.MISSING_IDENTITY, "an alias needs userId and previousId")
        properties["previous_id"] = previous

    # A message with receivedAt has been through the sender's server, which has corrected `timestamp`; before
    # that, `timestamp` is what the client's clock (or the caller) said.
    received_at = message.get("receivedAt")
    at, clock = message.get("timestamp"), message.get("originalTimestamp")
    return canonical_line(
        message_type=kind,
        event=message.get("event"),
        event_id=message.get("messageId"),
        user_id=message.get("userId"),
        anonymous_id=message.get("anonymousId"),
        session_id=given.get("sessionId"),
        group_id=message.get("groupId") or given.get("groupId"),
        timestamp=at if received_at else None,
        original_timestamp=(clock or at) if received_at else (at or clock),
        sent_at=message.get("sentAt") or envelope.sent_at,
        received_at=received_at or envelope.received_at,
        properties=properties,
        context=context,
        consent=_consent(given),
    )


def unwrap(body: Json, envelope: Envelope) -> Batch | None:
    """The messages of `{"batch": [...], "sentAt", "writeKey", "context"}`."""
    messages = body.get("batch")
    if not isinstance(messages, list):
        return None
    shared = body.get("context")
    return Batch(
        "batch",
        messages,
        replace(
            envelope,
            write_key=write_key(body) or envelope.write_key,
            sent_at=body.get("sentAt") or envelope.sent_at,
            context=shared if isinstance(shared, dict) and not deeper_than(shared, MAX_DEPTH) else None,
        ),
    )


def write_key(body: Json) -> str | None:
    return text(body.get("writeKey"))


def is_message(value: Any) -> bool:
    """Whether this is a message by its shape: a known type, or the id that Segment's SDKs give."""
    if not isinstance(value, dict) or "message_type" in value:
        return False
    kind = value.get("type")
    if isinstance(kind, str) and kind.lower() in TYPES:
        return True
    return "messageId" in value or ("event" in value and ("userId" in value or "anonymousId" in value))


def claims_path(path: str) -> bool:
    head, _, last = path.rstrip("/").lower().rpartition("/")
    return head.endswith("/v1") and (last in _ENDPOINTS or last in ("batch", "import", "b"))


def _recognises(body: Json) -> bool:
    messages = body.get("batch")
    if isinstance(messages, list):
        return any(is_message(message) for message in messages) or "writeKey" in body
    return is_message(body)


def _type(message: Json, envelope: Envelope) -> str:
    given = message.get("type")
    if type(given) is str and given:
        kind = given if given in TYPES else given.lower()
        if kind not in TYPES:
            raise Rejected(Reason.MISSING_EVENT, f"the message type {given[:40]!r} is unknown{nearest(kind, TYPES)}")
        return kind
    if kind := _ENDPOINTS.get(envelope.endpoint, ""):
        return kind
    # A line without its request: what the message has tells what it is.
    if "event" in message:
        return "track"
    if "previousId" in message:
        return "alias"
    if "groupId" in message:
        return "group"
    if "traits" in message:
        return "identify"
    if "name" in message or "category" in message:
        return "page"
    raise Rejected(Reason.MISSING_EVENT, "the message has no type and no event name")


def _or_empty(value: object) -> Json:
    return value if type(value) is dict else {}


def _context(given: Json, envelope: Envelope) -> Json:
    context: Json = {}
    for key, value in given.items():
        if key in _NOT_CONTEXT or key[:1] == "_" or value is None:
            continue
        kind = type(value)
        context[snake_key(key)] = snake_keys(value) if kind is dict or kind is list else value
    normalise(context)
    fill_from_browser(context, envelope)
    return context


def _move_page(properties: Json, context: Json) -> None:
    """A page's address and title live in `context.page`, once; what the page call itself says goes first."""
    page = context.get("page")
    moved = {key: properties.pop(key) for key in _PAGE if key in properties}
    if moved:
        context["page"] = {**page, **moved} if isinstance(page, dict) else moved


def _consent(given: Json) -> dict[str, bool]:
    if "consent" not in given and "consentManagement" not in given:
        return {}
    preferences = _or_empty(_or_empty(given.get("consent")).get("categoryPreferences"))
    managed = _or_empty(given.get("consentManagement"))
    allowed, denied = managed.get("allowedConsentIds"), managed.get("deniedConsentIds")
    return consent.from_preferences(preferences) | consent.from_lists(
        allowed if isinstance(allowed, list) else (), denied if isinstance(denied, list) else ()
    )


DIALECT = Dialect(
    name="segment",
    title="Segment",
    telltale=frozenset({"type", "event", "userId", "anonymousId", "messageId", "properties", "context", "writeKey"}),
    claims_path=claims_path,
    recognises=_recognises,
    unwrap=unwrap,
    decode=decode,
    write_key=write_key,
)
