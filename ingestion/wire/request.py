"""From a request as it came over the wire to the JSON in it: compression, forms, base64, and who sent it."""

from __future__ import annotations

import binascii
import re
import zlib
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from json import loads as lenient_loads
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from ingestion.contract import MAX_DEPTH, Reason
from ingestion.wire.dialect import Envelope, Json, Rejected
from ingestion.wire.values import deeper_than, rfc3339_or_none, text

MAX_BODY = 32 * 1024 * 1024  # decompressed; the largest that any of the protocols allows is 20 MB

_MOST_MEMBERS = 64
_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
# A form starts with a name and its value; bare base64 may end in equals signs, but only end.
_FORM = re.compile(rb"[\w.$\[\]-]{1,40}=(?![=\s]*$)")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=_\-\s]")
_WRITE_KEY_FIELDS = ("writeKey", "write_key", "api_key", "apiKey", "token")


@dataclass(frozen=True, slots=True)
class WireRequest:
    """An HTTP request as an SDK sent it; `path` with its query string, `received_at` the time of receipt."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    received_at: str | None = None


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The JSON text of a request, and what the request says around it."""

    payload: bytes
    envelope: Envelope
    path: str  # without the query


def unpack(request: WireRequest) -> Unpacked:
    """The JSON text inside a request, however it is wrapped; Rejected where there is none."""
    headers = {_sound(name).lower(): _sound(value) for name, value in request.headers.items()}
    path, _, query = request.path.partition("?")
    fields = _fields(query.partition("#")[0].encode("utf-8", "replace"))
    body = inflate(request.body, headers.get("content-encoding", ""))
    body = body.removeprefix(_BOM).strip()
    if not body and "data" in fields:
        payload = _from_field(fields["data"], fields)
    elif not body and "e" in fields:  # Snowplow's pixel: the query is the event
        payload = orjson.dumps(fields)
    elif not body:
        raise Rejected(Reason.INVALID_JSON, "the request has no body")
    elif body[:1] in b"{[":
        payload = body
    elif _FORM.match(body):
        form = _fields(body)
        fields = {**fields, **form}
        payload = _from_field(form["data"], fields) if "data" in form else _from_form(form)
    else:
        payload = _from_base64(body, fields, headers.get("content-encoding", ""))
    return Unpacked(payload, _envelope(request, path, headers, fields), path)


def inflate(body: bytes, encoding: str = "") -> bytes:
    """`body` decompressed as often as it was compressed. The first bytes decide, not the header, which SDKs
    forget (PostHog's gzip-js) or which a proxy leaves behind after it has decompressed."""
    for _ in range(2):
        if body[:2] == _GZIP:
            body = _decompress(body, zlib.MAX_WBITS | 16)
        elif "deflate" in encoding.lower() and body[:1] not in (b"{", b"["):
            # "deflate" is zlib by the standard, and raw deflate by long habit.
            is_zlib = len(body) > 1 and body[0] & 0x0F == 8 and int.from_bytes(body[:2]) % 31 == 0
            body, encoding = _decompress(body, zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS), ""
    return body


def parse_json(payload: bytes) -> Any:
    """The JSON in `payload`; Rejected says what is wrong with it.

    Two things that are no JSON but are really sent are read as other backends read them: NaN and Infinity
    (Python SDKs) as null, half a surrogate pair (JavaScript that cut an emoji) as U+FFFD.
    """
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        reason = str(error)
    try:
        decoded = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        detail = f"not UTF-8: byte 0x{payload[error.start]:02x} at offset {error.start}"
        raise Rejected(Reason.INVALID_JSON, detail) from None
    try:
        value = lenient_loads(decoded, parse_constant=lambda _: None)
    except RecursionError:
        raise Rejected(Reason.INVALID_JSON, f"nested deeper than {MAX_DEPTH} levels") from None
    except ValueError:  # orjson's sentence is the better one
        raise Rejected(Reason.INVALID_JSON, f"not JSON: {reason}") from None
    if deeper_than(value, MAX_DEPTH):
        raise Rejected(Reason.INVALID_JSON, f"nested deeper than {MAX_DEPTH} levels")
    return _writable(value)


def decode_base64(encoded: bytes | str) -> bytes | None:
    """Base64 of either alphabet, padded or not; a space is a plus that a form decoder took. None if it is not."""
    raw = encoded.encode("utf-8", "replace") if isinstance(encoded, str) else encoded
    raw = raw.strip().replace(b" ", b"+")
    if _NOT_BASE64.search(raw):
        return None
    raw = raw.translate(bytes.maketrans(b"-_", b"+/"), b"\r\n\t=")
    try:
        return b64decode(raw + b"=" * (-len(raw) % 4))
    except (binascii.Error, ValueError):
        return None


def _writable(value: Any) -> Any:
    """What the strict reader would have given: no infinities, no integer beyond 64 bits, no lone surrogates."""
    if isinstance(value, dict):
        return {_writable(key): _writable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_writable(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        try:
            return float(value)
        except OverflowError:
            return None
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return None
    return value


def _decompress(body: bytes, wbits: int) -> bytes:
    parts: list[bytes] = []
    room = MAX_BODY + 1
    while body and (not parts or body[:2] == _GZIP):  # gzip may be several members in a row
        if len(parts) == _MOST_MEMBERS:
            raise Rejected(Reason.TOO_LARGE, f"the body is gzip of more than {_MOST_MEMBERS} members")
        stream = zlib.decompressobj(wbits)
        try:
            parts.append(stream.decompress(body, room))
        except zlib.error as error:
            raise Rejected(Reason.INVALID_JSON, f"the compressed body is damaged: {error}") from None
        room -= len(parts[-1])
        if room <= 0:
            raise Rejected(Reason.TOO_LARGE, f"the body is larger than {MAX_BODY >> 20} MB when decompressed")
        if not stream.eof:
            raise Rejected(Reason.INVALID_JSON, f"the compressed body is cut off after {len(body)} bytes")
        body = stream.unused_data
    return b"".join(parts)


def _fields(query: bytes) -> dict[str, str]:
    return dict(parse_qsl(query.decode("utf-8", "replace"), keep_blank_values=True, errors="replace"))


def _from_field(data: str, fields: Mapping[str, str]) -> bytes:
    """The `data` of a form or a query: JSON as it is, or base64 of it."""
    stripped = data.strip()
    if stripped[:1] in ("{", "["):
        return stripped.encode("utf-8", "replace")
    if stripped[:3] in ("%7B", "%5B", "%7b", "%5b"):  # encoded twice
        return unquote(stripped).encode("utf-8", "replace")
    return _from_base64(stripped.encode("utf-8", "replace"), fields, "")


def _from_base64(body: bytes, fields: Mapping[str, str], encoding: str) -> bytes:
    compression = fields.get("compression", "")
    if compression.startswith("lz"):
        raise Rejected(
            Reason.INVALID_JSON, f"{compression} (lz-string) compression is not supported; gzip and base64 are"
        )
    decoded = decode_base64(body)
    payload = inflate(decoded).removeprefix(_BOM).strip() if decoded else b""
    if payload[:1] in (b"{", b"["):
        return payload
    if encoding and encoding.lower() not in ("gzip", "deflate", "identity"):
        raise Rejected(Reason.INVALID_JSON, f"content-encoding {encoding!r} is not supported; gzip and deflate are")
    raise Rejected(
        Reason.INVALID_JSON, "the body is not JSON, gzip, a form, or base64 of one of them (lz-string is not supported)"
    )


def _from_form(form: Mapping[str, str]) -> bytes:
    """A form without `data` is itself an object, whose values may be JSON (Amplitude's `identification=[...]`)."""
    value: Json = {}
    for name, content in form.items():
        value[name] = parse_json(content.encode("utf-8", "replace")) if content[:1] in ("{", "[") else content
    return orjson.dumps(value)


def _envelope(request: WireRequest, path: str, headers: Mapping[str, str], fields: Mapping[str, str]) -> Envelope:
    agent = headers.get("user-agent", "")
    # Only a browser speaks for the person's device. The agent and address of a server-side SDK are those of the
    # server: taken for the person's, every such event would look like a bot's, from a data centre.
    from_browser = agent.startswith("Mozilla/")
    forwarded = headers.get("x-forwarded-for", "").partition(",")[0].strip()
    key = _basic_user(headers.get("authorization", ""))
    return Envelope(
        endpoint=path.rstrip("/").rpartition("/")[2].lower(),
        write_key=key or next((fields[name] for name in _WRITE_KEY_FIELDS if fields.get(name)), None),
        sent_at=rfc3339_or_none(fields.get("sent_at") or _cache_breaker(fields.get("_", ""))),
        received_at=rfc3339_or_none(request.received_at),
        user_agent=agent if from_browser else None,
        ip=text(forwarded) if from_browser else None,
    )


def _sound(header: object) -> str:
    """A header as text that can be written as UTF-8; a recorded one may be anything."""
    return str(header).encode("utf-8", "replace").decode()


def _cache_breaker(value: str) -> str | None:
    """Browsers add the time of sending to the address, in milliseconds. Any other number there is no time."""
    return value if len(value) == 13 and value.isdecimal() else None


def _basic_user(authorization: str) -> str | None:
    scheme, _, credentials = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip() or None
    if scheme.lower() != "basic":
        return None
    decoded = decode_base64(credentials)
    return decoded.decode("utf-8", "replace").partition(":")[0] or None if decoded else None
