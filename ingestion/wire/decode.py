"""Requests and files of payloads into canonical lines: every payload element gives exactly one outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from ingestion.contract import MAX_DEPTH, Reason
from ingestion.wire import amplitude, canonical, mixpanel, posthog, rudderstack, segment, snowplow
from ingestion.wire import snowplow_enriched as enriched
from ingestion.wire.dialect import Decoded, Dialect, Envelope, Rejected, Source, Undecodable
from ingestion.wire.request import WireRequest, decode_base64, parse_json, unpack
from ingestion.wire.values import deeper_than, rfc3339_or_none
from warehouse.errors import MillraceError, nearest

Outcome = Decoded | Undecodable

AUTO = "auto"

# Where two dialects recognise the same payload, the first has it: the ones with marks of their own before
# those without (every RudderStack message is also a Segment message).
DIALECTS: dict[str, Dialect] = {
    module.DIALECT.name: module.DIALECT
    for module in (snowplow, amplitude, mixpanel, posthog, rudderstack, segment, canonical)
}

# What a decoder may hit in data no one foresaw. The event becomes a reject with its reason; the load goes on.
_UNFORESEEN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def decode_request(request: WireRequest, *, dialect: str = AUTO) -> Iterator[Outcome]:
    """The events of one recorded request. Bad input never raises; an unknown dialect name does."""
    named = _named(dialect)
    # A preflight or a health check carries no payload.
    if request.method.upper() in ("OPTIONS", "HEAD"):
        return iter(())
    return _request(request, named, request.body)


def decode_line(line: bytes, *, dialect: str = AUTO, received_at: str | None = None) -> Iterator[Outcome]:
    """The events of one line of a file: a payload, a whole batch, a recorded request
    (`{method, path, headers, body_b64}`), or a row of Snowplow's enriched TSV. A blank line has none."""
    named = _named(dialect)
    stripped = line.strip(b" \r\n").removeprefix(b"\xef\xbb\xbf")
    if not stripped:
        return iter(())
    envelope = Envelope(received_at=rfc3339_or_none(received_at))
    if stripped[:1] not in (b"{", b"[") and _is_row(stripped, named):
        return iter((_row(stripped, envelope),))
    try:
        request = _recorded(stripped, received_at)
    except Rejected as rejected:
        return iter((Undecodable(rejected.reason, rejected.detail, named.name if named else "", Source(stripped)),))
    if request is not None:
        if request.method.upper() in ("OPTIONS", "HEAD"):
            return iter(())
        return _request(request, named, stripped)
    return _payload(stripped, envelope, "", named)


def detect(lines: Iterable[bytes]) -> str:
    """The dialect of a file, from some of its lines. `auto` where each line must be looked at by itself:
    recorded requests, or lines of several dialects. MillraceError where no line is of any dialect."""
    found: set[str] = set()
    keys: set[str] = set()
    for line in lines:
        if not (stripped := line.strip(b" \r\n").removeprefix(b"\xef\xbb\xbf")):
            continue
        if stripped[:1] not in (b"{", b"["):
            if _is_row(stripped, None):
                found.add(snowplow.DIALECT.name)
            continue
        try:
            if _recorded(stripped, None) is not None:
                return AUTO
            payload = parse_json(stripped)
        except Rejected:
            continue
        if chosen := _choose(payload, ""):
            found.add(chosen.name)
        elif isinstance(payload, dict):
            keys.update(payload)
    if found == {segment.DIALECT.name, rudderstack.DIALECT.name}:
        return rudderstack.DIALECT.name  # a plain RudderStack message looks like one of Segment
    if found:
        return found.pop() if len(found) == 1 else AUTO
    raise MillraceError(_nothing_recognised(keys), hint=_closest_dialect(keys))


def check_dialect(dialect: str) -> None:
    """MillraceError where there is none of this name."""
    _named(dialect)


def _named(dialect: str) -> Dialect | None:
    if dialect == AUTO:
        return None
    if dialect not in DIALECTS:
        known = [*DIALECTS, AUTO]
        raise MillraceError(
            f"there is no dialect {dialect!r}{nearest(dialect, known)}", hint=f"The dialects are {', '.join(known)}."
        )
    return DIALECTS[dialect]


def _request(request: WireRequest, named: Dialect | None, received: bytes) -> Iterator[Outcome]:
    try:
        unpacked = unpack(request)
    except Rejected as rejected:
        yield Undecodable(rejected.reason, rejected.detail, named.name if named else "", Source(received))
        return
    yield from _payload(unpacked.payload, unpacked.envelope, unpacked.path, named)


def _payload(payload: bytes, envelope: Envelope, path: str, named: Dialect | None) -> Iterator[Outcome]:
    """The events of a body or a line that should be JSON, or JSON lines."""
    try:
        value = parse_json(payload)
    except Rejected as rejected:
        if b"\n" in payload and _is_json_lines(payload):
            for line in payload.splitlines():
                if line.strip():
                    yield from _payload(line, envelope, path, named)
        else:
            yield Undecodable(rejected.reason, rejected.detail, named.name if named else "", Source(payload))
        return
    dialect = named or _choose(value, path)
    if dialect is None:
        if isinstance(value, list):
            for element in value:
                yield _unrecognised(element, envelope, Source(payload, element))
        else:
            yield _unrecognised(value, envelope, Source(payload))
        return
    # Counting brackets is cheap, and few payloads have enough of them to be too deep.
    check_depth = payload.count(b"{") + payload.count(b"[") > MAX_DEPTH
    if isinstance(value, dict):
        batch = dialect.unwrap(value, envelope)
        if batch is None:
            yield _event(value, dialect, envelope, check_depth, Source(payload))
            return
        for element in batch.elements:
            yield _event(element, dialect, batch.envelope, check_depth, Source(payload, element, value, batch.key))
    elif isinstance(value, list):
        for element in value:
            yield _event(element, dialect, envelope, check_depth, Source(payload, element))
    else:
        yield _event(value, dialect, envelope, False, Source(payload))


def _event(element: Any, dialect: Dialect, envelope: Envelope, check_depth: bool, source: Source) -> Outcome:
    key = envelope.write_key
    try:
        if type(element) is not dict:
            raise Rejected(Reason.INVALID_JSON, f"an event is an object, this is {_kind(element)}")
        key = dialect.write_key(element) or key
        if check_depth and deeper_than(element, MAX_DEPTH):
            raise Rejected(Reason.INVALID_JSON, f"nested deeper than {MAX_DEPTH} levels")
        return Decoded(dialect.decode(element, envelope), dialect.name, key, source)
    except (Rejected, *_UNFORESEEN) as error:
        return _refused(error, dialect, key, source)


def _row(line: bytes, envelope: Envelope) -> Outcome:
    """One row of Snowplow's enriched TSV."""
    source = Source(line)
    key = None
    try:
        event, enrichment = enriched.parse_row(line)
        key = snowplow.DIALECT.write_key(event)
        return Decoded(snowplow.decode(event, envelope, enrichment), snowplow.DIALECT.name, key, source)
    except (Rejected, *_UNFORESEEN) as error:
        return _refused(error, snowplow.DIALECT, key, source)


def _refused(error: Exception, dialect: Dialect, key: str | None, source: Source) -> Undecodable:
    if isinstance(error, Rejected):
        return Undecodable(error.reason, error.detail, dialect.name, source, key)
    detail = f"the {dialect.name} decoder does not understand it: {type(error).__name__}: {error}"
    return Undecodable(Reason.INVALID_JSON, detail, dialect.name, source, key)


def _is_row(line: bytes, named: Dialect | None) -> bool:
    if named is None:
        return line.count(b"\t") == len(enriched.COLUMNS) - 1
    return named is snowplow.DIALECT


def _is_json_lines(payload: bytes) -> bool:
    for line in payload.splitlines()[:20]:  # not only the first, which may be the broken one
        try:
            if isinstance(orjson.loads(line), dict):
                return True
        except orjson.JSONDecodeError:
            continue
    return False


def _recorded(line: bytes, received_at: str | None) -> WireRequest | None:
    """The request that this line records, or None where it is something else."""
    if b'"body_b64"' not in line and (b'"method"' not in line or b'"path"' not in line):
        return None  # most lines: not read twice
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(record, dict) or not isinstance(record.get("path"), str):
        return None
    # A request that carries all in its address has no body; what is no request has no method.
    encoded = record.get("body_b64", "" if "method" in record else None)
    if not isinstance(encoded, str):
        return None
    if (body := decode_base64(encoded)) is None:
        raise Rejected(Reason.INVALID_JSON, "body_b64 of the recorded request is not base64")
    headers = record.get("headers")
    received = record.get("received_at")
    return WireRequest(
        method=str(record.get("method") or "POST"),
        path=record["path"],
        headers=headers if isinstance(headers, dict) else {},
        body=body,
        received_at=received if isinstance(received, str) else received_at,
    )


def _choose(value: Any, path: str) -> Dialect | None:
    """The dialect of a payload. Its shape says it; the path decides between several, or where the shape is mute."""
    sample: Any = value
    if isinstance(value, list):
        sample = next((element for element in value if isinstance(element, dict)), None)
    by_shape = [d for d in DIALECTS.values() if isinstance(sample, dict) and d.recognises(sample)]
    by_path = [d for d in DIALECTS.values() if path and d.claims_path(path)]
    both = [d for d in by_shape if d in by_path]
    return next(iter(both or by_shape or by_path), None)


def _unrecognised(value: Any, envelope: Envelope, source: Source) -> Undecodable:
    if isinstance(value, dict):
        return Undecodable(Reason.MISSING_EVENT, _nothing_recognised(set(value)), "", source, envelope.write_key)
    return Undecodable(
        Reason.INVALID_JSON, f"an event is an object, this is {_kind(value)}", "", source, envelope.write_key
    )


def _nothing_recognised(keys: set[str]) -> str:
    if not keys:
        return "no dialect recognises this: it is not a JSON object with an event in it"
    shown = ", ".join(sorted(keys)[:8])
    return f"no dialect recognises an event with the keys {shown}"


def _closest_dialect(keys: set[str]) -> str:
    plain: set[str] = {_plain(key) for key in keys}
    shared = {d.name: sum(_plain(key) in plain for key in d.telltale) for d in DIALECTS.values()}
    best = max(shared, key=lambda name: (shared[name], -len(DIALECTS[name].telltale)))
    if not shared[best]:
        return f"Name the dialect with --dialect: {', '.join(DIALECTS)}. docs/dialects.md shows what each looks like."
    wanted = ", ".join(sorted(DIALECTS[best].telltale))
    return f"The nearest is {best}, whose events have some of: {wanted}. See docs/dialects.md; --dialect names another."


def _plain(key: str) -> str:
    return "".join(char for char in key.lower() if char.isalnum())


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}[type(value)]
