"""What the world says in another SDK's words decodes back to the canonical event, less what that SDK never says."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest

from ingestion.contract import event_time, parse_instant
from ingestion.demo.block import simulate
from ingestion.demo.dialects import ENCODERS
from ingestion.demo.lines import canonical_json, columns
from ingestion.demo.sdk import DIALECTS
from ingestion.demo.text import instants
from ingestion.demo.world import PROJECTS, World
from ingestion.wire.decode import decode_line
from ingestion.wire.dialect import Decoded

# (context key, dialects that do not send it). Web SDKs of Segment's family leave the device to the user agent.
SEGMENT_FAMILY = {"segment", "rudderstack", "requests"}
UNSAID = {
    "device.type": SEGMENT_FAMILY | {"mixpanel"},
    "os.name": SEGMENT_FAMILY,
    "browser.name": SEGMENT_FAMILY | {"amplitude"},
    "page.path": {"amplitude", "mixpanel"},
    "page.url": {"amplitude"},
    "page.referrer": {"amplitude"},
}
SAID = (
    *UNSAID,
    "campaign.source",
    "campaign.medium",
    "campaign.name",
    "location.country",
    "locale",
    "ip",
    "user_agent",
)
WITHOUT_RECEIVED_AT = {"posthog", "amplitude", "mixpanel"}
FIELDS = ("event", "message_type", "event_id", "user_id", "anonymous_id", "session_id", "group_id",
          "original_timestamp", "sent_at", "consent_analytics", "consent_marketing")  # fmt: skip


def at(context: Any, path: str) -> Any:
    for key in path.split("."):
        context = (context or {}).get(key)
    return context


@pytest.fixture(scope="module")
def sent() -> list[tuple[str, str, dict[str, Any], str]]:
    """(dialect, write key, canonical event, corrected time) of a world."""
    found = []
    for number, project in enumerate(PROJECTS):
        block = simulate(World(seed=9), project, number, 12_000)
        texts = canonical_json(project.id, columns(block.table, block.facts)).to_pylist()
        times = instants(block.table.at).to_pylist()
        for text, time, dialect in zip(texts, times, block.table.dialect, strict=True):
            found.append((DIALECTS[dialect], project.write_key, orjson.loads(text), time))
    return found


def test_every_dialect(sent: list[tuple[str, str, dict[str, Any], str]]) -> None:
    seen: Counter[str] = Counter()
    for dialect, key, event, time in sent:
        if dialect not in ENCODERS:
            continue
        payload = ENCODERS[dialect](event, time, key)
        line = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        (decoded,) = decode_line(line)
        assert isinstance(decoded, Decoded), (dialect, decoded)
        found = decoded.event
        assert (decoded.dialect, decoded.write_key) == ("segment" if dialect == "requests" else dialect, key)
        for field in FIELDS:
            assert found.get(field) == event.get(field), (dialect, field, event["event"])
        assert found.get("received_at") == (None if dialect in WITHOUT_RECEIVED_AT else event["received_at"])
        times = [parse_instant(found.get(k)) for k in ("timestamp", "original_timestamp", "sent_at", "received_at")]
        assert event_time(*times) == parse_instant(time), dialect
        properties = dict(event["properties"])
        if (dialect, event["event"]) == ("posthog", "group"):
            properties["group_type"] = "company"  # PostHog's groups have types
        assert found.get("properties", {}) == properties, (dialect, event["event"])
        for path in SAID:
            if dialect not in UNSAID.get(path, set()) or at(found.get("context"), path) is not None:
                assert at(found.get("context"), path) == at(event["context"], path), (dialect, path)
        seen[dialect] += 1
    assert set(seen) == set(ENCODERS)
    assert min(seen.values()) > 20
