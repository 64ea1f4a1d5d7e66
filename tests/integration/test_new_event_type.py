"""An event type is one YAML file: column, validation, commands and guide follow; old rows stay readable."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support import REPOSITORY, Instance

GUIDE = (REPOSITORY / "docs/events.md").read_text()


def line(number: int, **properties: Any) -> str:
    event = {"project_id": "demo", "event_id": f"shared-{number}", "event": "report_shared", "user_id": "u1"}
    return json.dumps({**event, "timestamp": "2026-03-01T12:00:00Z", "properties": properties})


def test_one_file_is_all_it_takes(instance: Instance, tmp_path: Path) -> None:
    instance.up()
    (tmp_path / "before.jsonl").write_text("\n".join([line(1, recipients_count=3), line(2, recipients_count=None)]))
    assert instance.json("load", str(tmp_path / "before.jsonl"))["accepted"] == 2

    # A checkout of one's own, and in it the file that the guide shows.
    checkout = tmp_path / "checkout"
    shutil.copytree(REPOSITORY / "ingestion", checkout / "ingestion")
    (checkout / "docs").mkdir()
    (checkout / "docs/events.md").write_text(GUIDE)
    ((name, text),) = re.findall(r"```yaml\n# (ingestion/event_types/\w+\.yaml)\n(.+?)```", GUIDE, re.DOTALL)
    (checkout / name).write_text(text)
    instance.variables["PYTHONPATH"] = str(checkout)

    assert "report_shared" in {event_type["name"] for event_type in instance.json("events", "list")}
    shown = instance.json("events", "show", "report_shared")
    assert [one["column_type"] for one in shown["properties"] if one["name"] == "recipients_count"] == [
        "Nullable(Int64)"
    ]

    after = tmp_path / "after.jsonl"
    good, broken = line(3, report_type="funnel", recipients_count=4), line(4, report_type="pie", recipients_count=1)
    after.write_text("\n".join([good, broken, line(5, recipients_count=1), line(6, report_type="trend", comment=5)]))
    said = instance.run("events", "validate", str(after), "--format", "json")
    assert [problem["path"] for problem in json.loads(said.stdout)["problems"]] == [
        "report_type",
        "report_type",
        "comment",
    ]

    registered = (
        "SELECT count() FROM raw.event_types WHERE event = 'report_shared' AND has(properties, 'recipients_count')"
    )
    assert instance.rows(registered) == [(0,)]
    loaded = instance.run("load", str(after), "--format", "json")
    assert loaded.returncode == 0, loaded.stderr
    assert "Brought up to date with the registry of event types" in loaded.stderr
    assert instance.rows(registered) == [(1,)]
    result = json.loads(loaded.stdout)
    assert (result["accepted"], result["rejected"]) == (1, {"schema_violation": 3})
    count = "properties.recipients_count"
    assert instance.rows(f"SELECT event_id, {count}, toTypeName({count}) FROM raw.events ORDER BY 1") == [
        (f"shared-{number}", sent, "Nullable(Int64)") for number, sent in ((1, 3), (2, None), (3, 4))
    ]

    environment = {**instance.environment, "PYTHONPATH": str(checkout)}
    # What the demo adds to the world for it.
    write = (
        "from pathlib import Path; from ingestion.demo.examples import write_examples; "
        "from ingestion.registry import load_registry; write_examples(Path('examples'), load_registry())"
    )
    subprocess.run([sys.executable, "-c", write], env=environment, check=True, cwd=tmp_path)
    assert instance.json("load", str(tmp_path / "examples"))["accepted"] == 2
    assert instance.rows("SELECT properties.report_type FROM raw.events WHERE event_id = 'staff_example-report_shared'")

    subprocess.run([sys.executable, "-m", "ingestion.event_guide"], env=environment, check=True, cwd=tmp_path)
    guide = (checkout / "docs/events.md").read_text()
    added = set(guide.splitlines()) - set(GUIDE.splitlines())
    assert {one.split("|")[1].strip() for one in added} == {"`report_shared`", "`recipients_count`"}
