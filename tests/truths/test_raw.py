"""What the simulator knows to be true of its world, found in raw after loading what SDKs would have sent."""

from __future__ import annotations

import pytest

from tests.truths.conftest import LoadedWorld

PROJECTS = ("demo", "demo_mobile")
# A repeated event id counts once, whichever copy it is. Some of the planted faults are copies of true events.
DISTINCT = """(
    SELECT * FROM raw.events WHERE source != 'canonical:canonical.jsonl' LIMIT 1 BY project_id, event_id
)"""


def test_every_line_of_every_file_has_the_expected_verdict(world: LoadedWorld) -> None:
    load = world.truths["load"]
    expected = {
        path: (truth["lines"], sum(truth["accepted"].values()), truth.get("rejected", {}))
        for path, truth in [*((file["path"], file) for file in load["files"]), *load["faults"].items()]
    }
    found = {
        file["path"].removeprefix(f"{world.folder}/"): (file["received"], file["accepted"], file["rejected"])
        for file in world.loaded["files"]
    }
    assert found == expected
    assert world.loaded["received"] == world.loaded["accepted"] + sum(world.loaded["rejected"].values())


def test_raw_holds_what_was_accepted_and_what_was_rejected(world: LoadedWorld) -> None:
    load = world.truths["load"]
    accepted = dict(world.instance.rows("SELECT project_id, count() FROM raw.events GROUP BY 1"))
    faults = load["faults"].values()
    assert accepted == {
        project: load["accepted"][project] + sum(fault["accepted"].get(project, 0) for fault in faults)
        for project in PROJECTS
    }
    rejected = dict(world.instance.rows("SELECT reason, count() FROM raw.events_rejected GROUP BY 1"))
    assert rejected == {reason: lines for reason, lines in world.loaded["rejected"].items() if reason != "no_consent"}
    withheld = dict(world.instance.rows("SELECT project_id, sum(lines) FROM raw.events_withheld GROUP BY 1"))
    assert withheld == load["withheld"]
    assert sum(withheld.values()) == load["rejected"]["no_consent"] == world.loaded["rejected"]["no_consent"]


@pytest.mark.parametrize("project", PROJECTS)
def test_distinct_events_by_type(world: LoadedWorld, project: str) -> None:
    truth = world.truths["projects"][project]["events"]
    found = dict(
        world.instance.rows(f"SELECT event, count() FROM {DISTINCT} WHERE project_id = '{project}' GROUP BY 1")
    )
    assert found == truth["distinct_per_type"]
    assert sum(found.values()) == truth["distinct"] - truth["left_out"]["no_consent"]
