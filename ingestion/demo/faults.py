"""Lines that must be refused: some of each reason, and a few good ones among them that were loaded before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson

from ingestion.demo.block import Block
from ingestion.demo.dialects import Json, segment
from ingestion.demo.event_types import Kind
from ingestion.demo.lines import canonical_json, columns
from ingestion.demo.streams import stream
from ingestion.demo.text import instants

UNKNOWN_PROJECT: Final = "nobody_knows"
UNKNOWN_KEY: Final = "mk_of_nobody"
GOOD_LINES: Final = 10
MOST_PER_REASON: Final = 12
_TOO_LARGE: Final = 40_000  # characters in one property
_TOO_MANY: Final = 700  # properties


def _without(*keys: str) -> Callable[[Json], Any]:
    return lambda event: {key: value for key, value in event.items() if key not in keys}


def _with(**changes: Any) -> Callable[[Json], Any]:
    return lambda event: {**event, **changes}


def _future(event: Json) -> Json:
    later = f"{int(event['received_at'][:4]) + 1}{event['received_at'][4:]}"
    return {key: value for key, value in event.items() if key != "sent_at"} | {"original_timestamp": later}


def _order(properties: Json) -> Callable[[Json], Any]:
    good: Json = {"order_id": "ord_bad", "revenue": 49.0, "currency": "EUR", "items_count": 1, "products": []}
    wrong = {key: value for key, value in {**good, **properties}.items() if value is not None}
    return _with(event="order_completed", message_type="track", properties=wrong)


def _cut(event: Json) -> bytes:
    line = orjson.dumps(event)
    return line[: len(line) // 2]


_FAULTS: Final[dict[str, tuple[Callable[[Json], Any], ...]]] = {
    "invalid_json": (_cut, lambda event: b"this is not JSON", lambda event: [event]),
    "missing_event": (_without("event"), _with(event=""), _with(event="???")),
    "missing_identity": (_without("user_id", "anonymous_id"), _with(user_id="", anonymous_id="")),
    "bad_timestamp": (_with(original_timestamp="yesterday"), _without("original_timestamp", "timestamp")),
    "future_timestamp": (_future,),
    "too_large": (_with(properties={"note": "x" * _TOO_LARGE}),),
    "too_many_properties": (_with(properties={f"property_{n}": n for n in range(_TOO_MANY)}),),
    "unknown_project": (_with(project_id=UNKNOWN_PROJECT), _without("project_id")),
    "schema_violation": (
        _order({"revenue": None}),
        _order({"revenue": "forty-nine"}),
        _with(event="nps_answered", message_type="track", properties={"score": [9]}),
    ),
}


def write(folder: Path, seed: int, block: Block) -> dict[str, dict[str, Any]]:
    """Writes the files; returns what each holds: lines, how many will be accepted, how many refused for what."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = stream(seed, "faults")
    table = block.table
    plain = table.take((table.kind == Kind.page_viewed) & (table.sent >= 0) & (table.consent != 0))
    rows = plain.take(rng.permutation(len(plain))[: len(_FAULTS) * MOST_PER_REASON + 3 * GOOD_LINES])
    events = [orjson.loads(text) for text in canonical_json(block.project.id, columns(rows, block.facts)).to_pylist()]
    corrected = instants(rows.at).to_pylist()
    lines: list[bytes] = []
    refused: Counter[str] = Counter()
    for reason, faults in _FAULTS.items():
        for number in range(int(rng.integers(3, MOST_PER_REASON + 1))):
            event = events[len(lines)]
            event["event_id"] = f"fault-{reason}-{number}"  # an id of its own: it must not pass for a repeat
            faulty = faults[number % len(faults)](event)
            lines.append(faulty if isinstance(faulty, bytes) else orjson.dumps(faulty))
            refused[reason] += 1
    good = events[len(lines) : len(lines) + GOOD_LINES]
    order = rng.permutation(len(lines) + len(good))
    everything = [*lines, *map(orjson.dumps, good)]
    (folder / "canonical.jsonl").write_bytes(b"".join(everything[i] + b"\n" for i in order))

    strangers = events[-GOOD_LINES:]
    foreign = [segment(event, at, UNKNOWN_KEY) for event, at in zip(strangers, corrected[-GOOD_LINES:], strict=True)]
    (folder / "segment.jsonl").write_bytes(b"".join(orjson.dumps(message) + b"\n" for message in foreign))
    return {
        "faults/canonical.jsonl": {
            "lines": len(everything), "accepted": {block.project.id: len(good)}, "rejected": dict(refused),
        },
        "faults/segment.jsonl": {
            "lines": len(foreign), "accepted": {}, "rejected": {"unknown_project": len(foreign)},
        },
    }  # fmt: skip
