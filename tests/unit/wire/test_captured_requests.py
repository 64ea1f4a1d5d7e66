"""Requests that eleven SDKs really sent become the right events.

The tests of each dialect hold small ones of the same
kinds, written from the protocols, which run everywhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingestion.wire import Decoded, decode_line, detect
from tests.unit.wire.captured_expectations import EXPECTED, SPRING

CAPTURED = Path(__file__).parents[4] / "shared/data/wire/sdk_requests_captured.jsonl"

pytestmark = pytest.mark.skipif(not CAPTURED.exists(), reason=f"the captured requests are not here: {CAPTURED}")


def shown(event: dict[str, Any]) -> dict[str, Any]:
    event_id = event.get("event_id")
    return {
        "event": event["event"],
        "message_type": event["message_type"],
        "id": event_id[:8] if event_id else None,
        "at": event.get("original_timestamp"),
        "properties": event.get("properties", {}),
        "user_id": event.get("user_id"),
        "anonymous_id": event.get("anonymous_id"),
        "page": event.get("context", {}).get("page", {}),
        "session_id": event.get("session_id"),
        "group_id": event.get("group_id"),
        "sent_at": event.get("sent_at"),
        "schema_version": event.get("schema_version"),
    }


def captured() -> list[bytes]:
    return CAPTURED.read_bytes().splitlines()


def test_there_are_as_many_expectations_as_requests() -> None:
    assert len(captured()) == len(EXPECTED) == 24


@pytest.mark.parametrize("number", range(24))
def test_a_captured_request_becomes_the_events_it_says(number: int) -> None:
    dialect, write_key, rows = EXPECTED[number]
    outcomes = list(decode_line(captured()[number]))
    assert [shown(one.event) for one in outcomes if isinstance(one, Decoded)] == rows
    assert {(one.dialect, one.write_key) for one in outcomes if isinstance(one, Decoded)} == {(dialect, write_key)}


@pytest.mark.parametrize("number", range(24))
def test_naming_the_dialect_gives_the_same_events_as_detecting_it(number: int) -> None:
    line = captured()[number]
    by_name = [one.event for one in decode_line(line, dialect=EXPECTED[number][0]) if isinstance(one, Decoded)]
    assert by_name == [one.event for one in decode_line(line) if isinstance(one, Decoded)]


@pytest.mark.parametrize("number", range(24))
def test_no_write_key_is_in_an_event(number: int) -> None:
    key = EXPECTED[number][1]
    for one in decode_line(captured()[number]):
        assert isinstance(one, Decoded)
        if one.dialect != "snowplow":  # its app id is no secret, and stays as the name of the app
            assert key not in str(one.event)


@pytest.mark.parametrize("number", range(24))
def test_an_original_alone_decodes_to_the_same_event(number: int) -> None:
    for one in decode_line(captured()[number]):
        assert isinstance(one, Decoded)
        (again,) = decode_line(one.original, dialect=one.dialect)
        assert isinstance(again, Decoded)
        assert again.event == one.event


def test_a_file_of_recorded_requests_is_looked_at_line_by_line() -> None:
    assert detect(captured()) == "auto"


def test_a_browsers_context_is_kept() -> None:
    (one,) = decode_line(captured()[21])
    assert isinstance(one, Decoded)
    assert one.event["context"] == {
        "page": SPRING,
        "user_agent": "Mozilla/5.0 (linux) AppleWebKit/537.36 (KHTML, like Gecko) jsdom/29.1.1",
        "locale": "en-US",
        "library": {"name": "analytics.js", "version": "next-1.84.3"},
        "campaign": {"source": "news", "medium": "email", "name": "spring"},
        "timezone": "UTC",
    }


@pytest.mark.parametrize(
    ("number", "library"),
    [
        (0, {"name": "analytics-python", "version": "2.4.0"}),
        (2, {"name": "posthog-python", "version": "7.91.1"}),
        (6, {"name": "python", "version": "5.4.1"}),
        (8, {"name": "amplitude-python", "version": "1.3.0"}),
        (9, {"name": "py", "version": "1.1.0"}),
        (12, {"name": "@segment/analytics-node", "version": "3.1.0"}),
        (18, {"name": "node", "version": "4.8.0"}),
    ],
)
def test_the_library_is_known_and_a_servers_own_agent_is_not_taken_for_a_persons(
    number: int, library: dict[str, str]
) -> None:
    for one in decode_line(captured()[number]):
        assert isinstance(one, Decoded)
        assert one.event["context"]["library"] == library
        assert "user_agent" not in one.event["context"]
        assert "os" not in one.event["context"]
