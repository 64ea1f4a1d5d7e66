"""The local ClickHouse server: one process, the genuine HTTP and native TCP listeners out of the chdb-core wheel.

    python -m warehouse.server.launcher DATA_DIR RUN_DIR

RUN_DIR holds config.xml and users.xml (warehouse.server.config writes them). When the server answers, one line is
printed: `ready <http port> <native port>`.

How: `_chdb.query(sql, format, path=...)` runs clickhouse-local's LocalServer in this process. LocalServer reads
./config.xml and executes SYSTEM START LISTEN. Its session then blocks on reading a FIFO that this process holds open
for writing; closing it ends the session, which stops the listeners and shuts the engine down in order.

The engine can be started once per process: a restart is a new process. The entry point has no stability promise,
hence the exact pin of chdb-core (docs/decisions/002).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import importlib.util
import os
import signal
import socket
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from warehouse.server.insert_tokens import strike_out_lost

LOCK_FILE = "engine.lock"
PORTS_FILE = "ports.tsv"
ALIVE_FIFO = "alive"
STOP_SECONDS = 60
ALREADY_RUNNING = 3


def session_sql() -> str:
    """What the engine's own session runs. It ends when the FIFO closes, and with it the server."""
    # Relative to the run directory, where this process is: people have folders like `Anna's {data}*`.
    # FROM INFILE is read by the session itself and asks for no grant. file() would ask for READ ON FILE, and whoever
    # logs in as the session's user could then read every file of this account.
    return (
        "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; "
        f"SELECT getServerPort('http_port'), getServerPort('tcp_port') INTO OUTFILE '{PORTS_FILE}' FORMAT TSV; "
        f"INSERT INTO FUNCTION null('line String') FROM INFILE '{ALIVE_FIFO}' "
        # A limit of the default profile on this endless query would end the server.
        "SETTINGS log_queries = 0, max_execution_time = 0 FORMAT LineAsString"
    )


def load_engine() -> Any:
    """The extension alone: `import chdb` would boot a second, throw-away engine in this process."""
    spec = importlib.util.find_spec("chdb")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the chdb-core package is not installed")
    folder = Path(spec.submodule_search_locations[0])
    ctypes.CDLL(str(folder / "_chdb.abi3.so"), mode=sys.getdlopenflags() | getattr(os, "RTLD_DEEPBIND", 0))
    sys.path.insert(0, str(folder))
    try:
        return import_module("_chdb")
    finally:
        sys.path.pop(0)


def main(data_dir: Path, run_dir: Path) -> int:
    parent = os.getppid()
    lock = (run_dir / LOCK_FILE).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        print("another server holds this data directory", file=sys.stderr)
        return ALREADY_RUNNING

    os.umask(0o077)
    os.chdir(run_dir)  # LocalServer reads ./config.xml
    fifo, ports = run_dir / ALIVE_FIFO, run_dir / PORTS_FILE
    fifo.unlink(missing_ok=True)
    ports.unlink(missing_ok=True)
    os.mkfifo(fifo, 0o600)

    for part in strike_out_lost(data_dir):
        print(f"The insert of part {part} was cut off by a kill; it can be repeated.", flush=True)
    engine = load_engine()
    failure: list[str] = []

    def serve() -> None:
        try:
            # The format given here becomes the server's default output format.
            engine.query(session_sql(), "TabSeparated", path=str(data_dir))
        except Exception as error:  # noqa: BLE001 - whatever the engine says is passed on below
            failure.append(str(error))

    session = threading.Thread(target=serve, daemon=True)
    session.start()
    writer = _open_for_writing(fifo, session)
    if writer is None:
        print("the engine did not start:", *failure, file=sys.stderr)
        return 1
    # Only now: the engine installs handlers of its own while it starts.
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    listening = [int(port) for port in ports.read_text().split()]
    print("ready", *listening, flush=True)

    # Outliving the supervisor would leave a server that nobody watches.
    while session.is_alive() and not stop.wait(0.25) and os.getppid() == parent:
        pass
    if not session.is_alive():
        print("the engine stopped by itself:", *failure, file=sys.stderr)
        return 1
    os.close(writer)
    _hang_up(listening)
    session.join(STOP_SECONDS)
    return 2 if session.is_alive() else 0


def _hang_up(ports: list[int]) -> None:
    """Tell clients that idle on a kept-alive connection: the engine would wait some seconds for each of them.

    Only reading ends: a query that is at work can still send its answer.
    """
    for descriptor in list(Path("/dev/fd").iterdir()):
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(descriptor.name))) as connection:
            if connection.family in (socket.AF_INET, socket.AF_INET6) and connection.getsockname()[1] in ports:
                connection.getpeername()  # raises for the listening sockets themselves
                connection.shutdown(socket.SHUT_RD)


def _open_for_writing(fifo: Path, session: threading.Thread) -> int | None:
    """Succeeds once the engine reads the FIFO in its last statement: the listeners are up then."""
    while session.is_alive():
        try:
            return os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            time.sleep(0.005)
    return None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
