from __future__ import annotations

from pathlib import Path

import orjson

from ingestion.demo.event_types import NAMES
from ingestion.demo.examples import write_examples
from ingestion.registry import EventType, Registry, load_registry


def test_the_world_sends_every_type_that_is_registered(tmp_path: Path) -> None:
    assert write_examples(tmp_path / "examples", load_registry()) == []
    assert not (tmp_path / "examples").exists()


def test_a_type_that_nobody_sends_is_sent_by_somebody_of_the_house(tmp_path: Path) -> None:
    known = load_registry()
    added = EventType(
        "report_shared", "growth", "Shared.", known["report_viewed"].schema, example={"report_type": "funnel"}
    )
    (file,) = write_examples(tmp_path / "examples", Registry([*known.values(), added]))
    identify, shared = map(orjson.loads, file.read_bytes().splitlines())
    assert identify["properties"] == {"is_internal": True}
    assert identify["user_id"] == shared["user_id"]
    assert identify["timestamp"] < shared["timestamp"]
    assert (shared["event"], shared["message_type"], shared["properties"]) == (
        "report_shared",
        "track",
        {"report_type": "funnel"},
    )
    assert "report_shared" not in NAMES
