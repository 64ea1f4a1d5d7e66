"""A PostgreSQL of a test's own, from Debian's packages (.ci/run installs them where it may)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.programs import found, program

PG_CTL = ("pg_ctl", "/usr/lib/postgresql/*/bin/pg_ctl")
ACCOUNT, PASSWORD = "postgres", "on-loopback-for-a-test"


@dataclass(frozen=True)
class Postgres:
    url: str
    psql: str

    def ask(self, query: str) -> str:
        done = subprocess.run([self.psql, "-XAtc", query, self.url], capture_output=True, text=True, check=True)
        return done.stdout.strip()


def is_installed() -> bool:
    return found(*PG_CTL) is not None


@contextmanager
def postgres() -> Iterator[Postgres]:
    binaries = Path(program(*PG_CTL)).resolve().parent
    # Not in a folder of pytest's: those are closed to others, and PostgreSQL does not run as root.
    folder = Path(tempfile.mkdtemp(prefix="millrace-postgres-"))
    secret = folder / "password"
    secret.write_text(PASSWORD)
    as_whom: list[str] = []
    if os.geteuid() == 0:
        as_whom = ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups"]
        for path in (folder, secret):
            shutil.chown(path, ACCOUNT, ACCOUNT)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(name: str, *arguments: str) -> None:
        subprocess.run(
            [*as_whom, str(binaries / name), "-D", str(folder / "data"), *arguments],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            check=True,
        )

    try:
        run("initdb", "-U", ACCOUNT, "--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -c unix_socket_directories={folder}"
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield Postgres(f"postgresql://{ACCOUNT}:{PASSWORD}@127.0.0.1:{port}/postgres", str(binaries / "psql"))
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
