"""Whatever comes, decoding never raises, gives one outcome for each element, and only lines that can be written."""

from __future__ import annotations

import gzip
from base64 import b64encode
from typing import Any
from urllib.parse import urlencode

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.contract import Reason
from ingestion.wire import AUTO, DIALECTS, Decoded, Outcome, WireRequest, decode_line, decode_request, detect
from warehouse.errors import MillraceError

DIALECT = st.sampled_from([AUTO, *DIALECTS])
PATH = st.sampled_from(
    ["/v1/batch", "/v1/t", "/v1/i?writeKey=k", "/batch/", "/e/?compression=gzip-js&_=1772359200000", "/capture/",
     "/track", "/engage", "/import?strict=1",
     "/2/httpapi", "/identify", "/com.snowplowanalytics.snowplow/tp2", "/i", "/v1/events", "/", ""]
) | st.text(max_size=30)  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from(["Content-Type", "content-encoding", "Authorization", "User-Agent", "X-Forwarded-For"])
    | st.text(max_size=8),
    st.sampled_from(
        [
            "gzip",
            "deflate",
            "br",
            "application/json",
            "application/x-www-form-urlencoded",
            "Basic a2V5Og==",
            "Basic =",
            "Bearer k",
        ]
    )
    | st.text(max_size=20),
    max_size=4,
)

# Keys and values that the decoders look at, so that chance gets past the first check.
KEYS = st.sampled_from(
    [
        "type", "event", "userId", "anonymousId", "messageId", "timestamp", "properties", "context", "traits",
        "batch", "sentAt", "groupId", "previousId", "receivedAt", "consent", "distinct_id", "$set", "$set_once",
        "$groups", "$lib", "uuid", "api_key", "alias", "offset", "$device_id", "event_type", "user_id", "device_id",
        "events", "event_properties", "user_properties", "groups", "session_id", "time", "token", "$token",
        "$distinct_id", "$group_key", "$group_id", "$unset", "e", "eid", "ue_pr", "ue_px", "co", "cx", "schema",
        "data", "dtm", "tv", "aid", "res", "message_type", "anonymous_id", "library", "page", "device", "path",
        "body_b64", "$distinct_ids", "categoryPreferences", "identification", "group_properties", "$elements",
        "utm_source", "name",
    ]
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(
        ["track", "page", "identify", "alias", "$identify", "$groupidentify", "$create_alias", "$merge",
         "[Amplitude] Page Viewed", "pv",
         "se", "ue", "u1", "2026-03-01T10:00:00Z", "1772359200000", "eyJhIjoxfQ", "{}", "[1", "iglu:a/b/c/1-0-0"]
    )
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=6),
    max_leaves=25,
)
OBJECTS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=8)


def check(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        assert isinstance(outcome.original, bytes)
        if isinstance(outcome, Decoded):
            line = orjson.loads(orjson.dumps(outcome.event))
            assert line["event"]
            assert line["message_type"] in ("track", "page", "screen", "identify", "group", "alias")
            assert line.get("user_id") or line.get("anonymous_id") or line.get("group_id")
        else:
            assert outcome.reason in Reason
            assert outcome.detail
            assert "does not understand" not in outcome.detail, outcome.detail


@given(st.binary(max_size=300), PATH, HEADERS, DIALECT)
@settings(max_examples=300, deadline=None)
def test_any_bytes_in_any_request_give_outcomes(body: bytes, path: str, headers: dict[str, str], dialect: str) -> None:
    outcomes = list(decode_request(WireRequest("POST", path, headers, body, None), dialect=dialect))
    check(outcomes)
    assert outcomes or not body.strip()[:1].isalnum(), "a body with something in it has an outcome"


@given(st.binary(max_size=300), DIALECT)
@settings(max_examples=200, deadline=None)
def test_any_bytes_in_a_line_give_outcomes(line: bytes, dialect: str) -> None:
    check(list(decode_line(line, dialect=dialect)))


@given(OBJECTS, PATH, HEADERS, DIALECT, st.sampled_from(["plain", "gzip", "form", "base64", "base64 of gzip"]))
@settings(max_examples=400, deadline=None)
def test_any_object_however_wrapped_gives_outcomes(
    value: dict[str, Any], path: str, headers: dict[str, str], dialect: str, wrapped: str
) -> None:
    body = orjson.dumps(_within_64_bits(value))
    if "gzip" in wrapped:
        body = gzip.compress(body)
    if "base64" in wrapped:
        body = b64encode(body)
    if wrapped == "form":
        body = urlencode({"data": body}).encode()
    check(list(decode_request(WireRequest("POST", path, headers, body, "2026-03-01T10:00:00Z"), dialect=dialect)))


@given(st.lists(VALUES, max_size=6), st.sampled_from(sorted(DIALECTS)))
@settings(max_examples=300, deadline=None)
def test_each_element_of_a_list_and_of_a_batch_has_one_outcome(elements: list[Any], dialect: str) -> None:
    elements = _within_64_bits(elements)
    outcomes = list(decode_line(orjson.dumps(elements), dialect=dialect))
    check(outcomes)
    assert len(outcomes) == len(elements)
    assert len(list(decode_line(orjson.dumps(elements)))) == len(elements)
    key = {"amplitude": "events", "canonical": "events", "snowplow": "data", "mixpanel": None}.get(dialect, "batch")
    if key:
        outcomes = list(decode_line(orjson.dumps({key: elements}), dialect=dialect))
        check(outcomes)
        assert len(outcomes) == len(elements)


@given(OBJECTS, DIALECT)
@settings(max_examples=300, deadline=None)
def test_decoding_does_not_change_what_the_original_says(value: dict[str, Any], dialect: str) -> None:
    sent = orjson.dumps({"batch": [_within_64_bits(value), {"type": "track", "event": "A", "userId": "u1"}]})
    for outcome in list(decode_line(sent, dialect=dialect)):
        body = orjson.loads(outcome.original)
        if body != orjson.loads(sent):  # an element in its batch, alone
            assert body["batch"][0] in orjson.loads(sent)["batch"]
            assert len(body["batch"]) == 1


@given(st.lists(st.binary(max_size=60) | OBJECTS.map(lambda value: orjson.dumps(_within_64_bits(value))), max_size=5))
@settings(max_examples=200, deadline=None)
def test_detecting_names_a_dialect_or_says_why_not(content: list[bytes]) -> None:
    try:
        assert detect(content) in {AUTO, *DIALECTS}
    except MillraceError as error:
        assert error.message
        assert error.hint


def _within_64_bits(value: Any) -> Any:
    """orjson writes no larger integers; what comes of them in the input is tested beside the other bad input."""
    if isinstance(value, dict):
        return {key: _within_64_bits(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_within_64_bits(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return max(min(value, 2**63), -(2**63))
    return value
