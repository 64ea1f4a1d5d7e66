"""RudderStack: Segment's messages, with the session, the consent lists and the channel that its SDKs add.

The write key is only in the Basic credentials of the request. Events are told from Segment's by their marks;
decoding is one and the same.
"""

from __future__ import annotations

from typing import Any

from ingestion.wire import segment
from ingestion.wire.dialect import Dialect, Json


def _marked(message: Any) -> bool:
    if not segment.is_message(message):
        return False
    if "rudderId" in message or ("channel" in message and "receivedAt" not in message):
        return True
    context = message.get("context")
    if not isinstance(context, dict):
        return False
    library = context.get("library")
    name = library.get("name") if isinstance(library, dict) else None
    return "sessionStart" in context or (isinstance(name, str) and "rudder" in name.lower())


def _recognises(body: Json) -> bool:
    messages = body.get("batch")
    return any(_marked(message) for message in messages) if isinstance(messages, list) else _marked(body)


DIALECT = Dialect(
    name="rudderstack",
    title="RudderStack",
    telltale=segment.DIALECT.telltale | {"channel", "originalTimestamp", "rudderId"},
    claims_path=segment.claims_path,
    recognises=_recognises,
    unwrap=segment.unwrap,
    decode=segment.decode,
    write_key=segment.write_key,
)
