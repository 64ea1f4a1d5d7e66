"""What the run directory says about the local server, and whom its pid file really names."""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from warehouse.errors import MillraceError
from warehouse.settings import Settings

if TYPE_CHECKING:
    import psutil  # at run time where it is needed: whoever asks a question of a running server has no use for it

SUPERVISOR_MODULE = "warehouse.server.supervisor"
Status = Literal["starting", "ready", "restarting", "failed"]


@dataclass(frozen=True)
class RunDirectory:
    """Beside the data: configuration, logs, pid file, lock and state of one local server."""

    path: Path

    @property
    def pid_file(self) -> Path:
        return self.path / "supervisor.pid"

    @property
    def lock_file(self) -> Path:
        return self.path / "supervisor.lock"

    @property
    def control_lock(self) -> Path:
        return self.path / "control.lock"

    @property
    def state_file(self) -> Path:
        return self.path / "state.json"

    @property
    def supervisor_log(self) -> Path:
        return self.path / "supervisor.log"

    @property
    def server_log(self) -> Path:
        return self.path / "server.log"


@dataclass(frozen=True)
class State:
    """What the supervisor last wrote; it holds only while the supervisor lives."""

    status: Status
    http_port: int = 0
    tcp_port: int = 0
    server_pid: int = 0
    restarts: int = 0
    started_at: float = 0.0
    message: str = ""


def run_directory(settings: Settings) -> RunDirectory:
    return RunDirectory(settings.server_dir.with_name(settings.server_dir.name + ".run"))


def write_state(run: RunDirectory, state: State) -> None:
    temporary = run.state_file.with_suffix(".new")
    temporary.write_text(json.dumps(asdict(state)))
    temporary.replace(run.state_file)


def read_state(run: RunDirectory) -> State | None:
    try:
        values: dict[str, Any] = json.loads(run.state_file.read_text())
        return State(**values)
    except (OSError, ValueError, TypeError):
        return None


def take_lock(run: RunDirectory) -> IO[str] | None:
    """The supervisor's lock, or None where another process holds it. The kernel frees it with the process."""
    lock = run.lock_file.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def is_held(run: RunDirectory) -> bool:
    # Only to look: read-only, so that it works where nothing can be written, and shared with others who look.
    try:
        with run.lock_file.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    return False


def has_ended(pid: int) -> bool:
    """A zombie that its parent has not collected has ended too."""
    import psutil

    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def is_supervisor(pid: int, run: RunDirectory) -> bool:
    """Whether this process is the supervisor of exactly this run directory, and not one that got its pid later."""
    import psutil

    with contextlib.suppress(psutil.Error):
        command = psutil.Process(pid).cmdline()
        return SUPERVISOR_MODULE in command and command[-1] == str(run.path)
    return False


def find_supervisor(run: RunDirectory) -> int | None:
    """The supervisor's pid by its command line: for when the lock says that it lives and its pid file lies."""
    return next((process.pid for process in _processes() if is_supervisor(process.pid, run)), None)


def is_watched(run: RunDirectory) -> bool:
    """Whether a supervisor lives: by its lock, or by its command line where somebody removed the lock file."""
    return is_held(run) or find_supervisor(run) is not None


def running_state(settings: Settings) -> State | None:
    """What the living supervisor says of its server, or None where none lives."""
    run = run_directory(settings)
    return read_state(run) or State("starting") if is_watched(run) else None


def _processes() -> Iterator[psutil.Process]:
    import psutil

    yield from psutil.process_iter()


class UntrustedPidFile(MillraceError):
    """The pid file does not name our supervisor."""


def read_pid(run: RunDirectory) -> int | None:
    """The pid file's pid; None where there is no file, or the process it names is gone.

    Raises UntrustedPidFile where it holds no pid, or names a living process that is not our supervisor.
    """
    import psutil

    try:
        text = run.pid_file.read_text(errors="replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not text.isdecimal() or int(text) < 1:
        raise UntrustedPidFile(f"The pid file {run.pid_file} does not hold a process id, but {text[:40]!r}.")
    pid = int(text)
    if has_ended(pid):
        return None
    if is_supervisor(pid, run):
        return pid
    if run.pid_file.stat().st_mtime < psutil.boot_time():
        return None  # left over from before the machine was started; the number belongs to somebody else now
    name = "another program"
    with contextlib.suppress(psutil.Error):
        name = f"another program, {psutil.Process(pid).name()}"
    raise UntrustedPidFile(f"The pid file {run.pid_file} names process {pid}, which is {name}: it is left alone.")
