"""The schema of raw: applied once, one step at a time, recorded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import Instance
from warehouse.errors import MillraceError
from warehouse.migrate import STEPS_FOLDER, applied_versions, load_steps, migrate


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("migrate") / "millrace") as own:
        own.up()
        yield own


@pytest.fixture
def steps(tmp_path: Path, empty: Instance) -> Iterator[Path]:
    """A folder for steps of the test's own, and a warehouse that has had none."""
    empty.client().command("TRUNCATE TABLE ops.schema_migrations")
    empty.client().command("CREATE DATABASE IF NOT EXISTS steps")
    yield tmp_path
    empty.client().command("DROP DATABASE steps SYNC")


def write(folder: Path, **steps: str) -> None:
    for name, sql in steps.items():
        (folder / f"{name.removeprefix('s')}.sql").write_text(sql)


def test_up_applies_all_steps_and_migrate_finds_nothing_left(instance: Instance) -> None:
    instance.up()
    names = [path.stem for path in sorted(STEPS_FOLDER.glob("*.sql"))]
    recorded = instance.rows("SELECT version, name FROM ops.schema_migrations ORDER BY version")
    assert [f"{version:03}_{name}" for version, name in recorded] == names
    again = instance.run("migrate")
    assert (again.returncode, again.stdout) == (0, "The schema is up to date.\n")
    assert len(instance.rows("SELECT 1 FROM ops.schema_migrations")) == len(names)
    engines = dict(instance.rows("SELECT name, engine FROM system.databases"))
    assert {engines[name] for name in ("raw", "staging", "intermediate", "marts", "ml", "ops")} == {"Atomic"}


def test_raw_events_is_what_the_design_says(clickhouse: Instance) -> None:
    columns = dict(clickhouse.rows("SELECT name, type FROM system.columns WHERE database = 'raw' AND table = 'events'"))
    assert columns["project_id"] == "LowCardinality(String)"
    assert columns["timestamp"] == "DateTime64(3, 'UTC')"
    assert columns["properties"].startswith("JSON(")
    assert columns["context"].startswith("Tuple(page Tuple(url String")
    assert columns["message_type"].startswith("Enum8('track'")
    partition, key = clickhouse.rows(
        "SELECT partition_key, sorting_key FROM system.tables WHERE database = 'raw' AND name = 'events'"
    )[0]
    assert partition == "toYYYYMM(timestamp)"
    assert key.startswith("project_id, ")
    ours = "SELECT name FROM system.tables WHERE database = 'raw' AND startsWith(comment, 'Grain: ')"
    assert len(clickhouse.rows(ours)) >= 7
    assert (
        clickhouse.rows(
            f"SELECT name FROM system.columns WHERE database = 'raw' AND table IN ({ours}) AND comment = ''"
        )
        == []
    )


def test_a_failed_step_leaves_the_earlier_ones_and_is_named(empty: Instance, steps: Path) -> None:
    write(
        steps,
        s001_first="CREATE TABLE steps.a (n UInt8) ENGINE = Memory;",
        s002_broken="CREATE TABLE IF NOT EXISTS steps.b (n UInt8) ENGINE = Memory;\n"
        "CREATE TABLE steps.c (n NoSuchType);",
        s003_later="CREATE TABLE steps.d (n UInt8) ENGINE = Memory;",
    )
    with pytest.raises(MillraceError, match=r"Step 002_broken failed at statement 2 of 2: .*NoSuchType") as error:
        migrate(empty.client(), load_steps(steps))
    assert "Earlier steps are in place" in error.value.hint
    assert list(applied_versions(empty.client())) == [1]
    assert [row[0] for row in empty.rows("SELECT name FROM system.tables WHERE database = 'steps' ORDER BY 1")] == [
        "a",
        "b",
    ]

    write(steps, s002_broken="CREATE TABLE IF NOT EXISTS steps.b (n UInt8) ENGINE = Memory;")
    assert [step.version for step in migrate(empty.client(), load_steps(steps))] == [2, 3]
    assert migrate(empty.client(), load_steps(steps)) == []


def test_a_step_changed_after_it_was_applied_is_refused(empty: Instance, steps: Path) -> None:
    write(steps, s001_first="CREATE TABLE IF NOT EXISTS steps.a (n UInt8) ENGINE = Memory;")
    migrate(empty.client(), load_steps(steps))
    write(steps, s001_first="-- a better comment\nCREATE TABLE IF NOT EXISTS steps.a (n UInt8) ENGINE = Memory;")
    assert migrate(empty.client(), load_steps(steps)) == []
    write(steps, s001_first="CREATE TABLE IF NOT EXISTS steps.a (n UInt16) ENGINE = Memory;")
    with pytest.raises(MillraceError, match="Step 001_first was changed after it had been applied"):
        migrate(empty.client(), load_steps(steps))


def test_a_warehouse_of_a_newer_millrace_is_left_alone(empty: Instance, steps: Path) -> None:
    write(steps, s001_first="SELECT 1;", s002_second="SELECT 2;")
    migrate(empty.client(), load_steps(steps))
    (steps / "002_second.sql").unlink()
    with pytest.raises(MillraceError, match="at schema version 2; this Millrace knows only 1"):
        migrate(empty.client(), load_steps(steps))


@pytest.mark.parametrize(("name", "said"), [("3_x.sql", "is not named as a step"), ("003_x.sql", "without gaps")])
def test_a_badly_numbered_step_is_refused(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "001_a.sql").write_text("SELECT 1;")
    (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(MillraceError, match=said):
        load_steps(tmp_path)


def test_a_semicolon_within_a_statement_does_not_split_it(tmp_path: Path) -> None:
    (tmp_path / "001_a.sql").write_text("-- one;\nSELECT 'a; b',\n'd' ;\n\nSELECT 2")
    assert load_steps(tmp_path)[0].statements == ["SELECT 'a; b',\n'd'", "SELECT 2"]


def test_projects_and_their_retention_reach_the_warehouse(instance: Instance) -> None:
    instance.up()
    listed = instance.rows(
        "SELECT project_id, timezone, currency, retention_days, privacy FROM raw.projects ORDER BY 1"
    )
    assert listed == [
        ("demo", "Europe/Berlin", "EUR", 730, "standard"),
        ("demo_mobile", "America/New_York", "USD", 365, "strict"),
    ]
    for age, project in ((100, "demo_mobile"), (400, "demo_mobile"), (400, "demo"), (800, "demo")):
        instance.client().command(
            "INSERT INTO raw.events (project_id, event_id, event, message_type, timestamp) "
            f"SELECT '{project}', 'x', 'e', 'track', now() - INTERVAL {age} DAY"
        )
    instance.client().command("OPTIMIZE TABLE raw.events FINAL")
    ages = "SELECT project_id, dateDiff('day', timestamp, now()) FROM raw.events ORDER BY ALL"
    assert instance.rows(ages) == [("demo", 400), ("demo_mobile", 100)]

    added = instance.run("projects", "add", "shop_b", "--retention", "30d", "--timezone", "Asia/Tokyo")
    assert added.returncode == 0, added.stderr
    key = re.search(r"mk_\S+", added.stdout)
    assert key
    assert instance.run("migrate").returncode == 0
    assert instance.rows("SELECT retention_days, length(write_keys) FROM raw.projects WHERE project_id = 'shop_b'") == [
        (30, 1)
    ]
    assert (
        "'shop_b'"
        in instance.rows("SELECT engine_full FROM system.tables WHERE database='raw' AND name='events'")[0][0]
    )
    assert key[0] not in str(instance.rows("SELECT * FROM raw.projects"))
