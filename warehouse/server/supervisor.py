"""Keeps the local ClickHouse running: starts it, restarts it after a crash, stops it in order.

python -m warehouse.server.supervisor DATA_DIR RUN_DIR        (`millrace up` does this)
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import replace
from pathlib import Path
from types import FrameType

from warehouse.server.launcher import ALREADY_RUNNING, STOP_SECONDS
from warehouse.server.state import RunDirectory, State, take_lock, write_state

QUICK_CRASH_SECONDS = 10.0
MAX_QUICK_CRASHES = 5
FIRST_PAUSE_SECONDS = 0.2


class Supervisor:
    def __init__(self, data_dir: Path, run: RunDirectory) -> None:
        self.data_dir = data_dir
        self.run = run
        self.state = State("starting")
        self.stopping = threading.Event()
        self.server: subprocess.Popen[str] | None = None
        self.last_words: deque[str] = deque(maxlen=3)

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopping.set()
        if self.server and self.server.poll() is None:
            self.server.terminate()

    def serve(self) -> int:
        """Until told to stop (0) or the server keeps dying (1)."""
        quick_crashes = 0
        patience = time.monotonic() + STOP_SECONDS
        while not self.stopping.is_set():
            begun = time.monotonic()
            code = self._run_server()
            if self.stopping.is_set():
                return 0
            if code == ALREADY_RUNNING and time.monotonic() < patience:
                # The engine of a supervisor that was killed is still closing its files.
                self.stopping.wait(0.2)
                continue
            if self.state.http_port == 0:
                return self._give_up(" ".join(self.last_words) or f"it ended with exit code {code}")
            quick_crashes = quick_crashes + 1 if time.monotonic() - begun < QUICK_CRASH_SECONDS else 1
            if quick_crashes >= MAX_QUICK_CRASHES:
                return self._give_up(f"it stopped {quick_crashes} times in a row: {' '.join(self.last_words) or code}")
            self._say(f"server stopped with exit code {code}; starting it again")
            self._publish(status="restarting", restarts=self.state.restarts + 1, server_pid=0)
            self.stopping.wait(FIRST_PAUSE_SECONDS * 2 ** (quick_crashes - 1))
        return 0

    def _run_server(self) -> int:
        """Start the server once and wait for its end."""
        self.last_words.clear()
        self.server = subprocess.Popen(
            [sys.executable, "-m", "warehouse.server.launcher", str(self.data_dir), str(self.run.path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        if self.stopping.is_set():  # the signal may have come before there was a child to pass it on to
            self.server.terminate()
        assert self.server.stdout is not None
        for line in self.server.stdout:
            if line.startswith("ready "):
                http_port, tcp_port = (int(port) for port in line.split()[1:])
                self._keep_ports(http_port, tcp_port)
                self._publish(
                    status="ready",
                    http_port=http_port,
                    tcp_port=tcp_port,
                    server_pid=self.server.pid,
                    started_at=time.time(),
                )
                self._say(f"server ready: http {http_port}, native {tcp_port}, pid {self.server.pid}")
            elif line.strip() and not line.startswith("Logging "):
                self.last_words.append(line.strip())
                print(line, end="", flush=True)
        return self.server.wait()

    def _keep_ports(self, http_port: int, tcp_port: int) -> None:
        """After a crash the server comes back on the ports that its clients know, also where port 0 was asked for."""
        config = self.run.path / "config.xml"
        text = config.read_text()
        text = re.sub(r"<http_port>0<", f"<http_port>{http_port}<", text)
        text = re.sub(r"<tcp_port>0<", f"<tcp_port>{tcp_port}<", text)
        new = config.with_suffix(".new")
        new.write_text(text)
        new.chmod(0o600)
        new.replace(config)

    def _give_up(self, message: str) -> int:
        self._say(message)
        self._publish(status="failed", message=message, server_pid=0)
        return 1

    def _publish(self, **changes: object) -> None:
        self.state = replace(self.state, **changes)  # type: ignore[arg-type]
        try:
            write_state(self.run, self.state)
        except OSError as error:  # a full disk must not end the one who watches
            self._say(f"cannot write {self.run.state_file}: {error}")

    @staticmethod
    def _say(message: str) -> None:
        print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), message, flush=True)


def main(data_dir: Path, run: RunDirectory) -> int:
    lock = take_lock(run)
    patience = time.monotonic() + 2
    while lock is None and time.monotonic() < patience:  # somebody may be looking whether a supervisor lives
        time.sleep(0.02)
        lock = take_lock(run)
    if lock is None:
        print("another supervisor holds this data directory", flush=True)
        return 1
    supervisor = Supervisor(data_dir, run)
    # `dagster dev &` and the like hand down an ignored SIGINT: say what we want.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, supervisor.stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    run.pid_file.write_text(f"{os.getpid()}\n")
    write_state(run, supervisor.state)
    try:
        return supervisor.serve()
    finally:
        _reap(supervisor.server)
        run.pid_file.unlink(missing_ok=True)


def _reap(server: subprocess.Popen[str] | None) -> None:
    if server is None or server.poll() is not None:
        return
    server.terminate()
    try:
        server.wait(STOP_SECONDS + 5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), RunDirectory(Path(sys.argv[2]))))
