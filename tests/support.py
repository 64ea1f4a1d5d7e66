"""A Millrace in a folder of its own: its environment, its commands, its server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from clickhouse_connect.driver.client import Client

from warehouse.connection import Endpoint, connect, endpoint
from warehouse.locks import one_at_a_time
from warehouse.manifest import KNOWN, parsed
from warehouse.private_files import private_folder
from warehouse.server.state import State, running_state
from warehouse.settings import Settings, load_settings

REPOSITORY = Path(__file__).resolve().parent.parent
MILLRACE = Path(sys.executable).with_name("millrace")


KNOWN_MODELS = REPOSITORY / ".pytest_cache" / "dbt" / KNOWN


def know_the_models(data_dir: Path) -> None:
    """What dbt read of the project, for an instance that has read nothing yet: dbt reads again what is another since,
    and reading all takes half the time of a first build."""
    KNOWN_MODELS.parent.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(KNOWN_MODELS.with_name("lock")):
        if not KNOWN_MODELS.exists():
            with parsed() as folder:
                shutil.copy(folder / KNOWN_MODELS.name, KNOWN_MODELS)
    target = data_dir / "dbt" / "target"
    if not target.exists():
        private_folder(target)
        shutil.copy(KNOWN_MODELS, target)


class Instance:
    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.project_dir = folder / "project"
        self.project_dir.mkdir(parents=True)
        for name in ("projects.yaml", "access.yaml"):
            shutil.copy(REPOSITORY / name, self.project_dir / name)
        shutil.copytree(REPOSITORY / "dashboards", self.project_dir / "dashboards")
        self.variables = {
            "MILLRACE_ENV_FILE": "",
            "MILLRACE_DATA_DIR": str(self.data_dir),
            "MILLRACE_PROJECT_DIR": str(self.project_dir),
            "MILLRACE_HTTP_PORT": "0",
            "MILLRACE_TCP_PORT": "0",
            "MILLRACE_BI_PORT": "0",
            "MILLRACE_MEMORY": "4GiB",
            **variables,
        }
        self._clients: dict[str, Client] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        self.run("down")

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MILLRACE_")}
        return {**inherited, **self.variables}

    @contextmanager
    def active(self) -> Iterator[Settings]:
        """This instance's settings, for code called in this process."""
        before = dict(os.environ)
        try:
            os.environ.clear()
            os.environ.update(self.environment)
            yield load_settings()
        finally:
            os.environ.clear()
            os.environ.update(before)

    @property
    def settings(self) -> Settings:
        with self.active() as settings:
            _ = settings.passwords  # read while the environment is ours, kept with the settings
            return settings

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """`millrace …` as a user types it."""
        return subprocess.run(
            [str(MILLRACE), *arguments],
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=600,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--format", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def up(self) -> State:
        know_the_models(self.data_dir)
        done = self.run("up")
        assert done.returncode == 0, done.stderr
        self._clients.clear()  # the server may listen at another port than the one before
        return self.state

    @property
    def state(self) -> State:
        state = running_state(self.settings)
        assert state is not None
        return state

    def endpoint(self, role: str) -> Endpoint:
        return endpoint(self.settings, role)

    def client(self, role: str = "admin") -> Client:
        if role not in self._clients:
            self._clients[role] = connect(self.settings, role)
        return self._clients[role]

    def rows(self, sql: str, role: str = "admin") -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.client(role).query(sql).result_rows]
