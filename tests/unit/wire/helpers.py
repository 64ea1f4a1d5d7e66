"""Short ways to hand a payload to the decoders, shared by the tests of all dialects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from ingestion.wire import Decoded, Outcome, Undecodable, WireRequest, decode_line, decode_request

RECEIVED = "2026-03-01T10:00:05.000Z"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


def as_bytes(payload: Any) -> bytes:
    return payload if isinstance(payload, bytes) else orjson.dumps(payload)


def lines(payload: Any, dialect: str = "auto") -> list[Outcome]:
    """What one line of a file gives."""
    return list(decode_line(as_bytes(payload), dialect=dialect))


def post(
    path: str,
    body: Any,
    headers: dict[str, str] | None = None,
    *,
    dialect: str = "auto",
    received_at: str | None = RECEIVED,
    method: str = "POST",
) -> list[Outcome]:
    """What one request gives."""
    request = WireRequest(method, path, headers or {}, as_bytes(body), received_at)
    return list(decode_request(request, dialect=dialect))


def events(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """The canonical lines; fails where something could not be decoded."""
    made = []
    for outcome in outcomes:
        assert isinstance(outcome, Decoded), outcome.detail
        made.append(outcome.event)
    return made


def event(payload: Any, dialect: str = "auto") -> dict[str, Any]:
    """The one canonical line of one line of a file."""
    (made,) = events(lines(payload, dialect))
    return made


def refusal(outcomes: Iterable[Outcome]) -> Undecodable:
    """The one thing that could not be decoded."""
    (outcome,) = outcomes
    assert isinstance(outcome, Undecodable), outcome.event
    return outcome
