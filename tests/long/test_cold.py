"""Events that are old lie on a slower disk, where one is named; and come back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support import Instance

PASSWORD = {"MILLRACE_BACKUP_PASSWORD": "of the backups"}
WHERE = """
SELECT partition_id, disk_name, sum(rows) FROM system.parts
WHERE active AND database = 'raw' AND table = 'events' GROUP BY ALL ORDER BY ALL
"""
NOW = datetime.now(UTC)
NEW, OLD, OLDER = (NOW - timedelta(days=days) for days in (1, 200, 300))


def month(day: datetime) -> str:
    return f"{day:%Y%m}"


def load(own: Instance, name: str, *days: datetime) -> None:
    events = [
        {"project_id": "demo", "event": "page_viewed", "user_id": "anna", "event_id": f"{name}-{day:%Y%m%d}"}
        | {"timestamp": f"{day:%Y-%m-%dT%H:%M:%SZ}"}
        for day in days
    ]
    file = own.folder / f"{name}.jsonl"
    file.write_text("\n".join(map(json.dumps, events)))
    assert own.json("load", str(file))["accepted"] == len(days)


def restarted(own: Instance) -> None:
    own.run("down")
    own.up()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("cold") / "millrace", **PASSWORD) as own:
        own.up()
        load(own, "a", NEW, OLD)
        yield own


def test_old_months_go_to_the_cold_disk_and_come_back(own: Instance, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert own.rows(WHERE) == [(month(OLD), "default", 1), (month(NEW), "default", 1)]
    folder = tmp_path_factory.mktemp("disk") / "cold"
    own.variables |= {"MILLRACE_COLD_AFTER": "90d"}
    assert "MILLRACE_COLD_FOLDER must be set, too" in own.run("up").stderr
    own.variables |= {"MILLRACE_COLD_FOLDER": str(folder)}
    refused = own.run("migrate")  # the server that runs knows of no such disk
    assert refused.returncode == 1
    assert "has no storage policy `tiered`" in refused.stderr

    restarted(own)
    assert own.rows(WHERE) == [(month(OLD), "cold", 1), (month(NEW), "default", 1)]
    load(own, "b", NEW, OLDER)  # and what is old when it comes
    assert own.rows(WHERE) == [(month(OLDER), "cold", 1), (month(OLD), "cold", 1), (month(NEW), "default", 2)]
    assert list(folder.rglob("data.bin"))
    assert own.run("migrate").stdout == "The schema is up to date.\n"
    assert own.rows("SELECT uniqExact(event_id) FROM raw.events") == [(4,)]

    own.variables |= {"MILLRACE_COLD_AFTER": "250d"}
    assert "months of events on another disk than before: 1\n" in own.run("migrate").stderr
    assert own.rows(WHERE) == [(month(OLDER), "cold", 1), (month(OLD), "default", 1), (month(NEW), "default", 2)]
    for wrong in ("90 days", "0d", "21y"):
        own.variables |= {"MILLRACE_COLD_AFTER": wrong}
        assert "must be days or years, 20 at most, as 90d or 1y" in own.run("migrate").stderr
    own.variables |= {"MILLRACE_COLD_AFTER": "", "MILLRACE_COLD_FOLDER": ""}  # the server needs the disk all the same
    restarted(own)
    assert {disk for _, disk, _ in own.rows(WHERE)} == {"default"}
    assert "TO VOLUME" not in own.rows("SELECT engine_full FROM system.tables WHERE name = 'events'")[0][0]
    own.variables |= {"MILLRACE_COLD_AFTER": "90d", "MILLRACE_COLD_FOLDER": str(folder)}
    restarted(own)
    assert own.rows("SELECT count() FROM raw.events") == [(4,)]


def test_a_backup_of_both_disks_is_restored_where_there_is_one(own: Instance, tmp_path: Path) -> None:
    before = own.rows("SELECT event_id, timestamp FROM raw.events ORDER BY ALL")
    assert {disk for _, disk, _ in own.rows(WHERE)} == {"default", "cold"}
    assert own.run("backup", "create").returncode == 0
    (backup,) = own.json("backup", "list")
    with Instance(tmp_path / "other", MILLRACE_BACKUPS=str(own.data_dir / "backups"), **PASSWORD) as other:
        other.up()
        refused = other.run("backup", "restore", backup["id"])
        assert refused.returncode == 1
        assert "Of this backup old events lay on a disk of their own" in refused.stderr
        other.variables |= {"MILLRACE_COLD_FOLDER": str(tmp_path / "another")}
        restarted(other)
        restored = other.run("backup", "restore", backup["id"])
        assert restored.returncode == 0, restored.stderr
        other.run("migrate")
        assert other.rows("SELECT event_id, timestamp FROM raw.events ORDER BY ALL") == before
        assert {disk for _, disk, _ in other.rows(WHERE)} == {"default"}


def test_a_disk_that_is_not_there_is_missed_before_the_server_starts(own: Instance, tmp_path: Path) -> None:
    """It would start with what is left, and every number would be smaller."""
    folder = Path(own.variables["MILLRACE_COLD_FOLDER"])
    own.run("down")
    folder.rename(tmp_path / "unmounted")
    folder.mkdir()
    missed = own.run("up")
    assert missed.returncode == 1
    assert f"Old events lie in {folder}, and that is not the folder which was there before." in missed.stderr
    folder.rmdir()
    assert "Is its disk mounted?" in own.run("up").stderr

    elsewhere = tmp_path / "unmounted"
    own.variables["MILLRACE_COLD_FOLDER"] = str(elsewhere)
    assert f"Old events lie in {folder}, and MILLRACE_COLD_FOLDER says {elsewhere}." in own.run("up").stderr
    (own.data_dir / "cold_folder").write_text(f"{elsewhere}\n")  # as the message says
    own.up()
    assert own.rows("SELECT count() FROM raw.events") == [(4,)]
