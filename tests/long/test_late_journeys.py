"""What comes late changes the row of the day where the journey began, however far back that is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.support import REPOSITORY, Instance
from warehouse.dbt import run

EVENT_TYPES = REPOSITORY / "ingestion" / "event_types"
TABLES = ("funnel_purchase", "agg_feature_adoption", "agg_paths_after_sign_up", "retention_weekly")
# Of the project demo, whose clocks (Europe/Berlin) were put forward on Sunday, March 29th: a window of 14 days that
# begins half an hour before midnight ends half an hour after midnight, on the 15th day.
AT_FIRST = [
    ("product_viewed", "ann", "2026-03-15T22:30:00.000Z"),
    # A Sunday: its week begins before the first day with events.
    ("report_viewed", "bob", "2026-03-15T10:00:00.000Z"),
    ("report_viewed", "bob", "2026-03-16T10:00:00.000Z"),
    ("signed_up", "bob", "2026-03-17T22:50:00.000Z"),
    ("report_viewed", "cid", "2026-04-20T10:00:00.000Z"),
]
# Alone: whatever else changed might make the day of the entry anew as well.
CONVERSION = [("product_added", "ann", "2026-03-29T22:30:00.000Z")]
LATE = [
    ("report_viewed", "cid", "2026-03-22T10:00:00.000Z"),
    ("video_played", "bob", "2026-03-17T23:10:00.000Z"),
]


def load(instance: Instance, folder: Path, events: list[tuple[str, str, str]]) -> None:
    lines = [
        json.dumps(
            {
                **{"event_id": f"{event} {at}", "event": event, "anonymous_id": person, "timestamp": at},
                "properties": yaml.safe_load((EVENT_TYPES / f"{event}.yaml").read_text())["example"],
            }
        )
        for event, person, at in events
    ]
    path = folder / f"{len(lines)}.jsonl"
    path.write_text("\n".join(lines))
    assert instance.json("load", str(path), "--project", "demo", "--dialect", "canonical")["accepted"] == len(lines)


def build(instance: Instance, *more: str) -> dict[str, list[tuple[Any, ...]]]:
    with instance.active() as settings:
        done = run(settings, ["run", *more, "--select", *(f"+{table}" for table in TABLES)])
    assert done.nodes and not done.failed, done.failed
    return {table: instance.rows(f"SELECT * FROM marts.{table} ORDER BY ALL") for table in TABLES}


def test_what_comes_late_changes_where_it_began(instance: Instance, tmp_path: Path) -> None:
    instance.up()
    told = {
        "funnel_purchase": "SELECT toString(local_date), steps_reached FROM marts.funnel_purchase",
        "agg_feature_adoption": "SELECT toString(local_date), people FROM marts.agg_feature_adoption ORDER BY 1",
        "agg_paths_after_sign_up": (
            "SELECT toString(local_date), to_event FROM marts.agg_paths_after_sign_up WHERE step = 1"
        ),
        "retention_weekly": (
            "SELECT toString(cohort_date), members FROM marts.retention_weekly "
            "WHERE kind = 'first_ever' AND age = 0 ORDER BY 1"
        ),
    }
    load(instance, tmp_path, AT_FIRST)
    build(instance)
    assert {table: instance.rows(sql) for table, sql in told.items()} == {
        "funnel_purchase": [("2026-03-15", 1)],
        "agg_feature_adoption": [("2026-03-09", 1), ("2026-03-16", 1), ("2026-04-20", 1)],
        "agg_paths_after_sign_up": [("2026-03-17", "")],
        # The week of cid's first event is not over.
        "retention_weekly": [("2026-03-09", 2)],
    }
    load(instance, tmp_path, CONVERSION)
    build(instance)
    assert instance.rows(told["funnel_purchase"]) == [("2026-03-15", 2)]
    load(instance, tmp_path, LATE)
    grown = build(instance)
    assert {table: instance.rows(sql) for table, sql in told.items()} == {
        "funnel_purchase": [("2026-03-15", 2)],
        "agg_feature_adoption": [("2026-03-09", 1), ("2026-03-16", 2), ("2026-04-20", 1)],
        "agg_paths_after_sign_up": [("2026-03-17", "video_played")],
        "retention_weekly": [("2026-03-09", 2), ("2026-03-16", 1)],
    }
    assert build(instance, "--full-refresh") == grown
