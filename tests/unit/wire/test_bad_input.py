"""Bad input: nothing raises, nothing is lost, each refusal has its reason, and good neighbours get through."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from ingestion.wire import Decoded, Undecodable
from ingestion.wire.decode import DIALECTS
from tests.unit.wire.helpers import event, lines, post, refusal

EVENT = b'{"type":"track","event":"A","userId":"u1","messageId":"m1","properties":{"x":%s}}'


@pytest.mark.parametrize("line", [b"", b"\n", b" \r\n", b"\xef\xbb\xbf"])
def test_a_blank_line_holds_nothing(line: bytes) -> None:
    assert lines(line) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "not JSON"),
        (b"{broken}", "not JSON"),
        (b'{"a":1} trailing', "not JSON"),
        (b'{"a":1}{"b":2}', "not JSON"),
        (b"null", "this is null"),
        (b"true", "this is a boolean"),
        (b"42", "this is a number"),
        (b'"text"', "this is a string"),
        (b"NaN", "this is null"),
        (b"\x00\x01\x02", "not JSON"),
        (b"\xff\xfe{\x00", "not UTF-8"),
        (b'{"a":"\xc3\x28"}', "not UTF-8: byte 0xc3 at offset 6"),
        (b"[" * 10_000, "nested deeper"),
        (b"[" * 10_000 + b"]" * 10_000, "nested deeper"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested deeper"),
        (b'{"a":' + b"9" * 5_000 + b"}", "not JSON"),
    ],
)
@pytest.mark.parametrize("dialect", ["auto", *(name for name in DIALECTS if name != "snowplow")])
def test_a_line_that_is_no_event_is_refused_and_kept(line: bytes, said: str, dialect: str) -> None:
    refused = refusal(lines(line, dialect))
    if not (
        dialect == "auto" and line.startswith(b'{"a":9')
    ):  # read as a number without end, of an event of no dialect
        assert refused.reason == "invalid_json"
        assert said in refused.detail
    assert refused.original == line


def test_an_object_without_an_event_is_refused_by_every_dialect() -> None:
    for dialect in ("auto", *DIALECTS):
        assert refusal(lines({"a": 1}, dialect)).reason == "missing_event"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"NaN", None),
        (b"[1, Infinity, -Infinity]", [1, None, None]),
        (b"1e400", None),
        (b"-1e400", None),
        (b"123456789012345678901234567890", 1.2345678901234568e29),
        (b'"cut \\ud83d"', "cut \ufffd"),
        (b'"whole \\ud83d\\ude00"', "whole \U0001f600"),
        (b'{"\\udc00 key": NaN}', {"key": None}),
        (b"-0.0", -0.0),
        (b'"nul \\u0000"', "nul \x00"),
    ],
)
def test_what_is_almost_json_is_read_as_other_backends_read_it(sent: bytes, kept: Any) -> None:
    made = event(EVENT % sent)
    assert made["properties"] == {"x": kept}
    orjson.dumps(made)


def test_one_nan_does_not_cost_the_batch() -> None:
    outcomes = lines(b'{"batch":[' + EVENT % b"NaN" + b"," + EVENT % b"1" + b"]}")
    assert [one.event["properties"] for one in outcomes if isinstance(one, Decoded)] == [{"x": None}, {"x": 1}]


def test_of_a_key_given_twice_the_last_holds() -> None:
    assert event(EVENT % b'1,"x":2')["properties"] == {"x": 2}


@pytest.mark.parametrize("element", [None, 1, "x", True, [], [1]])
def test_an_element_that_is_no_object_costs_only_itself(element: Any) -> None:
    good = orjson.loads(EVENT % b"1")
    for body in ([good, element, good], {"batch": [good, element, good], "writeKey": "K"}):
        first, odd, last = lines(body)
        assert isinstance(first, Decoded)
        assert isinstance(last, Decoded)
        assert isinstance(odd, Undecodable)
        assert odd.reason == "invalid_json"
        (again,) = lines(odd.original, "segment")
        assert isinstance(again, Undecodable)


def test_a_refused_event_still_says_whose_key_it_came_with() -> None:
    unreadable = {**orjson.loads(EVENT % b"1"), "timestamp": "soon"}
    assert refusal(lines({"batch": [unreadable], "writeKey": "K"})).write_key == "K"
    assert refusal(lines({**unreadable, "writeKey": "K"})).write_key == "K"
    assert refusal(post("/v1/t?writeKey=K", {"zzz": 1}, dialect="auto")).write_key == "K"
    assert refusal(post("/unheard/of?writeKey=K", {"zzz": 1})).write_key == "K"


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_an_element_that_is_too_deep_costs_only_itself() -> None:
    good = orjson.loads(EVENT % b"1")
    # the message and its properties are two levels
    allowed = {**good, "properties": {"x": nested(98)}}
    (made,) = lines(allowed)
    assert isinstance(made, Decoded)
    orjson.dumps(made.event)
    body = b'{"batch":[' + EVENT % b"1" + b"," + EVENT % (b"[" * 400 + b"]" * 400) + b"," + EVENT % b"1" + b"]}"
    first, deep, last = lines(body)
    assert isinstance(first, Decoded)
    assert isinstance(last, Decoded)
    assert isinstance(deep, Undecodable)
    assert (deep.reason, deep.detail) == ("invalid_json", "nested deeper than 100 levels")
    assert deep.original == body, "too deep to be written alone"


def test_a_deep_context_of_a_batch_costs_no_message() -> None:
    body = b'{"batch":[' + EVENT % b"1" + b'],"context":{"x":' + b"[" * 400 + b"]" * 400 + b"}}"
    (made,) = lines(body)
    assert isinstance(made, Decoded)
    assert "context" not in made.event


def test_ten_thousand_properties_are_decoded_for_the_contract_to_judge() -> None:
    made = event({"type": "track", "event": "A", "userId": "u1", "properties": {f"Key {n}": n for n in range(10_000)}})
    assert len(made["properties"]) == 10_000


def test_an_empty_batch_holds_nothing() -> None:
    assert lines([]) == []
    assert post("/v1/batch", {"batch": [], "sentAt": "2026-03-01T10:00:00Z"}) == []
    assert post("/2/httpapi", {"api_key": "K", "events": []}) == []


@pytest.mark.parametrize(
    "odd",
    [
        {"event": {"a": 1}}, {"event": ["a"]}, {"properties": 5}, {"context": 5}, {"timestamp": {}}, {"userId": [1]},
        {"type": 5}, {"type": ["track"]}, {"messageId": {}}, {"context": {"page": 5, "device": 5, "library": []}},
        {"sentAt": []}, {"context": {"consent": 5}}, {"context": {"consent": {"categoryPreferences": 5}}}, {"batch": 5},
        {"context": {"location": {"country": 5}}}, {"context": {"device": {"type": 5, "model": 5}}},
        {"receivedAt": 5.5},
        {"traits": 5, "type": "identify"}, {"properties": {"page": 1}, "type": "page", "context": {"page": "x"}},
        {"distinct_id": {}, "properties": {"$lib": [], "$groups": 5, "$set": 5}}, {"events": {}}, {"data": {}},
        {"properties": {"$groups": {"a": {"b": 1}}, "$device_id": [], "$lib": {}}, "distinct_id": "x"},
        {"groups": 5, "event_type": "x"}, {"user_properties": 5, "event_type": "x"}, {"library": 5, "event_type": {}},
        {"groups": {"a": []}, "event_type": "$groupidentify"}, {"$token": 5, "$distinct_id": {}, "$set": []},
        {"e": "ue", "ue_pr": 5}, {"e": "pv", "tv": {}, "co": 5, "cx": 5, "res": 5}, {"e": ["pv"]}, {"message_type": {}},
    ],
)  # fmt: skip
@pytest.mark.parametrize("dialect", ["auto", *DIALECTS])
def test_a_value_of_another_type_is_foreseen(odd: dict[str, Any], dialect: str) -> None:
    base = {"type": "track", "event": "A", "userId": "u1", "user_id": "u1", "distinct_id": "u1", "e": "pv", "uid": "u1"}
    (outcome,) = lines({**base, **odd}, dialect)
    if isinstance(outcome, Decoded):
        orjson.dumps(outcome.event)
    else:
        assert "does not understand" not in outcome.detail
