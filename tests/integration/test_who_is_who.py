"""What ties ids together is in the columns that docs/dialects.md names, whichever SDK said it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import Instance

NOON = "2026-03-01T12:00:00.000Z"
SECONDS = 1772366400
IDENTIFY, ALIAS, GROUP, SCREEN = "identify", "alias", "group", "screen"

# Per dialect: kind of call, the payload, and (user_id, anonymous_id, group_id, previous_id).
CALLS: dict[str, list[tuple[str, Any, tuple[str, str, str, str | None]]]] = {
    "segment": [
        (
            IDENTIFY,
            {"type": "identify", "userId": "u", "anonymousId": "a", "traits": {"role": "x"}},
            ("u", "a", "", None),
        ),
        (ALIAS, {"type": "alias", "userId": "u", "previousId": "old"}, ("u", "", "", "old")),
        (GROUP, {"type": "group", "userId": "u", "groupId": "g", "traits": {"seats": 7}}, ("u", "", "g", None)),
        (SCREEN, {"type": "screen", "userId": "u", "name": "Home"}, ("u", "", "", None)),
    ],
    "rudderstack": [
        (IDENTIFY, {"type": "identify", "channel": "web", "userId": "u", "anonymousId": "a"}, ("u", "a", "", None)),
        (ALIAS, {"type": "alias", "channel": "web", "userId": "u", "previousId": "old"}, ("u", "", "", "old")),
        (GROUP, {"type": "group", "channel": "web", "anonymousId": "a", "groupId": "g"}, ("", "a", "g", None)),
        (
            SCREEN,
            {"type": "screen", "channel": "mobile", "userId": "u", "event": "Home", "properties": {"name": "Home"}},
            ("u", "", "", None),
        ),
    ],
    "posthog": [
        (
            IDENTIFY,
            {"event": "$identify", "distinct_id": "u", "properties": {"$anon_distinct_id": "a", "$set": {"role": "x"}}},
            ("u", "a", "", None),
        ),
        (ALIAS, {"event": "$create_alias", "distinct_id": "u", "properties": {"alias": "old"}}, ("u", "", "", "old")),
        (
            GROUP,  # about the group alone: the id is one that the SDK made up
            {
                "event": "$groupidentify",
                "distinct_id": "$company_g",
                "properties": {"$group_type": "company", "$group_key": "g", "$group_set": {"seats": 7}},
            },
            ("", "", "g", None),
        ),
        (SCREEN, {"event": "$screen", "distinct_id": "u", "properties": {"$screen_name": "Home"}}, ("u", "", "", None)),
    ],
    "amplitude": [
        (
            IDENTIFY,
            {"event_type": "$identify", "user_id": "u", "device_id": "a", "user_properties": {"$set": {"role": "x"}}},
            ("u", "a", "", None),
        ),
        (
            GROUP,
            {"event_type": "$groupidentify", "groups": {"company": "g"}, "group_properties": {"$set": {"seats": 7}}},
            ("", "", "g", None),
        ),
        (
            SCREEN,
            {
                "event_type": "[Amplitude] Screen Viewed",
                "user_id": "u",
                "event_properties": {"[Amplitude] Screen Name": "Home"},
            },
            ("u", "", "", None),
        ),
    ],
    "mixpanel": [
        (
            IDENTIFY,
            {
                "event": "$identify",
                "properties": {"token": "K", "$identified_id": "u", "$anon_id": "a", "distinct_id": "u"},
            },
            ("u", "a", "", None),
        ),
        (
            ALIAS,
            {"event": "$create_alias", "properties": {"token": "K", "alias": "u", "distinct_id": "old"}},
            ("u", "", "", "old"),
        ),
        (
            GROUP,
            {"$token": "K", "$group_key": "company", "$group_id": "g", "$set": {"seats": 7}},
            ("", "", "g", None),
        ),
    ],
    "canonical": [
        (IDENTIFY, {"event": "identify", "user_id": "u", "anonymous_id": "a"}, ("u", "a", "", None)),
        (ALIAS, {"event": "alias", "user_id": "u", "properties": {"previous_id": "old"}}, ("u", "", "", "old")),
        (GROUP, {"event": "group", "message_type": "group", "group_id": "g"}, ("", "", "g", None)),
        (
            SCREEN,
            {"event": "screen_viewed", "message_type": "screen", "user_id": "u", "properties": {"screen_name": "Home"}},
            ("u", "", "", None),
        ),
    ],
}


def at_noon(dialect: str, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    if dialect == "amplitude":
        return {**payload, "time": SECONDS * 1000}
    if dialect == "mixpanel" and "properties" in payload:
        return {**payload, "properties": {**payload["properties"], "time": SECONDS}}
    if dialect == "mixpanel":
        return {**payload, "$time": SECONDS}
    return {**payload, "timestamp": NOON, **({"message_type": kind} if dialect == "canonical" else {})}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("who") / "millrace") as own:
        own.up()
        yield own


@pytest.mark.parametrize("dialect", CALLS)
def test_calls_that_tie_ids_together_arrive_as_documented(warehouse: Instance, tmp_path: Path, dialect: str) -> None:
    sent = [at_noon(dialect, kind, payload) for kind, payload, _ in CALLS[dialect]]
    path = tmp_path / f"{dialect}.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in sent))
    result = warehouse.json("load", str(path), "--dialect", dialect, "--project", "demo")
    assert (result["accepted"], result["rejected"]) == (len(sent), {})
    rows = warehouse.rows(
        "SELECT toString(message_type), user_id, anonymous_id, group_id, "
        "properties.previous_id, properties.screen_name, properties.seats "
        f"FROM raw.events WHERE source LIKE '%{path.name}' ORDER BY message_type"
    )
    seats = {kind: 7 for kind, payload, _ in CALLS[dialect] if "7" in json.dumps(payload)}
    assert rows == sorted(
        ((kind, *ids, "Home" if kind == SCREEN else None, seats.get(kind)) for kind, _, ids in CALLS[dialect]),
        key=lambda row: (SCREEN, IDENTIFY, GROUP, ALIAS).index(row[0]),
    )
