"""However a body is wrapped, the events in it come out; what cannot be unwrapped is refused with the reason."""

from __future__ import annotations

import gzip
import zlib
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import urlencode

import orjson
import pytest

from ingestion.wire import request as wire_request
from tests.unit.wire.helpers import event, events, post, refusal

EVENT = {"type": "track", "event": "A", "userId": "u1", "messageId": "m1"}
BODY = orjson.dumps({"batch": [EVENT]})
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def gzipped(data: bytes) -> bytes:
    """The same at any second: bodies are the names of the tests, which must be equal in every process."""
    return gzip.compress(data, mtime=0)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "application/json"}, BODY),
        ({"Content-Type": "text/plain"}, BODY),
        ({}, BODY),
        (FORM, BODY),  # labelled as a form, and none
        ({}, b"\xef\xbb\xbf" + BODY),
        ({}, b"\r\n " + BODY + b"\n\n"),
        ({"Content-Encoding": "gzip"}, gzipped(BODY)),
        ({"content-encoding": "GZIP"}, gzipped(BODY)),
        ({}, gzipped(BODY)),  # without the header
        ({"Content-Type": "text/plain"}, gzipped(BODY)),
        ({**FORM, "Content-Encoding": "gzip"}, gzipped(BODY)),
        ({"Content-Encoding": "gzip"}, BODY),  # the header left behind by a proxy
        ({"Content-Encoding": "gzip"}, gzipped(gzipped(BODY))),
        ({}, gzipped(BODY[:20]) + gzipped(BODY[20:])),  # two members
        ({}, gzipped(BODY) + b"\0\0\0"),  # padding behind
        ({}, gzipped(b"\xef\xbb\xbf" + BODY)),
        ({"Content-Encoding": "deflate"}, zlib.compress(BODY)),
        ({"Content-Encoding": "deflate"}, raw_deflate(BODY)),
        ({"Content-Encoding": "deflate"}, BODY),
        (FORM, urlencode({"data": BODY}).encode()),
        (FORM, gzipped(urlencode({"data": BODY}).encode())),
        (FORM, urlencode({"data": b64encode(gzipped(BODY))}).encode()),
        ({}, urlencode({"data": urlsafe_b64encode(BODY).rstrip(b"=")}).encode()),
        ({}, b64encode(gzipped(BODY))),
        ({}, b64encode(BODY)),
    ],
)
def test_a_body_is_unwrapped_by_what_it_is_not_by_its_label(headers: dict[str, str], body: bytes) -> None:
    (made,) = events(post("/v1/batch", body, headers))
    assert (made["event"], made["user_id"], made["event_id"]) == ("a", "u1", "m1")


@pytest.mark.parametrize(
    ("headers", "body", "said"),
    [
        ({}, b"", "no body"),
        ({}, b" \r\n", "no body"),
        ({}, b"\xef\xbb\xbf", "no body"),
        ({}, gzipped(b""), "no body"),
        ({}, gzipped(BODY)[:-12], "cut off"),
        ({}, gzipped(BODY)[:8], "cut off"),
        ({}, b"\x1f\x8b", "cut off"),
        ({}, b"\x1f\x8b" + b"\x00" * 40, "damaged"),
        ({}, gzipped(BODY)[:-8] + b"\0\0\0\0" + gzipped(BODY)[-4:], "damaged"),
        ({"Content-Encoding": "deflate"}, zlib.compress(BODY)[:-6], "cut off"),
        ({"Content-Encoding": "br"}, b"\x0b\x02\x80\x01\x02\x03", "'br' is not supported"),
        ({"Content-Encoding": "zstd"}, b"\x28\xb5\x2f\xfd\x04\x00", "'zstd' is not supported"),
        ({}, bytes(range(128, 256)), "not JSON"),
        ({}, b"hello", "not JSON"),
        (FORM, b"data=", "not JSON"),
        (FORM, b"data=N4Ig7hBcIC4IYDsYC4AOBnCYA0IBOMAXCAL5A", "lz-string"),
        ({}, BODY[:-5], "not JSON"),
        ({}, b"{" + bytes([0xFF]) + b"}", "byte 0xff at offset 1"),
        ({}, '{"é":1}'.encode("latin-1"), "not UTF-8"),
        ({}, '{"a":1}'.encode("utf-16"), "not JSON"),
    ],
)
def test_what_cannot_be_unwrapped_is_refused_with_the_reason_and_kept(
    headers: dict[str, str], body: bytes, said: str
) -> None:
    refused = refusal(post("/v1/batch", body, headers))
    assert refused.reason == "invalid_json"
    assert said in refused.detail
    assert refused.original == body or refused.original in body


def test_short_base64_is_not_taken_for_a_form() -> None:
    assert refusal(post("/v1/batch", b64encode(b'{"a":1}'))).original == b'{"a":1}'


@pytest.mark.parametrize("compression", ["lz64", "lz-string"])
def test_lz_string_is_refused_by_name(compression: str) -> None:
    body = urlencode({"data": "N4Ig7hBcIC4IYDs"}).encode()
    for path, form in (
        ("/e/?compression=" + compression, body),
        ("/e/", body + b"&compression=" + compression.encode()),
    ):
        refused = refusal(post(path, form, FORM))
        assert refused.reason == "invalid_json"
        assert f"{compression} (lz-string) compression is not supported" in refused.detail


def test_a_body_that_swells_beyond_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_request, "MAX_BODY", 1 << 20)
    swelling = gzipped(b" " * (5 << 20))
    assert len(swelling) < 10_000
    refused = refusal(post("/v1/batch", swelling))
    assert (refused.reason, refused.detail) == ("too_large", "the body is larger than 1 MB when decompressed")
    assert refusal(post("/v1/batch", gzipped(b"") * 100_000)).reason == "too_large"


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "options"])
def test_a_preflight_carries_no_payload(method: str) -> None:
    assert post("/v1/batch", b"", method=method) == []


def test_credentials_that_are_none_do_not_matter() -> None:
    for authorization in ("", "Basic", "Basic !!!", "Basic " + b64encode(b":pw").decode(), "Digest x=y", "Bearer "):
        (outcome,) = post("/v1/batch", BODY, {"Authorization": authorization})
        assert outcome.write_key is None


@pytest.mark.parametrize("received_at", [None, "", "now"])
def test_an_unknown_time_of_receipt_is_left_out(received_at: str | None) -> None:
    (made,) = events(post("/v1/batch", BODY, received_at=received_at))
    assert "received_at" not in made


def test_a_request_without_a_body_is_recorded_without_one() -> None:
    path = "/i?e=pv&p=web&url=https%3A%2F%2Fshop.example%2F&eid=e1&duid=d1&dtm=1772359200000"
    made = event({"method": "GET", "path": path, "headers": {}}, "auto")
    assert (made["event"], made["anonymous_id"]) == ("page_viewed", "d1")
