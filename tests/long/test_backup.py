"""Backups: restored into an empty server they are the same, table by table; what is not whole is said so."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.integration.loading import event, write_lines
from tests.support import MILLRACE, Instance
from warehouse.backup.quiet import own_statement
from warehouse.locks import held_if_free

PASSWORD = "correct horse"
FINAL = ("ReplacingMergeTree", "SummingMergeTree", "AggregatingMergeTree")


def sums(instance: Instance) -> dict[str, Any]:
    """Of each table of the layers: rows, and a sum of hashes of them; of the one with states, what these are of."""
    tables = instance.rows(
        "SELECT concat(database, '.', name), engine FROM system.tables WHERE engine LIKE '%MergeTree' "
        "AND database IN ('raw', 'vault', 'staging', 'intermediate', 'marts', 'ml', 'ops')"
    )
    found = {}
    for table, engine in tables:
        columns = "*" if table != "raw.hourly_events" else "* REPLACE (finalizeAggregation(events) AS events)"
        rows = f"SELECT {columns} FROM {table}{' FINAL' if engine in FINAL else ''}"
        found[table] = instance.rows(f"SELECT count(), sum(sipHash64(formatRow('JSONEachRow', *))) FROM ({rows})")[0]
    return found


def load(instance: Instance, folder: Path, *numbers: int) -> None:
    lines = [
        event(n, "backup", project_id="demo_mobile", user_id=f"ada{n % 3}@example.com", properties={"price": n / 2})
        for n in numbers
    ]
    done = instance.run("load", str(write_lines(folder / f"{numbers[0]}.jsonl", [*lines, {"no": "event"}])))
    assert done.returncode == 0, done.stderr


def created(instance: Instance, *options: str) -> dict[str, Any]:
    return dict(instance.json("backup", "create", *options))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """With events of a strict project, a mart, a model and a Superset."""
    folder = tmp_path_factory.mktemp("backup")
    variables = {"MILLRACE_BACKUPS": str(folder / "kept"), "MILLRACE_BACKUP_PASSWORD": PASSWORD}
    with Instance(folder / "source", **variables) as own:
        own.up()
        load(own, folder, *range(50))
        own.client().command(
            "CREATE TABLE marts.fct_x ENGINE = MergeTree ORDER BY n AS SELECT number AS n FROM numbers(9)"
        )
        own.client().command("CREATE VIEW staging.stg_x AS SELECT event_id FROM raw.events")
        models = own.data_dir / "mlflow" / "artifacts" / "demo"
        models.mkdir(parents=True)
        (models / "model.bin").write_bytes(b"learned")
        home = own.data_dir / "bi"
        home.mkdir()
        (home / "secrets.json").write_text('{"key": "of-superset"}')
        with closing(sqlite3.connect(home / "superset.db")) as metadata, metadata:
            metadata.execute("CREATE TABLE slices AS SELECT 'a chart of my own' AS name")
        yield own


@pytest.fixture(scope="module")
def target(source: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    variables = {name: source.variables[name] for name in ("MILLRACE_BACKUPS", "MILLRACE_BACKUP_PASSWORD")}
    with Instance(tmp_path_factory.mktemp("restored") / "target", **variables) as own:
        own.up()
        yield own


@pytest.fixture(scope="module")
def full(source: Instance) -> dict[str, Any]:
    return created(source)


def kept(source: Instance) -> Path:
    return Path(source.variables["MILLRACE_BACKUPS"])


def test_an_empty_server_gets_every_table_as_it_was(
    source: Instance, target: Instance, full: dict[str, Any], tmp_path: Path
) -> None:
    load(source, tmp_path, *range(50, 70))
    before = sums(source)
    changes = created(source)
    assert (full["base"], changes["base"], changes["events"]) == ("", full["id"], 70)
    assert changes["bytes"] < full["bytes"]
    load(source, tmp_path, 99)  # not in it
    done = target.run("backup", "restore", changes["id"])
    assert done.returncode == 0, done.stderr
    assert sums(target) == before
    assert before["raw.events"][0] == 70
    assert target.rows("SELECT count() FROM staging.stg_x") == [(70,)]
    # The same person stays the same: the keys of pseudonyms came along.
    load(target, tmp_path, 300)
    pseudonyms = "SELECT DISTINCT user_id FROM raw.events ORDER BY user_id"
    assert len(target.rows(pseudonyms)) == 3
    with closing(sqlite3.connect(target.data_dir / "bi" / "superset.db")) as metadata:
        assert metadata.execute("SELECT name FROM slices").fetchall() == [("a chart of my own",)]
    assert json.loads((target.data_dir / "bi" / "secrets.json").read_text()) == {"key": "of-superset"}
    assert (target.data_dir / "mlflow" / "artifacts" / "demo" / "model.bin").read_bytes() == b"learned"


def test_no_secret_can_be_read_in_a_backup(source: Instance, full: dict[str, Any]) -> None:
    secrets = [salt for (salt,) in source.rows("SELECT salt FROM vault.salts")]
    secrets += ["of-superset", *(p.get_secret_value() for p in source.settings.passwords.values())]
    whole = b"".join(path.read_bytes() for path in (kept(source) / full["id"]).rglob("*") if path.is_file())
    assert len(secrets) > 10
    assert [secret for secret in secrets if secret.encode() in whole] == []
    wrong = source.run("backup", "restore", full["id"], "--replace", MILLRACE_BACKUP_PASSWORD="wrong")
    assert (wrong.returncode, "is not the password of this backup" in wrong.stderr) == (1, True)
    none = source.run("backup", "create", MILLRACE_BACKUP_PASSWORD="")
    assert (none.returncode, "MILLRACE_BACKUP_PASSWORD is not set" in none.stderr) == (1, True)


def test_what_is_there_is_only_replaced_when_told(source: Instance, full: dict[str, Any]) -> None:
    before = sums(source)
    done = source.run("backup", "restore", full["id"])
    assert done.returncode == 1
    assert "not empty: raw.events (" in done.stderr
    assert sums(source) == before
    assert source.run("backup", "restore", full["id"], "--replace").returncode == 0
    assert source.rows("SELECT count() FROM raw.events") == [(50,)]
    assert [name for (name,) in source.rows("SHOW DATABASES") if "restore" in name] == []


def test_one_that_is_killed_is_never_complete(source: Instance, full: dict[str, Any]) -> None:
    with closing(sqlite3.connect(source.data_dir / "bi" / "superset.db")) as metadata:
        metadata.execute("BEGIN EXCLUSIVE")  # so it waits here, half made
        process = subprocess.Popen([MILLRACE, "backup", "create"], env=source.environment)
        while not (
            half := [
                path.parents[2]
                for path in kept(source).glob("*/beside/bi/superset.db")
                if not (path.parents[2] / "backup.json").exists()
            ]
        ):
            assert process.poll() is None
            time.sleep(0.05)
        with held_if_free(source.data_dir / "writers.lock") as is_free:
            assert not is_free  # loads wait
        process.send_signal(signal.SIGKILL)
        process.wait()
    listed = {one["id"]: one["complete"] for one in source.json("backup", "list")}
    assert (listed[half[0].name], listed[full["id"]]) == (False, True)
    refused = source.run("backup", "restore", half[0].name, "--replace")
    assert (refused.returncode, "is not complete" in refused.stderr) == (1, True)
    assert source.run("backup", "create").returncode == 0
    assert not half[0].exists()


def test_a_restore_that_is_killed_is_undone_by_the_next_migration(source: Instance) -> None:
    before = sums(source)
    # As far as it got: two moved aside, one of them half restored.
    for statement in (
        "RENAME DATABASE raw TO raw_before_restore",
        "RENAME DATABASE ml TO ml_before_restore",
        "CREATE DATABASE raw ENGINE = Atomic",
        "CREATE TABLE raw.events (half UInt8) ENGINE = MergeTree ORDER BY half",
    ):
        source.client().command(statement)
    done = source.run("migrate")
    assert (done.returncode, "interrupted" in done.stderr) == (0, True)
    assert sums(source) == before
    # Killed after all of it was in: what was there before goes.
    source.client().command("CREATE DATABASE raw_before_restore ENGINE = Atomic")
    source.client().command("CREATE DATABASE millrace_restored ENGINE = Atomic")
    assert source.run("migrate").returncode == 0
    assert sums(source) == before
    assert [name for (name,) in source.rows("SHOW DATABASES") if "restore" in name] == []


def test_damage_is_named_and_nothing_of_it_is_restored(source: Instance, full: dict[str, Any], tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    shutil.copytree(kept(source), copied)
    (data,) = (copied / full["id"] / "warehouse" / "data" / "marts" / "fct_x").glob("*/data.bin")
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    next((copied / full["id"] / "warehouse" / "data" / "raw" / "events").glob("*/checksums.txt")).unlink()
    where = {"MILLRACE_BACKUPS": str(copied)}
    found = source.run("backup", "verify", full["id"], **where)
    assert found.returncode == 1
    assert len(found.stdout.splitlines()) == 2
    assert "(table marts.fct_x): its content is another" in found.stdout
    assert "(table raw.events): is missing" in found.stdout
    before = sums(source)
    refused = source.run("backup", "restore", full["id"], "--replace", **where)
    assert (refused.returncode, "marts.fct_x" in refused.stderr) == (1, True)
    assert sums(source) == before
    (copied / full["id"] / "backup.json").write_text("{")
    assert "is damaged" in source.run("backup", "verify", full["id"], **where).stderr
    assert source.run("backup", "verify", full["id"]).returncode == 0


def test_two_at_once_are_one_after_the_other_and_keep_leaves_what_is_needed(
    source: Instance, full: dict[str, Any]
) -> None:
    both = [
        subprocess.Popen([MILLRACE, "backup", "create", "--keep", "1"], env=source.environment, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    assert [process.wait() for process in both] == [0, 0]
    left = source.json("backup", "list")
    assert [one["base"] for one in left] == ["", full["id"]]  # the newest, and what it builds on
    assert all(one["complete"] for one in left)
    only = created(source, "--full", "--keep", "1")
    assert [one["id"] for one in source.json("backup", "list")] == [only["id"]]


def test_where_nothing_can_be_written_it_says_so(source: Instance, full: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refused = source.run("backup", "create", MILLRACE_BACKUPS=str(tmp_path / "file"))
    assert (refused.returncode, "cannot be written to" in refused.stderr) == (1, True)
    elsewhere = source.run("backup", "create", MILLRACE_BACKUPS=str(tmp_path / "another"))
    assert (elsewhere.returncode, "started with another MILLRACE_BACKUPS" in elsewhere.stderr) == (1, True)
    assert [path.name for path in (tmp_path / "another").iterdir()] == [".lock"]
    full_disk = subprocess.run(
        [
            "unshare",
            "--mount",
            "--user",
            "--map-root-user",
            "sh",
            "-c",
            f"mount -t tmpfs -o size=16m tmpfs {kept(source)} && exec {MILLRACE} backup create",
        ],
        env=source.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (full_disk.returncode, "MiB free; this backup may need" in full_disk.stderr) == (1, True)


def test_an_object_store_keeps_them_as_well(source: Instance, tmp_path: Path) -> None:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
        store = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1", **keys)
        store.create_bucket(Bucket="kept")
        variables = {
            **{name.upper(): value for name, value in keys.items()},
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_DEFAULT_REGION": "us-east-1",
            "HOME": str(tmp_path),  # no credentials of whoever runs the tests
            "MILLRACE_BACKUPS": "s3://kept/of/millrace",
            "MILLRACE_BACKUP_PASSWORD": PASSWORD,
        }
        with Instance(tmp_path / "own", **variables) as own:
            own.up()
            load(own, tmp_path, *range(400, 420))
            first = created(own)
            load(own, tmp_path, *range(420, 430))
            before = sums(own)
            second = created(own)
            assert second["base"] == first["id"]
            assert not list((own.data_dir / "backups").glob("2*"))  # it is in the store
            load(own, tmp_path, 440)
            assert own.run("backup", "restore", second["id"], "--replace").returncode == 0
            assert sums(own) == before
            only = created(own, "--full", "--keep", "1")
            there = {one["Key"].split("/")[2] for one in store.list_objects_v2(Bucket="kept")["Contents"]}
            assert there == {only["id"]}
            packed = {"Bucket": "kept", "Key": f"of/millrace/{only['id']}/files.tar"}
            half = store.get_object(**packed)["Body"].read()[: only["bytes"] // 2]
            store.put_object(**packed, Body=half)
            missing = own.run("backup", "verify", only["id"])
            assert (missing.returncode, "(table raw." in missing.stdout) == (1, True)
    finally:
        server.stop()


def test_a_server_of_your_own_is_told_the_statement(source: Instance) -> None:
    own = source.run("backup", "create", MILLRACE_CLICKHOUSE_URL=source.endpoint("admin").url)
    assert (own.returncode, own_statement() in own.stderr) == (1, True)
    source.client().command(f"EXPLAIN AST {own_statement()}")
