"""A process that has imported what questions need, and forks itself for each of them: importing takes longer than
answering.

python -m cli.warm FOLDER [IDLE_SECONDS]

`millrace` (entry.py) starts it after a question, and hands it the next ones with its environment and its standard
streams; the child runs the command as if it had been started there. It ends when nobody asked for a while, when its
socket is gone, and when a file that it has imported is another one. It knows no login itself.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import random
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from cli.entry import INTERRUPTED, QUESTIONS, SOCKET, TAKEN, kin
from warehouse.local_sockets import is_still, listening, peer_of
from warehouse.locks import held_if_free
from warehouse.settings import ENV_FILE_VARIABLE, PREFIX, REPOSITORY, read_env_file

IDLE_SECONDS = 15 * 60
TICK_SECONDS = 5.0  # between looks at whether it is still wanted
PATIENCE_SECONDS = 5.0  # with one that connects and says nothing; and with a child that was told to stop
LONGEST_MESSAGE = 4 * 1024**2
MODEL_VARIABLE = f"{PREFIX}LLM_MODEL"
# What commands import when they are called. MetricFlow is not among it: the resident compiler has it.
IMPORTED_LATE = (
    "cli.ask_answers",
    "cli.ask_charts",
    "cli.journey_tables",
    "cli.metric_tables",
    "rich._emoji_codes",
    "rich.console",
    "rich.table",
    "semantic_layer.ask.answering",
    "semantic_layer.ask.asking",
    "semantic_layer.ask.drawing.files",
    "semantic_layer.ask.history",
    "semantic_layer.estimate",
    "semantic_layer.journeys.answers",
    "semantic_layer.metrics.answers",
    "semantic_layer.metrics.compiling",
    "semantic_layer.metrics.conditions",
    "semantic_layer.metrics.flags",
    "semantic_layer.reader",
    "warehouse.access.model",
)


def import_what_questions_need() -> None:
    from cli.main import COMMANDS, commands_of

    for command in (*QUESTIONS, "metrics"):
        commands_of(COMMANDS[command])
    for module in IMPORTED_LATE:
        import_module(module)


def import_what_a_model_needs(environment: Mapping[str, str], folder: str) -> None:
    """Where a question may go to a language model, once: it takes seconds, which those who ask none do not wait."""
    if "litellm" in sys.modules:
        return
    of_file: Mapping[str, str] = {}
    if (name := environment.get(ENV_FILE_VARIABLE)) != "":
        of_file = read_env_file(Path(folder, name).expanduser() if name else REPOSITORY / ".env").values
    if environment.get(MODEL_VARIABLE) or of_file.get(MODEL_VARIABLE):
        from semantic_layer.ask.llm.model import load

        load()


def imported_files() -> dict[str, int]:
    """When what we run was changed last: the files of this repository, and the folder of the packages it needs."""
    files = [module.__file__ for module in tuple(sys.modules.values()) if getattr(module, "__file__", None)]
    ours = [file for file in files if file and Path(file).is_relative_to(REPOSITORY) and "site-packages" not in file]
    found = {}
    for file in {*ours, *(path for path in sys.path if path.endswith("site-packages"))}:
        with contextlib.suppress(OSError):
            found[file] = Path(file).stat().st_mtime_ns
    return found


def serve(path: Path, idle_seconds: float) -> None:
    import_what_questions_need()
    import_what_a_model_needs(os.environ, str(Path.cwd()))
    code = imported_files()
    gc.collect()
    gc.freeze()  # children share these pages as long as nobody counts in them
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who watches a child is waited for by nobody
    with listening(path, TICK_SECONDS) as listener:
        ours = path.stat().st_ino
        last = time.monotonic()
        while time.monotonic() - last < idle_seconds and is_still(path, ours):
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                if imported_files() != code:
                    break
                _take(connection, listener)
                code = imported_files() | code  # also of what the first question to a model has imported
            last = time.monotonic()
        if is_still(path, ours):
            path.unlink(missing_ok=True)


def _take(connection: socket.socket, listener: socket.socket) -> None:
    """One question, in processes of its own: one that runs it, and one that watches it and who asked."""
    streams: list[int] = []
    try:
        connection.settimeout(PATIENCE_SECONDS)
        request = _received(connection, streams)
        if request.get("kin") == json.loads(json.dumps(kin())):
            import_what_a_model_needs(request["environment"], request["folder"])
            if os.fork() == 0:
                listener.close()
                _watch(connection, request, streams)
    except Exception:  # noqa: BLE001 - whatever is said to it, it goes on; who asked runs the command itself
        return
    finally:
        for stream in streams:
            os.close(stream)


def _received(connection: socket.socket, streams: list[int]) -> dict[str, Any]:
    if peer_of(connection) != os.geteuid():
        return {}
    held, fds, _, _ = socket.recv_fds(connection, 256 * 1024, 3)
    streams += fds
    while not held.endswith(b"\n"):
        chunk = connection.recv(256 * 1024)
        if not chunk or len(held) > LONGEST_MESSAGE:
            return {}
        held += chunk
    request = json.loads(held)
    return request if isinstance(request, dict) and len(fds) == 3 else {}


def _watch(connection: socket.socket, request: dict[str, Any], streams: list[int]) -> NoReturn:
    """Tell how the child ended; where who asked has gone, stop it as ctrl-c would."""
    try:
        connection.sendall(TAKEN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        over, runs = os.pipe()  # closed by the end of the child, however it ends
        child = os.fork()
        if child == 0:
            connection.close()
            _run(request, streams)
        os.close(runs)
        if over not in select.select([over, connection], [], [])[0]:
            os.kill(child, signal.SIGINT)
            if not select.select([over], [], [], PATIENCE_SECONDS)[0]:
                os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            os.write(streams[2], f"Error: The command was ended by signal {-code}.\n".encode())
        connection.sendall(str(code if code >= 0 else 128 - code).encode())
    finally:
        os._exit(0)


def _run(request: dict[str, Any], streams: list[int]) -> NoReturn:
    """As the command that was typed: its streams, environment, folder and arguments."""
    code = 1
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        sys.stdin, sys.stdout, sys.stderr = map(_stream, range(3), request["encodings"])
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are begun without it
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        os.umask(request["umask"])
        time.tzset()
        random.seed()
        sys.argv[1:] = request["arguments"]
        code = _exit_code()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BaseException:  # noqa: BLE001 - there is nobody above to tell
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code)


def _stream(number: int, spoken: tuple[str, str]) -> io.TextIOWrapper:
    encoding, errors = spoken
    raw: Any = os.fdopen(number, "rb" if number == 0 else "wb", closefd=False)
    return io.TextIOWrapper(raw, encoding, errors, line_buffering=number == 2 or os.isatty(number))


def _exit_code() -> int:
    from cli.main import main

    try:
        main()
    except SystemExit as ended:
        match ended.code:
            case None:
                return 0
            case int():
                return ended.code & 0xFF
        sys.stderr.write(f"{ended.code}\n")
        return 1
    return 0


def main() -> None:
    folder = Path(sys.argv[1])
    with held_if_free(folder / "warm.lock") as is_ours, contextlib.suppress(KeyboardInterrupt):
        if is_ours:
            serve(folder / SOCKET, float(sys.argv[2]) if len(sys.argv) > 2 else IDLE_SECONDS)


if __name__ == "__main__":
    main()
