"""Superset as a local service on loopback: a process that its state file names, and its workers."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bi.brand import brand
from bi.client import Client
from bi.environment import INSIDE, LOCK, ensure_environment
from bi.home import ADMIN, Home, write_private
from warehouse.errors import MillraceError
from warehouse.locks import one_at_a_time
from warehouse.settings import Settings

HOST = "127.0.0.1"
START_SECONDS = 180
STOP_SECONDS = 15
# One uses one core, however many people wait. They share what is on disk: metadata and caches.
WORKERS = 2
LOOKED_THROUGH = 5_000  # characters at the end of the log, for why it ended
# As inside/superset_config.py reads them.
METADATA, ORIGINS, BRAND = "MILLRACE_BI_METADATA", "MILLRACE_BI_ORIGINS", "MILLRACE_BI_BRAND"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Running:
    pid: int
    started: float  # as the system has it: with the pid it is one process, and none that got its number later
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


class Service:
    """Superset of one home; `port` 0: any free one."""

    def __init__(self, settings: Settings, home: Home | None = None, port: int | None = None) -> None:
        self.settings = settings
        self.home = home or Home(settings.data_dir / "bi")
        self.port = settings.bi_port if port is None else port

    def up(self, tell: Tell = lambda _: None) -> Running:
        """Start it, or find it running; returns when it answers. Installs and prepares it where that is due."""
        self.home.make()
        with one_at_a_time(self.home.control_lock):
            self.home.point_at_clickhouse(self.settings)
            if found := self.running():
                if self.port not in (0, found.port):
                    raise MillraceError(
                        f"Superset already runs on port {found.port}; MILLRACE_BI_PORT asks for {self.port}.",
                        hint="`millrace bi down` first.",
                    )
                return found
            password = self.home.secrets()["admin_password"]
            with _listening(self.port) as listener:
                python = ensure_environment(tell)
                self._prepare(python, password, tell)
                return self._start(python, listener, tell)

    def down(self) -> bool:
        """Stop it and wait until it has ended; False where none was running."""
        if not self.home.state_file.exists():
            return False
        with one_at_a_time(self.home.control_lock):
            found = self.running()
            if found is not None:
                _end(found.pid)
            self.home.state_file.unlink(missing_ok=True)
        return found is not None

    def running(self) -> Running | None:
        """What runs, by its state file; None where that names a process that ended, or none of ours."""
        import psutil

        try:
            said = Running(**json.loads(self.home.state_file.read_text()))
            process = psutil.Process(said.pid)
            is_it = abs(process.create_time() - said.started) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except (OSError, ValueError, TypeError, psutil.Error):
            return None
        return said if is_it else None

    def client(self) -> Client:
        found = self.running()
        if found is None:
            raise MillraceError("Superset is not running.", hint="`millrace bi up` starts it.")
        self.home.point_at_clickhouse(self.settings)
        return Client(found.url, ADMIN, self.home.secrets()["admin_password"])

    def tell_inside(self, program: str, told: str, otherwise: str) -> None:
        """Run a program of ours in Superset's environment, on its metadata; `told`: what it reads. `otherwise`: what is
        said where it fails."""
        self._run_inside(ensure_environment(lambda _: None), program, told, otherwise)

    def _run_inside(self, python: Path, program: str, told: str, otherwise: str) -> None:
        with self.home.open_log() as log:
            done = subprocess.run(
                [str(python), str(INSIDE / program)],
                cwd=self.home.path,
                env=self._environment(),
                input=told,
                stdout=log,
                stderr=log,
                text=True,
                check=False,
            )
        if done.returncode:
            raise self._failure(otherwise)

    def _environment(self) -> Mapping[str, str]:
        """What programs in Superset's environment get to know: no setting or password of ours but what they need."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MILLRACE_", "SUPERSET_", "FLASK_", "GUNICORN_", "PYTHON"))
        }
        postgres = self.settings.bi_postgres.get_secret_value()
        return {
            **inherited,
            "SUPERSET_CONFIG_PATH": str(INSIDE / "superset_config.py"),
            "MILLRACE_BI_HOME": str(self.home.path),
            "SUPERSET_HOME": str(self.home.path),  # else it makes a folder in the user's home
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(INSIDE),  # of which the configuration imports
            ORIGINS: " ".join(self.settings.bi_origins_listed),
            BRAND: json.dumps(brand(self.settings)),
            **({METADATA: postgres} if postgres else {}),
        }

    def _prepare(self, python: Path, password: str, tell: Tell) -> None:
        """Metadata, roles and the user admin, where Superset, its configuration or its database are others by now."""
        environment = self._environment()
        digest = hashlib.sha256(LOCK.read_bytes() + f"{environment.get(METADATA)}\0{password}".encode())
        for file in sorted(INSIDE.glob("*.py")):
            digest.update(file.read_bytes())
        wanted = digest.hexdigest()
        if self.home.is_prepared(wanted) and (METADATA in environment or self.home.database.exists()):
            return
        tell("Preparing Superset's metadata …")
        self._run_inside(python, "prepare.py", "", "Superset's metadata cannot be prepared")
        write_private(self.home.prepared_file, wanted)

    def _start(self, python: Path, listener: socket.socket, tell: Tell) -> Running:
        import psutil

        tell("Starting Superset …")
        with self.home.open_log() as log:
            process = subprocess.Popen(
                [
                    *(str(python), "-m", "gunicorn", "--workers", str(WORKERS), "--worker-class", "gthread"),
                    *(
                        "--threads",
                        "8",
                        "--timeout",
                        "120",
                        "--graceful-timeout",
                        "5",
                        "--bind",
                        f"fd://{listener.fileno()}",
                    ),
                    "superset.app:create_app()",
                ],
                cwd=self.home.path,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[listener.fileno()],
            )
        state = Running(process.pid, psutil.Process(process.pid).create_time(), listener.getsockname()[1])
        write_private(self.home.state_file, json.dumps(asdict(state)))
        deadline = time.monotonic() + START_SECONDS
        while not _answers(state):
            if process.poll() is not None:
                self.home.state_file.unlink(missing_ok=True)
                raise self._failure("Superset did not start")
            if time.monotonic() > deadline:
                _end(process.pid)
                self.home.state_file.unlink(missing_ok=True)
                raise MillraceError(
                    f"Superset did not answer within {START_SECONDS} s.", hint=f"Its log: {self.home.log}"
                )
            time.sleep(0.2)
        return state

    def _failure(self, what: str) -> MillraceError:
        """With the last line of its log that is no part of a stack trace."""
        text = self.home.log.read_text(errors="replace")[-LOOKED_THROUGH:]
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith((" ", "\t"))]
        last = " ".join(lines[-1].split())[:300] if lines else "it said nothing"
        return MillraceError(f"{what}: {last}", hint=f"Its log: {self.home.log}")


def _listening(port: int) -> socket.socket:
    """Taken before anything else is done, and handed over: no other program gets it in between."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise MillraceError(
                f"Port {port} on {HOST} is taken by another program.",
                hint="Stop that program, or set MILLRACE_BI_PORT to another port (0: any free one).",
            ) from error
        raise MillraceError(f"Cannot listen on {HOST}:{port}: {error.strerror or error}.") from error
    return listener


def _answers(state: Running) -> bool:
    try:
        with urllib.request.urlopen(f"{state.url}/health", timeout=5) as reply:  # noqa: S310 - our own
            return bool(reply.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _end(pid: int) -> None:
    """The process with those it started: asked first."""
    from warehouse.server.state import has_ended

    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if has_ended(pid):
                return
            time.sleep(0.05)
    raise MillraceError(f"Superset (process {pid}) does not end.")
