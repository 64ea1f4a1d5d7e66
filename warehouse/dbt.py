"""Runs dbt in this process, as the engineer, on the server of the settings. The command line and Dagster both build
through here."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from warehouse.connection import endpoint
from warehouse.errors import MillraceError
from warehouse.settings import Settings

PROJECT = Path(__file__).resolve().parent.parent / "dbt_project"


@dataclass(frozen=True)
class NodeResult:
    """One model or test of a run."""

    id: str
    status: str  # success, pass, warn, fail, error, skipped
    seconds: float
    message: str

    @property
    def name(self) -> str:
        return self.id.split(".")[2]

    @property
    def failed(self) -> bool:
        return self.status in ("error", "fail")


@dataclass
class Run:
    nodes: list[NodeResult] = field(default_factory=list)

    @property
    def failed(self) -> list[NodeResult]:
        return [node for node in self.nodes if node.failed]


class Watcher:
    """What a run tells while it works; the command line draws it."""

    def begin(self, nodes: int) -> None: ...

    def node(self, name: str) -> None: ...


def environment(settings: Settings) -> Mapping[str, str]:
    """What profiles.yml and dbt itself read."""
    target = endpoint(settings, "engineer")
    folder = settings.data_dir / "dbt"
    return {
        "MILLRACE_DBT_HOST": target.host,
        "MILLRACE_DBT_PORT": str(target.http_port),
        "MILLRACE_DBT_SECURE": "true" if target.secure else "false",
        "MILLRACE_DBT_USER": target.user,
        "MILLRACE_PASSWORD_ENGINEER": target.password,
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def build_arguments(
    select: Sequence[str] = (), exclude: Sequence[str] = (), full_refresh: bool = False, tests: bool = True
) -> list[str]:
    """The arguments of a build."""
    arguments = ["build" if tests else "run"]
    if full_refresh:
        arguments.append("--full-refresh")
    if select:
        arguments += ["--select", *select]
    if exclude:
        arguments += ["--exclude", *exclude]
    return arguments


def run(settings: Settings, arguments: Sequence[str], watcher: Watcher | None = None) -> Run:
    """Run dbt quietly; builds wait for nobody: a second one at the same time is refused."""
    from dbt.cli.main import dbtRunner

    watcher = watcher or Watcher()
    with _alone(settings), _variables(environment(settings)):
        outcome = dbtRunner(callbacks=[_listener(watcher)]).invoke(["--quiet", "--no-use-colors", *arguments])
    if outcome.exception is not None:
        raise MillraceError(f"dbt: {' '.join(str(outcome.exception).split())}")
    results = getattr(outcome.result, "results", None) or []
    return Run(
        [
            NodeResult(r.node.unique_id, str(r.status), r.execution_time, " ".join((r.message or "").split()))
            for r in results
            if not r.node.unique_id.startswith("operation.")
        ]
    )


def pass_through(settings: Settings, arguments: Sequence[str]) -> bool:
    """dbt as it is, with its own output; whether it succeeded."""
    from dbt.cli.main import dbtRunner

    with _alone(settings), _variables(environment(settings)):
        return bool(dbtRunner().invoke(list(arguments)).success)


def _listener(watcher: Watcher) -> Callable[[Any], None]:
    def hear(event: Any) -> None:
        if event.info.name == "LogStartLine" and event.data.index == 1:
            watcher.begin(event.data.total)
        elif event.info.name == "NodeFinished":
            watcher.node(event.data.node_info.node_name)

    return hear


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Two builds at once would take each other's tables away."""
    folder = settings.data_dir / "dbt"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MillraceError(
                "Another build is running on this data directory.", hint="Wait for it to end, then run this again."
            ) from None
        yield


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
