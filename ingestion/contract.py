"""The canonical event: what every SDK's message becomes, whatever its dialect.

One definition. `raw.events` has these columns (a test compares them with the created table), the validation in Python
and in SQL is made from them, and docs/events.md shows them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any


class MessageType(StrEnum):
    """The kind of call; the order is that of the Enum8 in raw.events."""

    TRACK = "track"
    PAGE = "page"
    SCREEN = "screen"
    IDENTIFY = "identify"
    GROUP = "group"
    ALIAS = "alias"


VIEWS = (MessageType.PAGE, MessageType.SCREEN)
# Who somebody is, and nothing else: without ids there is nothing left of them to keep.
ABOUT_PEOPLE = (MessageType.IDENTIFY, MessageType.GROUP, MessageType.ALIAS)


@dataclass(frozen=True)
class Column:
    name: str
    clickhouse_type: str
    meaning: str
    sent: bool = True  # a key of the canonical line; else set by the load


_INSTANT = "DateTime64(3, 'UTC')"
_MESSAGE_TYPE = f"Enum8({', '.join(f'{kind.value!r} = {code}' for code, kind in enumerate(MessageType, start=1))})"

COLUMNS = (
    Column("project_id", "LowCardinality(String)", "Your project (tenant)"),
    Column("event_id", "String", "The sender's id; a hash of the line where it gives none"),
    Column("event", "LowCardinality(String)", "What happened, in snake_case: `product_viewed`"),
    Column("message_type", _MESSAGE_TYPE, "Kind of call; `track` where the line does not say, but of a view"),
    Column("user_id", "String", "Known user; empty where unknown"),
    Column("anonymous_id", "String", "Device or browser id; empty where unknown"),
    Column("session_id", "String", "The SDK's session id; empty where it has none"),
    Column("group_id", "String", "Account or company; empty where unknown"),
    Column("timestamp", _INSTANT, "When it happened, corrected for the skew of the client's clock"),
    Column("original_timestamp", _INSTANT, "When it happened by the client's clock"),
    Column("sent_at", f"Nullable({_INSTANT})", "When the client sent it, by the client's clock"),
    Column("received_at", _INSTANT, "When your server received it; when it was loaded, where that is unknown"),
    Column("loaded_at", _INSTANT, "When it came into this table", sent=False),
    Column("properties", "JSON", "What the event carries; a registered property is a typed path"),
    Column("context", "Tuple", "Where it happened: page, campaign, device, app"),
    Column("consent_analytics", "Bool", "May be used for analytics; the project's default where the line is silent"),
    Column("consent_marketing", "Bool", "May be used for marketing; likewise"),
    Column("consent_personalization", "Bool", "May be used for personalisation; likewise"),
    Column("schema_version", "LowCardinality(String)", "Version of the sender's schema"),
    Column("source", "LowCardinality(String)", "Dialect, and file or endpoint"),
)

TEXTS = ("project_id", "event_id", "user_id", "anonymous_id", "session_id", "group_id", "schema_version", "source")
INSTANTS = ("timestamp", "original_timestamp", "sent_at", "received_at")
CONSENTS = ("consent_analytics", "consent_marketing", "consent_personalization")
OBJECTS = ("properties", "context")


@dataclass(frozen=True)
class ContextKey:
    path: str
    clickhouse_type: str
    meaning: str


# Every key of the context is text, numbers included: a text takes whatever an SDK sends, so no context can make an
# insert fail, and staging casts what it needs.
_TEXT, _FEW = "String", "LowCardinality(String)"
CONTEXT_KEYS = (
    ContextKey("page.url", _TEXT, "Address of the page"),
    ContextKey("page.path", _TEXT, "Its path"),
    ContextKey("page.referrer", _TEXT, "Address of the page before it"),
    ContextKey("page.title", _TEXT, "Its title"),
    ContextKey("page.search", _TEXT, "Its query string"),
    ContextKey("campaign.source", _FEW, "utm_source"),
    ContextKey("campaign.medium", _FEW, "utm_medium"),
    ContextKey("campaign.name", _FEW, "utm_campaign"),
    ContextKey("campaign.term", _TEXT, "utm_term"),
    ContextKey("campaign.content", _TEXT, "utm_content"),
    ContextKey("device.id", _TEXT, "The device's own id"),
    ContextKey("device.type", _FEW, "What the SDK calls it: `ios`, `android`, `mobile`"),
    ContextKey("device.manufacturer", _FEW, "Its maker"),
    ContextKey("device.model", _FEW, "Its model"),
    ContextKey("os.name", _FEW, "Operating system"),
    ContextKey("os.version", _FEW, "Its version"),
    ContextKey("browser.name", _FEW, "Browser"),
    ContextKey("browser.version", _FEW, "Its version"),
    ContextKey("screen.width", _FEW, "Pixels"),
    ContextKey("screen.height", _FEW, "Pixels"),
    ContextKey("screen.density", _FEW, "Pixels per point"),
    ContextKey("locale", _FEW, "`en-GB`"),
    ContextKey("timezone", _FEW, "IANA name: `Europe/Berlin`"),
    ContextKey("app.name", _FEW, "Your app"),
    ContextKey("app.version", _FEW, "Its version"),
    ContextKey("app.environment", _FEW, "`production`, `staging`"),
    ContextKey("library.name", _FEW, "The SDK"),
    ContextKey("library.version", _FEW, "Its version"),
    ContextKey("location.country", _FEW, "Where the sender knows it: two letters, ISO 3166"),
    ContextKey("ip", _TEXT, "Address of the client, as far as the project's privacy lets it be kept"),
    ContextKey("user_agent", _TEXT, "What the browser calls itself"),
)


# The line that stands for what cannot be read of a gzip file which is cut off or damaged.
BROKEN_OFF = "(the file breaks off here, or is damaged)"
BROKEN_OFF_EXPECTED, BROKEN_OFF_GOT = "the rest of the file", "a file that breaks off or is damaged"

# Limits. Chosen, not found: docs/events.md states them for senders.
MAX_LINE_BYTES = 32 * 1024
MAX_PROPERTIES = 512  # keys of `properties`, whatever is inside each
MAX_NAME_LENGTH = 128
MAX_DEPTH = 100  # levels of objects and arrays in a line; some readers give up soon after
FUTURE_TOLERANCE = timedelta(hours=24)  # a client's clock may be ahead without `sent_at` to show it
EARLIEST_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)  # before it: an unset clock (1970) or a typing error
# From here on neither JavaScript nor a Float64 tells neighbouring integers apart: send a longer number as text.
NUMBER_BOUND = 2**53

# Patterns for Python (fullmatch, ASCII) and for ClickHouse (between ^ and $): both understand them alike.
# Small letters and digits of every script and _: of ASCII all else is left out, beyond it nothing.
EVENT_NAME_PATTERN = r"[^\x00-/:-^`{-\x7f]+"
INSTANT_PATTERN = (
    r"(19|20|21|22)\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?"
    r"(Z|[+-](0\d|1[0-4]):[0-5]\d)"
)


class Reason(StrEnum):
    """Why a line was rejected. In the order of the checks: a line has the first reason that applies."""

    TOO_LARGE = "too_large"
    INVALID_JSON = "invalid_json"
    MISSING_EVENT = "missing_event"
    MISSING_IDENTITY = "missing_identity"
    BAD_TIMESTAMP = "bad_timestamp"
    FUTURE_TIMESTAMP = "future_timestamp"
    UNKNOWN_PROJECT = "unknown_project"
    TOO_MANY_PROPERTIES = "too_many_properties"
    SCHEMA_VIOLATION = "schema_violation"
    NO_CONSENT = "no_consent"  # the last one: nothing is wrong with the line


REASON_SENTENCES: Mapping[Reason, str] = {
    Reason.TOO_LARGE: f"The line is longer than {MAX_LINE_BYTES // 1024} KB ({MAX_LINE_BYTES:,} bytes).",
    Reason.INVALID_JSON: "The line is not one JSON object in UTF-8, is empty, names a key twice, or nests deeper "
    f"than {MAX_DEPTH} levels.",
    Reason.MISSING_EVENT: "`event` is missing, is no text or is not a snake_case name of at most "
    f"{MAX_NAME_LENGTH} characters, or `message_type` is not one of the six.",
    Reason.MISSING_IDENTITY: "Neither `user_id` nor `anonymous_id` says whose event it is; only a `group` may name "
    "its `group_id` alone.",
    Reason.BAD_TIMESTAMP: "There is neither `timestamp` nor `original_timestamp`, one of the four times is not "
    f"written as 2026-01-31T12:00:00.000Z, or it happened before {EARLIEST_INSTANT.year}.",
    Reason.FUTURE_TIMESTAMP: f"It happened more than {FUTURE_TOLERANCE // timedelta(hours=1)} hours after it was "
    "received, or after now.",
    Reason.UNKNOWN_PROJECT: "`project_id` is missing, or is not declared in projects.yaml.",
    Reason.TOO_MANY_PROPERTIES: f"`properties` has more than {MAX_PROPERTIES} keys.",
    Reason.SCHEMA_VIOLATION: "A field or a registered property has another type than declared, breaks its rule, "
    "or is required and missing.",
    Reason.NO_CONSENT: "The line says, or the project's default says for it, that there is no consent to analytics. "
    "Not kept; counted in `raw.load_counts` and, unless the project drops them, in `raw.events_withheld`.",
}


def is_event_name(name: Any) -> bool:
    """Whether a line may call its event so."""
    return (
        isinstance(name, str)
        and len(name) <= MAX_NAME_LENGTH
        and bool(re.fullmatch(EVENT_NAME_PATTERN, name, re.ASCII))
    )


def parse_instant(text: Any) -> datetime | None:
    """The instant that a text in RFC 3339 names, cut to milliseconds; None for anything else."""
    if not isinstance(text, str) or not re.fullmatch(INSTANT_PATTERN, text, re.ASCII):
        return None
    body, zone = (text[:-1], "+00:00") if text.endswith("Z") else (text[:-6], text[-6:])
    seconds, _, fraction = body.partition(".")
    try:
        return datetime.fromisoformat(f"{seconds}.{fraction[:3]:0<3}{zone}").astimezone(UTC)
    except ValueError:  # the 30th of February
        return None


def event_time(
    timestamp: datetime | None, original: datetime | None, sent: datetime | None, received: datetime | None
) -> datetime | None:
    """When it happened: as the sender corrected it, else by the client's clock less the clock's skew."""
    if timestamp is not None or original is None:
        return timestamp
    if sent is None or received is None:
        return original
    return original - (sent - received)
