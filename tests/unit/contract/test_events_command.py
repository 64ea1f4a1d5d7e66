"""`millrace events list | show | validate`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from ingestion.registry import Registry
from tests.support import Instance

GOOD = {"project_id": "demo", "event": "logged_out", "user_id": "u", "timestamp": "2026-03-01T10:00:00.000Z"}
BAD = {**GOOD, "event": "nps_answered", "properties": {"score": 11, "comment": 5}}


def write(path: Path, *lines: dict[str, Any] | str) -> Path:
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_list_shows_every_event_type(instance: Instance, registry: Registry) -> None:
    listed = instance.json("events", "list")
    assert [entry["name"] for entry in listed] == sorted(registry)
    (order,) = [entry for entry in listed if entry["name"] == "order_completed"]
    assert order["owner"] == "shop"
    assert order["required"] == ["revenue"]
    assert "order_completed" in instance.run("events", "list").stdout


def test_show_tells_everything_about_one(instance: Instance) -> None:
    shown = instance.json("events", "show", "nps_answered")
    assert shown["properties"][0] == {
        "name": "score",
        "type": "integer",
        "column_type": "Nullable(Int64)",
        "required": True,
        "rule": "integer from 0 to 10",
        "pii": "none",
        "deprecated": "",
        "description": "From 0, not at all, to 10",
    }
    assert shown["example"]["score"] == 9
    text = instance.run("events", "show", "nps_answered").stdout
    assert "integer from 0 to 10" in text
    assert "Owner support, sent as track." in text


def test_show_of_an_unknown_event_names_the_nearest(instance: Instance) -> None:
    done = instance.run("events", "show", "nps_answer")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "No event type 'nps_answer' is registered; did you mean 'nps_answered'" in done.stderr


@pytest.mark.parametrize("name", ["good.jsonl", "good.jsonl.gz"])
def test_a_good_file_is_exit_code_0(instance: Instance, tmp_path: Path, name: str) -> None:
    file = write(tmp_path / name, GOOD, "", {**GOOD, "event": "my_own"}, {**GOOD, "event": "my_own"})
    done = instance.run("events", "validate", str(file))
    assert done.returncode == 0
    assert done.stderr == ""
    assert "3 events: 3 would be accepted, 0 rejected." in done.stdout
    assert "Accepted without a registered event type: my_own 2." in done.stdout


def test_every_problem_is_told_with_its_line(instance: Instance, tmp_path: Path) -> None:
    file = write(tmp_path / "mixed.jsonl", GOOD, "nonsense", "", BAD, {**GOOD, "project_id": "other"})
    done = instance.run("events", "validate", str(file), "--format", "json")
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert {key: result[key] for key in ("received", "accepted", "rejected")} == {
        "received": 4,
        "accepted": 1,
        "rejected": 3,
    }
    assert result["reasons"] == {"invalid_json": 1, "schema_violation": 1, "unknown_project": 1}
    assert result["unregistered"] == {}
    assert [(problem["line"], problem["path"]) for problem in result["problems"]] == [
        (2, ""),
        (4, "comment"),
        (5, "project_id"),
    ]
    assert result["problems"][1] == {
        "line": 4,
        "reason": "schema_violation",
        "path": "comment",
        "expected": "text",
        "got": "a number",
    }


def test_lines_without_consent_are_not_accepted(instance: Instance, tmp_path: Path) -> None:
    refused = {**GOOD, "consent_analytics": False}
    done = instance.run("events", "validate", str(write(tmp_path / "refused.jsonl", GOOD, refused)))
    assert done.returncode == 1
    assert "2 events: 1 would be accepted, 1 rejected (no_consent 1)." in done.stdout
    projects = instance.project_dir / "projects.yaml"
    kept = projects.read_text()
    try:
        projects.write_text(
            kept.replace("id: demo\n", "id: demo\n    consent: {silent: refused, refused: anonymise}\n")
        )
        who = {**GOOD, "message_type": "identify"}
        done = instance.run("events", "validate", str(write(tmp_path / "silent.jsonl", GOOD, who)))
        assert "2 events: 1 would be accepted, 1 rejected (no_consent 1)." in done.stdout
    finally:
        projects.write_text(kept)


def test_the_table_stops_and_says_so(instance: Instance, tmp_path: Path) -> None:
    done = instance.run("events", "validate", str(write(tmp_path / "bad.jsonl", GOOD, *["x"] * 60)))
    assert done.returncode == 1
    assert "Only the first 50 problems are shown" in done.stdout
    assert "61 events: 1 would be accepted, 60 rejected (invalid_json 60)." in done.stdout


def test_a_file_that_cannot_be_read_is_told(instance: Instance, tmp_path: Path) -> None:
    done = instance.run("events", "validate", str(tmp_path / "none.jsonl"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no file or folder" in done.stderr
    cut = tmp_path / "cut.jsonl.gz"
    lines = [json.dumps({**GOOD, "event_id": str(number**9)}).encode() for number in range(300)]
    cut.write_bytes(gzip.compress(b"\n".join(lines))[:1500])
    done = instance.run("events", "validate", str(cut))
    assert done.returncode == 1
    assert "expected the rest of the file, got a file that breaks off" in " ".join(done.stdout.split())
    done = instance.run("events", "validate", str(tmp_path))
    assert done.returncode == 1
    assert "is a folder" in done.stderr
    done = instance.run("events", "validate", str(tmp_path / "events.parquet"))
    assert done.returncode == 1


def test_what_a_load_takes_can_be_checked(instance: Instance, tmp_path: Path) -> None:
    """CSV by its rows, payloads of SDKs by what they hold, lines without a project by the one that is named."""
    rows = "event,user_id,timestamp,project_id\nlogged_out,u,2026-03-01T10:00:00.000Z,demo\nlogged_out,u\n"
    (tmp_path / "events.csv").write_text(rows)
    told = json.loads(instance.run("events", "validate", str(tmp_path / "events.csv"), "--format", "json").stdout)
    assert (told["received"], told["reasons"], told["problems"][0]["line"]) == (2, {"invalid_json": 1}, 2)
    good = {"type": "track", "event": "Logged Out", "userId": "u", "timestamp": GOOD["timestamp"]}
    file = write(tmp_path / "segment.jsonl", {"batch": [good, {**good, "event": "NPS Answered"}, 5]})
    done = instance.run("events", "validate", str(file), "--project", "demo", "--format", "json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["received"], told["accepted"]) == (3, 1)
    assert told["reasons"] == {"schema_violation": 1, "invalid_json": 1}
    assert told["problems"][1]["got"] == "an event is an object, this is a number"
    unnamed = json.loads(instance.run("events", "validate", str(file), "--format", "json").stdout)
    assert unnamed["reasons"]["unknown_project"] == 2
