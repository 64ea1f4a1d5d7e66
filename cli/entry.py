"""Where `millrace` begins. A question goes to a process that has everything imported already (warm.py), if one waits;
so nothing is imported here that an answer does not need."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from pathlib import Path

from warehouse.local_sockets import is_ours, peer_of, reachable

QUESTIONS = ("ask", "funnel", "retention", "lifecycle", "stickiness", "paths", "sql")
OF_METRICS = ("list", "show", "query", "explain", "dimensions", "values")
WITHOUT_VALUE = ("--explain", "--no-cache", "--good", "--bad", "--report", "--help")  # options of ask
# Of the environment that the code is installed in, so one process does for all its warehouses.
FOLDER = Path(sys.prefix) / "millrace"
SOCKET = "warm.sock"
STDIN, INTERRUPTED = 0, 130
TAKEN = b"+"  # it runs the command; without this we do. Never both: an answer would be there twice
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL")  # no login among it: that comes with each question


def main() -> None:
    if not is_question(sys.argv[1:]):
        _run()
        return
    code = ask_the_warm(sys.argv[1:])
    if code is not None:
        sys.exit(code)
    try:
        _run()
    finally:
        start_warm()


def _run() -> None:
    from cli.main import main

    main()


def is_question(arguments: list[str]) -> bool:
    """One that needs no terminal: `millrace ask` without words is a prompt."""
    match arguments:
        case ["metrics", command, *_]:
            return command in OF_METRICS
        case ["ask", *rest]:
            return _has_words(rest)
        case [command, *_]:
            return command in QUESTIONS
    return False


def _has_words(arguments: list[str]) -> bool:
    """Whether a question is among the options of `ask`, which all but some take a value."""
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            return next(rest, None) is not None
        if not argument.startswith("-"):
            return True
        if argument not in WITHOUT_VALUE and "=" not in argument:
            next(rest, None)
    return False


def kin() -> list[object]:
    """What must be the same of both: the interpreter, where it finds code, and what it was told."""
    beside_the_program = sys.path[1:]  # the first is the program's own folder
    return [sys.executable, beside_the_program, __file__, list(sys.flags)]


def ask_the_warm(arguments: list[str]) -> int | None:
    """How the command ended, having written where ours would. None: there is none, or it is of other code."""
    path = FOLDER / SOCKET
    if not is_ours(path):
        return None
    try:
        message = json.dumps(_request(arguments)).encode("ascii") + b"\n"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, reachable(path) as name:
            connection.connect(name)
            if peer_of(connection) != os.geteuid():
                return None
            with Path(os.devnull).open() as nothing:
                # A terminal is read by the session that it belongs to.
                stdin = nothing.fileno() if sys.stdin.isatty() else STDIN
                sent = socket.send_fds(connection, [message], [stdin, 1, 2])
            connection.sendall(message[sent:])
            try:
                reply = b"".join(iter(lambda: connection.recv(64), b""))
            except KeyboardInterrupt:  # it sees the connection end, and stops
                return INTERRUPTED
    except (OSError, ValueError, AttributeError):  # also where a stream is closed, or the folder has gone
        return None
    if not reply.startswith(TAKEN):
        return None
    if code := reply.removeprefix(TAKEN):
        return int(code)
    sys.stderr.write("Error: The process that ran the command has ended and did not say how. Ask again.\n")
    return 1


def _request(arguments: list[str]) -> dict[str, object]:
    umask = os.umask(0o077)
    os.umask(umask)
    return {
        "kin": kin(),
        "arguments": arguments,
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "umask": umask,
        "encodings": [(stream.encoding, stream.errors) for stream in (sys.stdin, sys.stdout, sys.stderr)],
    }


def start_warm() -> None:
    """For the next question. Where it cannot be, each takes longer."""
    import subprocess

    from warehouse.errors import MillraceError
    from warehouse.private_files import private_folder
    from warehouse.settings import REPOSITORY, load_settings

    if not os.access(sys.prefix, os.W_OK):
        return
    environment = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("PYTHON")}
    with contextlib.suppress(OSError, MillraceError):
        private_folder(FOLDER)
        if model := load_settings().llm_model:  # whose client it imports
            environment["MILLRACE_LLM_MODEL"] = model
        subprocess.Popen(
            [sys.executable, "-m", "cli.warm", str(FOLDER)],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


if __name__ == "__main__":
    main()
