"""Starting, stopping and disturbing the local server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import yaml

from tests.support import MILLRACE, Instance
from warehouse.connection import is_alive
from warehouse.server import control
from warehouse.server.state import RunDirectory, has_ended, run_directory


def run_dir(instance: Instance) -> RunDirectory:
    return run_directory(instance.settings)


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def test_up_twice_is_one_server(instance: Instance) -> None:
    first = instance.up()
    second = instance.up()
    assert (first.server_pid, first.http_port) == (second.server_pid, second.http_port)


def test_up_says_when_the_running_server_has_other_settings(instance: Instance) -> None:
    instance.up()
    assert "Settings were changed" not in instance.run("up").stderr
    again = instance.run("up", MILLRACE_MEMORY="2GiB")
    assert again.returncode == 0
    assert "Settings were changed since the server started" in again.stderr


@pytest.mark.parametrize("name", ["Anna's data", "größe & co", "a" * 120])
def test_unusual_names_of_the_data_directory(instance: Instance, name: str) -> None:
    up = instance.run("up", MILLRACE_DATA_DIR=str(instance.folder / name))
    assert up.returncode == 0, up.stderr
    down = instance.run("down", MILLRACE_DATA_DIR=str(instance.folder / name))
    assert down.stdout == "Stopped.\n"


def test_a_pattern_as_the_data_directory_is_refused(instance: Instance) -> None:
    refused = instance.run("up", MILLRACE_DATA_DIR=str(instance.folder / "a{b}*"))
    assert refused.returncode == 1
    assert "has * { } in its path" in refused.stderr


def test_several_ups_at_the_same_instant_are_one_server(instance: Instance) -> None:
    for _ in range(3):
        together = [subprocess.Popen([MILLRACE, "up"], env=instance.environment) for _ in range(4)]
        assert [process.wait(120) for process in together] == [0, 0, 0, 0]
        assert is_alive(instance.endpoint("admin"))
        assert instance.run("down").stdout == "Stopped.\n"


def test_up_during_down_starts_a_new_server(instance: Instance) -> None:
    before = instance.up()
    target = instance.endpoint("admin")
    stopping = subprocess.Popen([MILLRACE, "down"], env=instance.environment, stdout=subprocess.DEVNULL)
    wait_for(lambda: not is_alive(target))
    after = instance.up()
    assert after.server_pid != before.server_pid
    assert is_alive(instance.endpoint("admin"))
    assert stopping.wait(60) == 0


def test_down_then_up_keeps_all_data(instance: Instance) -> None:
    instance.up()
    instance.client().command("CREATE TABLE marts.kept (n UInt64) ENGINE = MergeTree ORDER BY n")
    instance.client().command("INSERT INTO marts.kept SELECT number FROM numbers(100000)")
    assert instance.run("down").returncode == 0
    instance.up()
    assert instance.rows("SELECT count(), sum(n) FROM marts.kept") == [(100000, 4999950000)]


def test_down_leaves_no_process_and_no_pid_file(instance: Instance) -> None:
    state = instance.up()
    supervisor = int(run_dir(instance).pid_file.read_text())
    assert psutil.pid_exists(supervisor)
    assert psutil.pid_exists(state.server_pid)
    done = instance.run("down")
    assert (done.returncode, done.stdout) == (0, "Stopped.\n")
    assert has_ended(supervisor)
    assert has_ended(state.server_pid)
    assert not run_dir(instance).pid_file.exists()
    assert instance.run("down").stdout == "Nothing was running.\n"


def test_a_crashed_server_comes_back_on_its_ports(instance: Instance) -> None:
    before = instance.up()
    os.kill(before.server_pid, signal.SIGKILL)
    wait_for(lambda: instance.state.restarts == 1 and instance.state.status == "ready")
    after = instance.state
    assert (after.http_port, after.tcp_port) == (before.http_port, before.tcp_port)
    assert after.server_pid != before.server_pid
    assert is_alive(instance.endpoint("admin"))


def test_the_server_ends_with_its_supervisor_and_up_starts_it_again(instance: Instance) -> None:
    before = instance.up()
    os.kill(int(run_dir(instance).pid_file.read_text()), signal.SIGKILL)
    after = instance.up()  # at once: it must wait for the files of the old server
    assert after.server_pid != before.server_pid
    wait_for(lambda: has_ended(before.server_pid))
    assert is_alive(instance.endpoint("admin"))


def test_a_server_that_keeps_dying_is_given_up_with_its_reason(instance: Instance) -> None:
    instance.up()
    run = run_dir(instance)
    (run.path / "users.xml").write_text("<clickhouse>")  # as a crash with a broken configuration would find it
    os.kill(instance.state.server_pid, signal.SIGKILL)
    wait_for(lambda: json.loads(run.state_file.read_text())["status"] == "failed", 60)
    status = instance.run("status")
    assert status.returncode == 1
    assert "failed (local)" in status.stdout
    assert "it stopped 5 times in a row" in status.stdout
    assert instance.run("up").returncode == 0  # writes the configuration anew


@pytest.mark.parametrize("lost", ["state.json", "supervisor.lock", "supervisor.pid"])
def test_a_server_whose_run_file_was_removed_can_still_be_stopped(instance: Instance, lost: str) -> None:
    state = instance.up()
    (run_dir(instance).path / lost).unlink()
    assert instance.run("status").stdout.startswith(f"ClickHouse   {'starting' if lost == 'state.json' else 'running'}")
    assert instance.run("down").stdout == "Stopped.\n"
    assert has_ended(state.server_pid)
    instance.up()


def test_a_second_server_on_the_same_data_is_refused_and_the_first_unharmed(instance: Instance) -> None:
    state = instance.up()
    other_port = instance.run("up", MILLRACE_HTTP_PORT=str(state.http_port + 1))
    assert other_port.returncode == 1
    assert f"already runs on the data directory {instance.data_dir / 'clickhouse'}" in other_port.stderr
    by_hand = subprocess.run(
        [sys.executable, "-m", "warehouse.server.supervisor", instance.data_dir / "clickhouse", run_dir(instance).path],
        env=instance.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert by_hand.returncode == 1
    assert "another supervisor holds this data directory" in by_hand.stdout
    assert instance.state.server_pid == state.server_pid
    assert is_alive(instance.endpoint("admin"))


def test_another_clickhouse_on_the_data_directory_is_named(instance: Instance, tmp_path: Path) -> None:
    """A server that is not ours, in another run directory, already works on the data."""
    state = instance.up()
    foreign = Instance(tmp_path / "foreign")
    (foreign.data_dir / "clickhouse").parent.mkdir(parents=True)
    (foreign.data_dir / "clickhouse").symlink_to(instance.data_dir / "clickhouse")
    with foreign:
        refused = foreign.run("up")
    assert refused.returncode == 1
    assert "Another ClickHouse works on this data directory." in refused.stderr
    assert instance.state.server_pid == state.server_pid
    assert is_alive(instance.endpoint("admin"))


@pytest.mark.parametrize("variable", ["MILLRACE_HTTP_PORT", "MILLRACE_TCP_PORT"])
def test_a_taken_port_is_named_with_the_way_out(instance: Instance, variable: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = instance.run("up", **{variable: str(port)})
    assert refused.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken by another program." in refused.stderr
    assert variable in refused.stderr


def test_an_unwritable_data_directory_is_named(instance: Instance) -> None:
    # A file system on which not even root may make a folder.
    refused = instance.run("up", MILLRACE_DATA_DIR="/sys/millrace")
    assert refused.returncode == 1
    assert "The data directory /sys/millrace cannot be written" in refused.stderr


def test_a_data_directory_that_became_read_only(instance: Instance) -> None:
    state = instance.up()

    def read_only(command: str) -> subprocess.CompletedProcess[str]:
        folder = instance.data_dir
        mounted = f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} && exec {MILLRACE} {command}"
        return subprocess.run(
            ["unshare", "--mount", "--user", "--map-root-user", "sh", "-c", mounted],
            env=instance.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert read_only("status").returncode == 0
    assert read_only("down").stdout == "Stopped.\n"
    assert has_ended(state.server_pid)
    refused = read_only("up")
    assert refused.returncode == 1
    assert f"The data directory {instance.data_dir} cannot be written: Read-only file system." in refused.stderr


def test_a_file_where_the_data_directory_should_be(instance: Instance) -> None:
    instance.data_dir.write_text("a note")
    refused = instance.run("up")
    assert refused.returncode == 1
    assert f"{instance.data_dir} is in the way" in refused.stderr
    assert instance.data_dir.read_text() == "a note"
    instance.data_dir.unlink()


def test_a_full_disk_is_named(instance: Instance) -> None:
    instance.data_dir.mkdir()
    mounted = (
        f"mount -t tmpfs -o size=16m tmpfs {instance.data_dir} && exec {Path(sys.executable).with_name('millrace')} up"
    )
    refused = subprocess.run(
        ["unshare", "--mount", "--user", "--map-root-user", "sh", "-c", mounted],
        env=instance.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    assert f"The disk of {instance.data_dir} is full" in refused.stderr
    assert "MILLRACE_DATA_DIR" in refused.stderr


def test_a_corrupt_pid_file_is_refused_until_down_clears_it(instance: Instance) -> None:
    instance.up()
    instance.run("down")
    pid_file = run_dir(instance).pid_file
    pid_file.write_text("\x00garbage")
    refused = instance.run("up")
    assert refused.returncode == 1
    assert "does not hold a process id" in refused.stderr
    assert "garbage" in instance.run("status").stdout
    cleared = instance.run("down")
    assert cleared.returncode == 1
    assert "does not hold a process id" in cleared.stderr
    instance.up()


def test_a_corrupt_pid_file_does_not_hide_a_running_server(instance: Instance) -> None:
    state = instance.up()
    run_dir(instance).pid_file.write_text("garbage")
    assert instance.up().server_pid == state.server_pid
    assert instance.run("status").returncode == 0
    assert instance.run("down").stdout == "Stopped.\n"
    assert has_ended(state.server_pid)


def test_a_stale_pid_of_another_program_is_left_alone(instance: Instance) -> None:
    instance.up()
    instance.run("down")
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        pid_file = run_dir(instance).pid_file
        pid_file.write_text(f"{bystander.pid}\n")
        for command in ("up", "down"):
            refused = instance.run(command)
            assert refused.returncode == 1
            assert f"names process {bystander.pid}, which is another program, sleep" in refused.stderr
        assert bystander.poll() is None
        instance.up()  # `down` has cleared the file
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_down_with_a_foreign_pid_in_the_file_stops_our_server_only(instance: Instance) -> None:
    state = instance.up()
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        run_dir(instance).pid_file.write_text(f"{bystander.pid}\n")
        assert instance.run("down").stdout == "Stopped.\n"
        assert has_ended(state.server_pid)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_pid_of_a_dead_process_does_not_stop_up(instance: Instance) -> None:
    instance.up()
    instance.run("down")
    ended = subprocess.Popen(["true"])
    ended.wait()
    run_dir(instance).pid_file.write_text(f"{ended.pid}\n")
    instance.up()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_listening_beyond_loopback_needs_a_password_of_ones_own(instance: Instance, host: str) -> None:
    refused = instance.run("up", MILLRACE_LISTEN_HOST=host)
    assert refused.returncode == 1
    assert f"Refusing to listen on {host} without a password" in refused.stderr
    instance.up()  # makes passwords up
    instance.run("down")
    still = instance.run("up", MILLRACE_LISTEN_HOST=host)
    assert "Refusing to listen" in still.stderr
    # Asked, not done: a test opens no port to the network.
    instance.variables |= {"MILLRACE_LISTEN_HOST": host, "MILLRACE_PASSWORD_ADMIN": "chosen-by-me"}
    with instance.active() as settings:
        control.check_listen_host(settings)
    instance.variables["MILLRACE_LISTEN_HOST"] = "127.0.0.1"


def test_a_missing_table_is_a_sentence(instance: Instance) -> None:
    instance.up()
    instance.client().command("DROP TABLE raw.events SYNC")
    status = instance.run("status", "--format", "json")
    assert status.returncode == 1
    assert "ClickHouse refused to tell its state" in json.loads(status.stdout)["message"]


def test_status_is_complete_and_stable(instance: Instance) -> None:
    stopped = instance.run("status", "--format", "json")
    assert stopped.returncode == 1
    assert json.loads(stopped.stdout)["status"] == "stopped"
    state = instance.up()
    found = instance.json("status")
    assert list(found) == [
        "mode",
        "status",
        "message",
        "server",
        "schema",
        "databases",
        "freshness",
        "assets",
        "metrics",
    ]
    assert list(json.loads(stopped.stdout)) == list(found)
    assert list(found["server"]) == [
        *("url", "http_port", "tcp_port", "version", "pid", "supervisor_pid", "uptime_seconds", "restarts"),
        *("memory_bytes", "memory_limit_bytes", "disk_free_bytes", "data_dir", "log"),
    ]
    assert found["mode"] == "local"
    assert found["status"] == "running"
    assert found["server"]["http_port"] == state.http_port
    assert found["server"]["pid"] == state.server_pid
    assert found["server"]["memory_limit_bytes"] == 4 * 1024**3
    assert 0 < found["server"]["memory_bytes"] < 2 * 1024**3
    assert found["schema"]["version"] == found["schema"]["newest"] > 0
    instance.client().command(
        "INSERT INTO raw.events (project_id, event_id, event, message_type, timestamp, received_at) VALUES "
        "('demo', 'e1', 'signed_up', 'track', '2026-03-01 10:00:00', '2026-03-01 10:00:01')"
    )
    freshness = instance.json("status")["freshness"]
    assert [(row["project"], row["events"], row["last_event_at"]) for row in freshness] == [
        ("demo", 1, "2026-03-01T10:00:00Z")
    ]


def test_files_of_the_data_directory_are_for_their_owner_only(instance: Instance) -> None:
    instance.up()
    readable = [
        path
        for path in instance.data_dir.rglob("*")
        if not path.is_symlink() and path.stat().st_mode & 0o077 and path.is_file()
    ]
    assert [path.name for path in readable if "secret" in path.name or path.suffix in (".xml", ".log", ".env")] == []
    assert instance.data_dir.stat().st_mode & 0o077 == 0


def test_no_password_in_logs_process_list_or_status(instance: Instance) -> None:
    instance.up()
    secrets = [password.get_secret_value() for password in instance.settings.passwords.values()]
    assert len(secrets) == len(yaml.safe_load((instance.project_dir / "access.yaml").read_text())["users"]) > 4
    texts = [instance.run("status", "--format", "json").stdout, instance.run("config").stdout]
    texts += [instance.run("access", command).stdout for command in ("list", "sql")]
    run = run_dir(instance)
    for pid in (int(run.pid_file.read_text()), instance.state.server_pid):
        texts.append(Path(f"/proc/{pid}/cmdline").read_text() + Path(f"/proc/{pid}/environ").read_text())
    instance.client().command("SYSTEM FLUSH LOGS")
    texts.append(str(instance.rows("SELECT query FROM system.query_log")))
    texts += [path.read_text(errors="replace") for path in run.path.rglob("*.log")]
    texts.append((run.path / "users.xml").read_text())
    for secret in secrets:
        assert not [text for text in texts if secret in text]
