"""The resident compiler: MetricFlow, imported once, behind a socket that only its owner may use.

python -m semantic_layer.metrics.resident FOLDER MANIFEST

It starts with the first question (compiling.py starts it), reads the manifest anew when that changed, and ends when
nobody asked for a while, its socket is gone, or its own code is another one. It knows no login and runs no query.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import os
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from semantic_layer.metrics.code_version import code_version
from warehouse.local_sockets import answers, is_still, listening, peer_of
from warehouse.locks import held_if_free

SOCKET, LOCK, LOG = "compiler.sock", "compiler.lock", "compiler.log"
IDLE_SECONDS = 15 * 60
TICK_SECONDS = 5.0  # between looks at whether it is still wanted
PATIENCE_SECONDS = 5.0  # with one that connects and says nothing
WAITS, WAIT_SECONDS = 40, 0.05
LONGEST_MESSAGE = 4 * 1024**2


class Resident:
    def __init__(self, folder: Path, manifest: Path) -> None:
        self._folder, self._manifest = folder, manifest
        self._code = code_version()
        self._compilers: Any = None
        self._hash = ""

    def serve(self, idle_seconds: float = IDLE_SECONDS) -> None:
        path = self._folder / SOCKET
        with listening(path, TICK_SECONDS) as listener:
            ours = path.stat().st_ino
            self._log(f"listens as process {os.getpid()}")
            self._read_manifest()  # who is waiting meanwhile waits in the socket's queue
            last = time.monotonic()
            while time.monotonic() - last < idle_seconds:
                if not is_still(path, ours):
                    self._log("ends: its socket is gone")
                    return
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection:
                    if not self._answer(connection):
                        self._log("ends: it was told to, or its code is another one")
                        path.unlink(missing_ok=True)
                        return
                last = time.monotonic()
            self._log("ends: nobody asked for a while")
            path.unlink(missing_ok=True)

    def _answer(self, connection: socket.socket) -> bool:
        """Whether to go on."""
        reply: dict[str, Any] = {}
        try:
            connection.settimeout(PATIENCE_SECONDS)
            message = receive(connection) if peer_of(connection) == os.geteuid() else b""
            if message:
                reply = self._reply(json.loads(message))
                send(connection, reply)
        except Exception as error:  # noqa: BLE001 - whatever is said to it, it goes on
            self._log(f"did not understand a request: {error!r}")
        return "outdated" not in reply

    def _reply(self, message: dict[str, Any]) -> dict[str, Any]:
        if message.get("code") != self._code:
            return {"outdated": True}
        if message["manifest"] != self._hash:
            self._read_manifest()
        if message["manifest"] != self._hash:
            return {"error": "the manifest is another one"}
        from semantic_layer.metrics.planning import NotPlanned, planned

        try:
            return {"sql": [planned(self._compilers, **request) for request in message["requests"]]}
        except NotPlanned as error:
            return {"refused": str(error)}
        except Exception:  # noqa: BLE001 - who asked compiles it in its own process, and fails there, if it fails
            self._log(traceback.format_exc())
            return {"error": "it failed"}

    def _read_manifest(self) -> None:
        from semantic_layer.metrics.planning import compiler_of

        try:
            found = hashlib.sha256(self._manifest.read_bytes()).hexdigest()
            if found == self._hash:
                return
            self._compilers, self._hash = compiler_of(self._manifest), found
            gc.collect()
            gc.freeze()  # what was read lives long: no need to look through it again and again
            self._log("read the manifest")
        except Exception:  # noqa: BLE001 - as above
            self._log(traceback.format_exc())

    def _log(self, text: str) -> None:
        sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
        sys.stderr.flush()


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    connection.sendall(json.dumps(message).encode() + b"\n")


def receive(connection: socket.socket) -> bytes:
    """One line; nothing where the other end only looked whether somebody is there."""
    held = b""
    while not held.endswith(b"\n"):
        chunk = connection.recv(256 * 1024)
        if not chunk and not held:
            return b""
        if not chunk:
            raise ConnectionError("the other end closed before it had said everything")
        held += chunk
        if len(held) > LONGEST_MESSAGE:
            raise ConnectionError("a message is too long")
    return held


def main() -> None:
    folder, manifest = Path(sys.argv[1]), Path(sys.argv[2])
    # Whoever holds the lock listens already, is about to, or is just ending.
    for _ in range(WAITS):
        with held_if_free(folder / LOCK) as is_ours:
            if is_ours:
                with contextlib.suppress(KeyboardInterrupt):
                    Resident(folder, manifest).serve(float(sys.argv[3]) if len(sys.argv) > 3 else IDLE_SECONDS)
                return
        if answers(folder / SOCKET):
            return
        time.sleep(WAIT_SECONDS)


if __name__ == "__main__":
    main()
