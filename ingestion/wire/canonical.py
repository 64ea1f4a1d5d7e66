"""Millrace's own shape: canonical lines as they are, one, a list, or `{"events": [...]}`.

The only dialect in which the payload may name its project. A line that keeps the contract comes out unchanged;
one that is nearly right is put right as any other dialect's event is (name, ids, times).
"""

from __future__ import annotations

from dataclasses import replace

from ingestion.contract import CONSENTS, MessageType, Reason
from ingestion.wire.dialect import Batch, Dialect, Envelope, Json, Rejected, canonical_line, object_at
from ingestion.wire.values import text
from warehouse.errors import nearest

_TYPES = [kind.value for kind in MessageType]
_TYPE_OF = {
    "page_viewed": "page",
    "screen_viewed": "screen",
    "identify": "identify",
    "group": "group",
    "alias": "alias",
}
# What canonical_line sees to, and the key, which is a secret; anything else stays with the line as it is.
_SEEN_TO = frozenset(
    {
        "event", "message_type", "event_id", "user_id", "anonymous_id", "session_id", "group_id", "timestamp",
        "original_timestamp", "sent_at", "received_at", "properties", "context", "schema_version", "write_key",
        *CONSENTS,
    }
)  # fmt: skip


def _decode(line: Json, envelope: Envelope) -> Json:
    name = text(line.get("event"))
    kind = line.get("message_type") or _TYPE_OF.get(name or "", "track")
    if kind not in _TYPES:
        raise Rejected(Reason.MISSING_EVENT, f"message_type {str(kind)[:40]!r} is unknown{nearest(str(kind), _TYPES)}")
    made = canonical_line(
        message_type=kind,
        event=line.get("event"),
        event_id=line.get("event_id"),
        user_id=line.get("user_id"),
        anonymous_id=line.get("anonymous_id"),
        session_id=line.get("session_id"),
        group_id=line.get("group_id"),
        timestamp=line.get("timestamp"),
        original_timestamp=line.get("original_timestamp"),
        sent_at=line.get("sent_at") or envelope.sent_at,
        received_at=line.get("received_at") or envelope.received_at,
        properties=object_at(line, "properties"),
        context=object_at(line, "context"),
        consent={key: line[key] for key in CONSENTS if isinstance(line.get(key), bool)},
        schema_version=line.get("schema_version"),
    )
    return {**{key: value for key, value in line.items() if key not in _SEEN_TO and value is not None}, **made}


def _unwrap(body: Json, envelope: Envelope) -> Batch | None:
    for key in ("events", "batch"):
        lines = body.get(key)
        if isinstance(lines, list):
            sent_at = body.get("sent_at") or envelope.sent_at
            return Batch(key, lines, replace(envelope, write_key=_key(body) or envelope.write_key, sent_at=sent_at))
    return None


def _key(body: Json) -> str | None:
    return text(body.get("write_key"))


def _recognises(body: Json) -> bool:
    for key in ("events", "batch"):
        lines = body.get(key)
        if isinstance(lines, list):
            return any(isinstance(line, dict) and _is_line(line) for line in lines)
    return _is_line(body)


def _is_line(value: Json) -> bool:
    if "message_type" in value:
        return True
    return "event" in value and ("user_id" in value or "anonymous_id" in value) and "event_type" not in value


def _claims_path(path: str) -> bool:
    return path.lower().rstrip("/").endswith("/events")


DIALECT = Dialect(
    name="canonical",
    title="Millrace's own",
    telltale=frozenset(
        {"event", "message_type", "user_id", "anonymous_id", "event_id", "original_timestamp", "project_id"}
    ),
    claims_path=_claims_path,
    recognises=_recognises,
    unwrap=_unwrap,
    decode=_decode,
    write_key=_key,
)
