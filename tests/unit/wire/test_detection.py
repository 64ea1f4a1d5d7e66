"""The dialect of a payload or a file is told by its shape, and the path decides where that is mute."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import orjson
import pytest

from ingestion.wire import decode_line, decode_request, detect
from ingestion.wire.decode import DIALECTS
from ingestion.wire.request import WireRequest
from tests.unit.wire.helpers import events, lines, post, refusal
from warehouse.errors import MillraceError

SAMPLES: dict[str, Any] = {
    "segment": {"type": "track", "event": "A", "userId": "u1", "messageId": "m1", "timestamp": "2026-03-01T10:00:00Z"},
    "rudderstack": {
        "type": "track",
        "event": "A",
        "userId": "u1",
        "channel": "server",
        "originalTimestamp": "2026-03-01T10:00:00Z",
    },
    "posthog": {
        "event": "A",
        "distinct_id": "u1",
        "properties": {"$lib": "posthog-node"},
        "timestamp": "2026-03-01T10:00:00Z",
    },
    "snowplow": {"e": "pv", "eid": "e1", "aid": "shop", "uid": "u1", "tv": "py-1.1.0", "dtm": "1772359200000"},
    "amplitude": {"event_type": "A", "user_id": "u1", "time": 1772359200000},
    "mixpanel": {"event": "A", "properties": {"token": "T", "distinct_id": "u1", "time": 1772359200}},
    "canonical": {"event": "a", "message_type": "track", "user_id": "u1", "timestamp": "2026-03-01T10:00:00.000Z"},
}
ENVELOPES: dict[str, Any] = {
    "segment": {"batch": [SAMPLES["segment"]], "writeKey": "K"},
    "rudderstack": {"batch": [SAMPLES["rudderstack"]], "sentAt": "2026-03-01T10:00:00Z"},
    "posthog": {"batch": [SAMPLES["posthog"]], "api_key": "K"},
    "snowplow": {
        "schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4",
        "data": [SAMPLES["snowplow"]],
    },
    "amplitude": {"events": [SAMPLES["amplitude"]], "api_key": "K"},
    "mixpanel": [SAMPLES["mixpanel"]],
    "canonical": {"events": [SAMPLES["canonical"]]},
}


def test_there_is_a_sample_of_every_dialect() -> None:
    assert SAMPLES.keys() == ENVELOPES.keys() == DIALECTS.keys()


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("where", [SAMPLES, ENVELOPES])
def test_a_payload_and_a_body_are_recognised(name: str, where: dict[str, Any]) -> None:
    (outcome,) = lines(where[name])
    assert outcome.dialect == name
    (made,) = events([outcome])
    assert (made["event"], made["user_id"]) == ("page_viewed" if name == "snowplow" else "a", "u1")
    (outcome,) = post("/some/proxy", where[name])
    assert outcome.dialect == name


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_is_recognised(name: str) -> None:
    line = orjson.dumps(SAMPLES[name])
    assert detect([b"", line + b"\n", b"\xef\xbb\xbf" + line, b"{broken"]) == name


def test_a_file_of_snowplows_rows_is_recognised() -> None:
    assert detect([b"\t" * 130 + b"\n"]) == "snowplow"


def test_plain_messages_among_rudderstacks_are_rudderstacks() -> None:
    assert detect(orjson.dumps(SAMPLES[name]) for name in ("segment", "rudderstack", "segment")) == "rudderstack"


def test_a_file_of_several_dialects_or_of_requests_is_looked_at_line_by_line() -> None:
    assert detect(orjson.dumps(SAMPLES[name]) for name in ("segment", "mixpanel")) == "auto"
    recorded = {"method": "POST", "path": "/v1/t", "headers": {}, "body_b64": b64encode(b"{}").decode()}
    assert detect([orjson.dumps(recorded)]) == "auto"


@pytest.mark.parametrize(
    ("sample", "closest"),
    [
        ({"eventName": "A", "userId": 1, "messageID": 2}, "segment"),
        ({"EventType": "A", "deviceId": 1}, "amplitude"),
        ({"distinctId": "u1", "api_key": "k"}, "posthog"),
    ],
)
def test_a_file_of_no_dialect_names_its_keys_and_the_closest(sample: dict[str, Any], closest: str) -> None:
    with pytest.raises(MillraceError) as caught:
        detect([orjson.dumps(sample)])
    assert all(key in caught.value.message for key in sample)
    assert f"nearest is {closest}" in caught.value.hint


@pytest.mark.parametrize("content", [[], [b""], [b"a,b,c", b"1,2,3"], [b"{broken"], [b"42"], [b'{"zzz": 1}']])
def test_a_file_of_nothing_like_events_says_so(content: list[bytes]) -> None:
    with pytest.raises(MillraceError) as caught:
        detect(content)
    assert "no dialect recognises" in caught.value.message
    assert "--dialect" in caught.value.hint


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/v1/track", "rudderstack"),
        ("/v1/p", "rudderstack"),
        ("/2/httpapi", "amplitude"),
        ("/e/?ip=1", "posthog"),
        ("/i/v0/e/", "posthog"),
        ("/com.snowplowanalytics.snowplow/tp2", "snowplow"),
        ("/com.acme/tp2", "snowplow"),
        ("/import?strict=1", "mixpanel"),
        ("/engage#profile-set", "mixpanel"),
        ("/v1/events", "canonical"),
    ],
)
def test_where_the_shape_is_mute_the_path_decides(path: str, dialect: str) -> None:
    (outcome,) = post(path, {"unheard": "of"})
    assert outcome.dialect == dialect


def test_the_path_decides_between_two_shapes() -> None:
    both = {"event": "A", "properties": {"token": "T", "distinct_id": "u1", "time": 1772359200, "$lib": "web"}}
    assert post("/e/", both)[0].dialect == "posthog"
    assert post("/track", both)[0].dialect == "mixpanel"


def test_a_named_dialect_is_not_second_guessed() -> None:
    assert refusal(lines(SAMPLES["amplitude"], "segment")).dialect == "segment"
    assert refusal(post("/2/httpapi", SAMPLES["snowplow"], dialect="mixpanel")).dialect == "mixpanel"


def test_an_unknown_dialect_name_is_an_error_with_the_nearest() -> None:
    with pytest.raises(MillraceError, match="did you mean 'segment'"):
        decode_line(b"{}", dialect="segmnt")
    with pytest.raises(MillraceError, match="no dialect 'x'"):
        decode_request(WireRequest("POST", "/", {}, b""), dialect="x")


def test_a_recorded_request_is_decoded_as_it_was_sent() -> None:
    record = {
        "method": "POST",
        "path": "/v1/t?x=1",
        "headers": {"authorization": "Basic " + b64encode(b"KEY:").decode(), "odd": 5},
        "body_b64": b64encode(orjson.dumps(SAMPLES["segment"])).decode(),
        "sdk": "any",
    }
    (outcome,) = decode_line(orjson.dumps(record), received_at="2026-03-01T10:00:09Z")
    assert outcome.write_key == "KEY"
    assert events([outcome])[0]["received_at"] == "2026-03-01T10:00:09.000Z"
    own = {**record, "received_at": "2026-03-01T10:00:05Z"}
    (outcome,) = decode_line(orjson.dumps(own), received_at="2026-03-01T10:00:09Z")
    assert events([outcome])[0]["received_at"] == "2026-03-01T10:00:05.000Z", "its own time of receipt goes first"
    assert list(decode_line(orjson.dumps({**record, "method": "OPTIONS"}))) == []


def test_a_recorded_request_that_cannot_be_unpacked_is_kept_whole() -> None:
    record = {"method": "POST", "path": "/v1/t", "headers": {}, "body_b64": b64encode(b"\x1f\x8b\x08").decode()}
    line = orjson.dumps(record)
    refused = refusal(decode_line(line))
    assert (refused.reason, refused.original) == ("invalid_json", line)
    line = orjson.dumps({**record, "body_b64": "!!!"})
    refused = refusal(decode_line(line))
    assert "not base64" in refused.detail
    assert refused.original == line


def test_an_event_that_mentions_a_recorded_body_is_still_an_event() -> None:
    assert events(lines({**SAMPLES["segment"], "properties": {"body_b64": "x"}}))[0]["properties"] == {"body_b64": "x"}
    assert lines({**SAMPLES["segment"], "path": "/x", "body_b64": 5})[0].dialect == "segment"
