"""`up` and `down` of the local server, and the sentences for all that can go wrong with them."""

from __future__ import annotations

import errno
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from warehouse.access.model import load_access
from warehouse.access.passwords import ensure_passwords
from warehouse.access.users_xml import users_xml
from warehouse.cold import prepare_folder
from warehouse.errors import MillraceError
from warehouse.locks import one_at_a_time
from warehouse.private_files import private_folder, replace_private
from warehouse.projects import load_projects
from warehouse.server.config import config_xml
from warehouse.server.launcher import STOP_SECONDS
from warehouse.server.state import (
    SUPERVISOR_MODULE,
    RunDirectory,
    State,
    UntrustedPidFile,
    find_supervisor,
    has_ended,
    is_held,
    is_watched,
    read_pid,
    read_state,
    run_directory,
    running_state,
)
from warehouse.settings import REPOSITORY, Settings, chosen_passwords

START_SECONDS = 90
LOST_STATE_SECONDS = 3
MIN_FREE_BYTES = 256 * 1024**2


def up(settings: Settings) -> State:
    """Start the local server, or find it running; returns when it answers.

    Two at once would write over each other's files, and one during a `down` would find a server that is ending: hence
    the lock.
    """
    run = run_directory(settings)
    _prepare_directories(settings, run)
    with one_at_a_time(run.control_lock):
        return _up(settings, run)


def down(settings: Settings) -> bool:
    """Stop the local server and wait until its files are closed; False where none was running."""
    run = run_directory(settings)
    if not run.path.is_dir():
        return False
    try:
        with one_at_a_time(run.control_lock):
            return _down(run)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.ENOSPC):
            raise
        return _down(run)  # where nothing can be written any more, a server must still be able to be stopped


def _up(settings: Settings, run: RunDirectory) -> State:
    if is_watched(run):
        state = _wait_until_ready(run, None)
        _refuse_other_ports(settings, state)
        return state
    _refuse_untrusted_pid_file(run)
    check_listen_host(settings)
    _check_free_space(settings)
    prepare_folder(settings)
    access = load_access(settings, load_projects(settings))
    passwords = ensure_passwords(settings, access)
    for port, variable in (
        (settings.http_port, "MILLRACE_HTTP_PORT"),
        (settings.tcp_port, "MILLRACE_TCP_PORT"),
    ):
        _check_port(settings.listen_host, port, variable)
    replace_private(run.path / "users.xml", users_xml(access, passwords))
    replace_private(run.path / "config.xml", config_xml(settings, run.path, settings.http_port, settings.tcp_port))
    _close_file_function(settings.server_dir)
    return _wait_until_ready(run, _spawn_supervisor(settings, run))


def _down(run: RunDirectory) -> bool:
    if not is_watched(run):
        try:
            read_pid(run)
        except UntrustedPidFile as error:
            run.pid_file.unlink(missing_ok=True)
            raise MillraceError(
                error.message,
                hint="No server runs on this data directory. The pid file was removed: `millrace up` will work now.",
            ) from error
        return False
    pid = _pid_of_running(run)
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS + 10
    while is_held(run) or not has_ended(pid):  # the lock goes a moment before the process
        if time.monotonic() > deadline:
            raise MillraceError(
                f"The server (supervisor {pid}) has not stopped within {STOP_SECONDS + 10} s.",
                hint=f"It may be finishing a long write. Look at {run.server_log}.",
            )
        time.sleep(0.02)
    return True


def access_changed(settings: Settings) -> bool:
    """Whether access.yaml or a password differs from what the running server started with."""
    access = load_access(settings, load_projects(settings))
    if any(user not in settings.passwords for user in access.users):
        return True
    return (run_directory(settings).path / "users.xml").read_text() != users_xml(access, settings.passwords)


def settings_changed(settings: Settings) -> bool:
    """Whether the running server was started with another memory limit or address than the settings say now."""
    state = running_state(settings)
    if state is None or not state.http_port:
        return False
    run = run_directory(settings)
    wanted = config_xml(settings, run.path, state.http_port, state.tcp_port)
    return (run.path / "config.xml").read_text() != wanted


def apply_access(settings: Settings) -> bool:
    """Restart the server with today's access.yaml, on the same ports; False where it was in force already."""
    state = running_state(settings)
    if state is None:
        raise MillraceError(
            "The local ClickHouse is not running.", hint="`millrace up` starts it with today's access.yaml."
        )
    if not access_changed(settings):
        return False
    run = run_directory(settings)
    same_ports = settings.model_copy(update={"http_port": state.http_port, "tcp_port": state.tcp_port})
    with one_at_a_time(run.control_lock):
        users = run.path / "users.xml"
        earlier = users.read_text()
        _down(run)
        try:
            _up(same_ports, run)
        except MillraceError as error:
            # Only the server itself knows every grant and setting: what it does not take must not keep it down.
            replace_private(users, earlier)
            _wait_until_ready(run, _spawn_supervisor(same_ports, run))
            raise MillraceError(
                f"The server refuses this access.yaml and runs again with the earlier one: {error.message}",
                hint="Look for a misspelt grant or limit.",
            ) from error
    return True


def stale_pid_message(settings: Settings) -> str:
    """What is odd about the pid file, where no server runs."""
    try:
        read_pid(run_directory(settings))
    except UntrustedPidFile as error:
        return error.message
    return ""


def pid_of_running(settings: Settings) -> int:
    return _pid_of_running(run_directory(settings))


def _pid_of_running(run: RunDirectory) -> int:
    """The supervisor that holds the lock: by its pid file, or by its command line where the pid file lies."""
    pid: int | None
    try:
        pid = read_pid(run)
    except UntrustedPidFile:
        pid = None
    pid = pid or find_supervisor(run)
    if pid is None:
        raise MillraceError(
            f"A process holds {run.lock_file}, but it is not a supervisor of ours: nothing was stopped.",
            hint=f"See who: fuser {run.lock_file}",
        )
    return pid


def _refuse_untrusted_pid_file(run: RunDirectory) -> None:
    try:
        read_pid(run)
    except UntrustedPidFile as error:
        raise MillraceError(
            error.message,
            hint="No server runs on this data directory. Clear it with `millrace down`, then up again.",
        ) from error


def _refuse_other_ports(settings: Settings, state: State) -> None:
    for wanted, actual, variable in (
        (settings.http_port, state.http_port, "MILLRACE_HTTP_PORT"),
        (settings.tcp_port, state.tcp_port, "MILLRACE_TCP_PORT"),
    ):
        if wanted not in (0, actual):
            raise MillraceError(
                f"A server already runs on the data directory {settings.server_dir}, on port {actual}; "
                f"{variable} asks for {wanted}.",
                hint="Stop it first (`millrace down`), or set MILLRACE_DATA_DIR for a second one.",
            )


def check_listen_host(settings: Settings) -> None:
    host = settings.listen_host
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError as error:
        raise MillraceError(f"MILLRACE_LISTEN_HOST must be an IP address or localhost, not {host!r}.") from error
    # A generated password will do on loopback; whoever opens the server to a network chooses one knowingly.
    if not loopback and "admin" not in chosen_passwords():
        raise MillraceError(
            f"Refusing to listen on {host} without a password of your own.",
            hint="Set MILLRACE_PASSWORD_ADMIN in the environment or .env.",
        )


def _prepare_directories(settings: Settings, run: RunDirectory) -> None:
    if bad := sorted(set("*?{}[]\\") & set(str(settings.server_dir))):
        raise MillraceError(
            f"The data directory {settings.data_dir} has {' '.join(bad)} in its path: a pattern for ClickHouse.",
            hint="Set MILLRACE_DATA_DIR to another folder.",
        )
    try:
        for folder in (settings.data_dir, settings.server_dir, run.path):
            private_folder(folder)
        for folder in (settings.server_dir, run.path):
            probe = folder / f".write-probe-{os.getpid()}"  # of our own: another `up` may be at the same point
            probe.write_bytes(b"x")
            probe.unlink()
    except FileExistsError as error:
        raise MillraceError(f"{error.filename} is in the way: a folder must be there, not a file.") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _disk_full(settings, 0) from error
        raise MillraceError(
            f"The data directory {settings.data_dir} cannot be written: {error.strerror or error}.",
            hint="Give this user the right to write there, or set MILLRACE_DATA_DIR to another folder.",
        ) from error


def _check_free_space(settings: Settings) -> None:
    free = shutil.disk_usage(settings.server_dir).free
    if free < MIN_FREE_BYTES:
        raise _disk_full(settings, free)


def _disk_full(settings: Settings, free: int) -> MillraceError:
    return MillraceError(
        f"The disk of {settings.data_dir} is full: {free // 1024**2} MiB free, "
        f"the server needs {MIN_FREE_BYTES // 1024**2} MiB to start.",
        hint="Make room, or set MILLRACE_DATA_DIR to a folder on another disk.",
    )


def _check_port(host: str, port: int, variable: str) -> None:
    if port == 0:
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise _port_problem(host, port, variable, error) from error


def _port_problem(host: str, port: int, variable: str, error: OSError) -> MillraceError:
    if error.errno == errno.EADDRINUSE:
        return MillraceError(
            f"Port {port} on {host} is taken by another program.",
            hint=f"Stop that program, or set {variable} to another port (0: any free one).",
        )
    return MillraceError(
        f"Cannot listen on {host}:{port}: {error.strerror or error}.",
        hint=f"Check MILLRACE_LISTEN_HOST and {variable}.",
    )


def _close_file_function(data_dir: Path) -> None:
    """Replace the scalar function `file(path)`, which asks for no grant and here would read any file of this user.

    A SQL function of that name wins over the built-in one, also nested or by APPLY. The table function `file()` is
    another thing and needs the grant READ ON FILE.
    """
    folder = private_folder(data_dir / "user_defined")
    message = "file() is switched off: this server would read any file"
    replace_private(folder / "function_file.sql", f"CREATE FUNCTION file AS path -> throwIf(true, '{message}')\n")


def _spawn_supervisor(settings: Settings, run: RunDirectory) -> subprocess.Popen[bytes]:
    run.state_file.unlink(missing_ok=True)
    # No secret reaches the supervisor: the passwords are hashes in users.xml, and its environment has none.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MILLRACE_")}
    with run.supervisor_log.open("a") as log:
        run.supervisor_log.chmod(0o600)
        return subprocess.Popen(
            [sys.executable, "-m", SUPERVISOR_MODULE, str(settings.server_dir), str(run.path)],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait_until_ready(run: RunDirectory, supervisor: subprocess.Popen[bytes] | None) -> State:
    begun = time.monotonic()
    while time.monotonic() < begun + START_SECONDS:
        state = read_state(run)
        if state is None and supervisor is None and time.monotonic() > begun + LOST_STATE_SECONDS:
            raise MillraceError(
                f"A server runs on this data directory, but its state file {run.state_file} is gone.",
                hint="`millrace down`, then `millrace up`.",
            )
        if state and state.status == "ready":
            return state
        if state and state.status == "failed":
            raise _start_failure(run, state.message)
        ended = supervisor.poll() is not None if supervisor else not is_held(run)
        if ended and not is_held(run):
            state = read_state(run)
            raise _start_failure(run, state.message if state else "it ended at once")
        time.sleep(0.01)
    raise MillraceError(f"The server did not answer within {START_SECONDS} s.", hint=f"Look at {run.server_log}.")


def _start_failure(run: RunDirectory, reason: str) -> MillraceError:
    """ClickHouse's own words as a sentence with a next step."""
    for sign, sentence, hint in (
        (
            "Code: 210",
            "Another program took the port meanwhile.",
            "Run `millrace up` again, or set another port.",
        ),
        (
            "Code: 76",
            "Another ClickHouse works on this data directory.",
            "Stop it, or set MILLRACE_DATA_DIR.",
        ),
        ("No space left", "The disk is full.", "Make room, or set MILLRACE_DATA_DIR to another disk."),
    ):
        if sign in reason:
            return MillraceError(sentence, hint=hint)
    return MillraceError(f"The server did not start: {reason[:300]}", hint=f"Its log: {run.server_log}")
