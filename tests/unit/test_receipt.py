"""When something was received is what its request says; when it was loaded is no word about anybody's clock."""

from __future__ import annotations

import json

import orjson
import pytest

from ingestion.pieces import decoded_columns

LOADED = "2026-06-01T00:00:00.000Z"
SENT = {"sentAt": "2026-03-01T12:00:05.000Z", "timestamp": "2026-03-01T12:00:00.000Z"}
EVENT = {"type": "track", "event": "Signed Up", "userId": "u", "messageId": "m", **SENT}


@pytest.mark.parametrize("told", ["2026-03-01T10:00:05.000Z", None])
def test_only_a_told_receipt_is_one(told: str | None) -> None:
    event = {**EVENT, **({"receivedAt": told} if told else {})}
    ((line, _, refused, _),) = decoded_columns(orjson.dumps(event), "segment", LOADED, lambda key: "")
    assert refused == ""
    made = json.loads(line)
    assert made.get("received_at") == told
    assert made["sent_at"] == SENT["sentAt"]
