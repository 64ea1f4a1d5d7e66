"""Counts a world again the slow way: reads the files back through the decoders, and goes event by event.

Nothing here is shared with the simulator; the rules are written a second time, as loops.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pyarrow.parquet as pq

from ingestion.contract import event_time, parse_instant
from ingestion.wire.decode import decode_line
from ingestion.wire.dialect import Decoded

Event = dict[str, Any]
BOTS = ("bot", "Bot")


def read(path: Path, project_of_key: dict[str, str]) -> list[Event]:
    """The events of one file, each with its corrected time under `at`."""
    if path.suffix == ".parquet":
        lines = [_from_row(row) for row in pq.read_table(path).to_pylist()]
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            lines = [_from_row(row) for row in csv.DictReader(file)]
    else:
        opened = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        lines = []
        for line in opened.splitlines():
            (outcome,) = decode_line(line)
            assert isinstance(outcome, Decoded), (path, outcome)
            project = {} if "project_id" in outcome.event else {"project_id": project_of_key[str(outcome.write_key)]}
            lines.append(outcome.event | project)
    for event in lines:
        times = [parse_instant(event.get(key)) for key in ("timestamp", "original_timestamp", "sent_at", "received_at")]
        event["at"] = event_time(*times)
        assert event["at"] is not None
    return lines


def _from_row(row: Event) -> Event:
    event = {key: value for key, value in row.items() if value not in (None, "")}
    for key in ("properties", "context"):
        event[key] = orjson.loads(event[key])
    for key in ("original_timestamp", "sent_at", "received_at"):
        if isinstance(event.get(key), datetime):
            event[key] = event[key].isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for key in ("consent_analytics", "consent_marketing"):
        if isinstance(event.get(key), str):
            event[key] = event[key] == "true"
    return event


def everything(folder: Path, truths: Any) -> list[Event]:
    keys = {project["write_key"]: name for name, project in truths["projects"].items()}
    return [event for file in truths["load"]["files"] for event in read(folder / file["path"], keys)]


def distinct(events: list[Event]) -> list[Event]:
    return list({(event["project_id"], event["event_id"]): event for event in events}.values())


def is_bot(event: Event) -> bool:
    agent = event.get("context", {}).get("user_agent", "")
    return any(word in agent for word in BOTS)


def resolve(events: list[Event]) -> None:
    """Puts the person of each event under `person`: consent not refused, all of one project."""
    first: dict[str, tuple[datetime, str]] = {}
    for event in events:
        anonymous = event.get("anonymous_id")
        if event["message_type"] == "alias":
            anonymous = event["properties"]["previous_id"]
        if anonymous and event.get("user_id"):
            seen = (event["at"], event["user_id"])
            first[anonymous] = min(first.get(anonymous, seen), seen)
    for event in events:
        anonymous = event.get("anonymous_id")
        owner = first.get(anonymous, (None, None))[1] if anonymous else None
        event["person"] = event.get("user_id") or owner or anonymous


def counted(events: list[Event]) -> tuple[list[Event], dict[str, int]]:
    """The events of one project that count, and how many are left out for which reason."""
    allowed = [event for event in events if event.get("consent_analytics") is not False]
    resolve(allowed)
    ours = {event["person"] for event in allowed if event["message_type"] == "identify" and _internal(event)}
    bots = [event for event in allowed if is_bot(event)]
    internal = [event for event in allowed if not is_bot(event) and event["person"] in ours]
    kept = [event for event in allowed if not is_bot(event) and event["person"] not in ours]
    left_out = {"no_consent": len(events) - len(allowed), "bots": len(bots), "internal": len(internal)}
    return kept, left_out


def _internal(event: Event) -> bool:
    return event["properties"].get("is_internal") is True


def by_person(events: list[Event]) -> dict[str, list[Event]]:
    people: dict[str, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event["at"]):
        people[event["person"]].append(event)
    return people


def local_day(event: Event, zone: ZoneInfo) -> str:
    return event["at"].astimezone(zone).date().isoformat()


def sessions(people: dict[str, list[Event]]) -> list[list[Event]]:
    """The sessions, each a list of its events."""
    found: list[list[Event]] = []
    for events in people.values():
        current: dict[str, list[Event]] = {}
        for event in events:
            name = event.get("session_id", "")
            running = current.get(name)
            if (
                running is None
                or (not name and event["at"] - running[-1]["at"] > timedelta(minutes=30))
                or event["at"] - running[0]["at"] > timedelta(hours=24)
            ):
                current[name] = [event]
                found.append(current[name])
            else:
                running.append(event)
    return found


def furthest(events: list[Event], steps: list[str], within: timedelta, strict: bool = False) -> int:
    """How many steps of a funnel a person's events come, tried from every first step by brute force."""

    def matches(event: Event, step: str) -> bool:
        name, _, path = step.partition("[page.path=")
        return event["event"] == name and (not path or event["context"]["page"]["path"] == path[:-1])

    def walk(position: int, step: int, limit: datetime) -> int:
        if step == len(steps):
            return step
        following = range(position + 1, len(events))
        for index in following[:1] if strict else following:
            if events[index]["at"] > limit:
                break
            if matches(events[index], steps[step]):
                return walk(index, step + 1, limit)
        return step

    starts = [index for index, event in enumerate(events) if matches(event, steps[0])]
    return max((walk(index, 1, events[index]["at"] + within) for index in starts), default=0)


def day_after(day: str, days: int) -> str:
    return (datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=days)).date().isoformat()
