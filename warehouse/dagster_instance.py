"""The Dagster instance of a warehouse: where its storage is, and its processes, which all end together."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Thread
from types import FrameType

from warehouse.dbt import variables
from warehouse.errors import MillraceError
from warehouse.locks import held_if_free
from warehouse.private_files import private_folder
from warehouse.settings import PREFIX, REPOSITORY, Settings

SQLITE, POSTGRES = "dagster.yaml", "dagster.postgres.yaml"
POSTGRES_VARIABLE = f"{PREFIX}DAGSTER_POSTGRES"
DATA_DOCS_VARIABLE = f"{PREFIX}DATA_DOCS_URL"
SECONDS_TO_END = 30
PR_SET_PDEATHSIG = 1  # of Linux alone
_LIBC = ctypes.CDLL(None)


@contextlib.contextmanager
def only_one(settings: Settings, port: int) -> Iterator[int]:
    """Another one would take the runs of the first for lost. The lock is handed on to `dagster dev`, which may outlive
    us: it is free when both have ended, however they did."""
    path = private_folder(settings.data_dir) / "dagster.lock"
    deadline = time.monotonic() + SECONDS_TO_END
    while _is_ending(path) and time.monotonic() < deadline:
        time.sleep(0.2)
    with held_if_free(path) as lock:
        if lock is None:
            raise MillraceError(
                f"Dagster of this warehouse is running already{path.read_text(encoding='utf-8')}.",
                hint="One at a time works on its runs. End that one with Ctrl-C, or with `kill` and its number.",
            )
        lock.truncate(0)
        lock.write(f": http://127.0.0.1:{port}, process {os.getpid()}")
        lock.flush()
        yield lock.fileno()


def _is_ending(path: Path) -> bool:
    """Killed, it is gone before its `dagster dev`."""
    with held_if_free(path) as lock:
        if lock is not None:
            return False
        named = re.search(r"process (\d+)", path.read_text(encoding="utf-8"))
        try:
            os.kill(int(named[1]), 0) if named else None
        except ProcessLookupError:
            return True
    return False


def must_load(settings: Settings) -> None:
    """What is wrong in the files that Dagster's definitions are made of, before it starts without them."""
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.loadable"],
        cwd=REPOSITORY,
        env={**os.environ, "MILLRACE_ENVIRONMENT": settings.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message, _, hint = done.stdout.strip().partition("\n")
        raise MillraceError(message or f"Dagster's definitions cannot be loaded: {done.stderr.strip()[-500:]}", hint)


class Dagster:
    def __init__(self, settings: Settings, port: int, data_docs_url: str) -> None:
        self.home = settings.data_dir / "dagster"
        # With its driver: the one that SQLAlchemy takes by itself is another than dagster-postgres brings.
        self._postgres = re.sub(
            r"^postgres(ql)?://", "postgresql+psycopg2://", settings.dagster_postgres.get_secret_value()
        )
        self._port = port
        self._data_docs_url = data_docs_url

    def environment(self) -> Mapping[str, str]:
        own = {"DAGSTER_HOME": str(self.home), "PYTHONUNBUFFERED": "1", DATA_DOCS_VARIABLE: self._data_docs_url}
        return {**os.environ, **own, **({POSTGRES_VARIABLE: self._postgres} if self._postgres else {})}

    def prepare(self) -> None:
        """The instance's file into its home: `dagster dev` reads it there."""
        private_folder(self.home)
        shutil.copyfile(REPOSITORY / (POSTGRES if self._postgres else SQLITE), self.home / SQLITE)

    def fail_lost_runs(self) -> list[str]:
        """Runs whose processes ended with an earlier Dagster: as they are they would hold up all others for ever. Those
        that failed are run again once, as dagster.yaml has it."""
        from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

        under_way = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
        with variables(self.environment()), DagsterInstance.from_config(str(self.home)) as instance:
            lost = instance.get_runs(RunsFilter(statuses=under_way))
            for run in lost:
                instance.report_run_failed(run, "Dagster ended while this run was under way.")
                instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        return [run.run_id for run in lost]

    def run(self, lock: int) -> int:
        """`dagster dev` until it ends by itself or we are told to; none of its processes is left behind. What they say
        is passed on until then: told to end while they start, they would show where they were."""
        process = subprocess.Popen(
            [
                *(str(Path(sys.executable).with_name("dagster")), "dev"),
                *("--workspace", str(REPOSITORY / "workspace.yaml")),
                *("--host", "127.0.0.1", "--port", str(self._port)),
            ],
            cwd=REPOSITORY,
            env=self.environment(),
            stderr=subprocess.PIPE,
            pass_fds=[lock],
            # A terminal's Ctrl-C goes to a whole group, ours alone here; Dagster's would die in no order.
            start_new_session=True,
            # In the background of a shell SIGINT is ignored, which Dagster would take over for SIGTERM too.
            preexec_fn=_as_one_of_ours,
        )
        told = False
        with _told_to_end() as is_over, _passed_on(process, is_over):
            while process.poll() is None:
                if is_over() and not told:
                    process.send_signal(signal.SIGINT)
                    told, deadline = True, time.monotonic() + SECONDS_TO_END
                if told and time.monotonic() > deadline:
                    break
                time.sleep(0.2)
            _end_group(process.pid)
            process.wait()
        return 0 if told else process.returncode or 1  # `dagster dev` is content when its daemon is gone


@contextlib.contextmanager
def _passed_on(process: subprocess.Popen[bytes], is_over: Callable[[], bool]) -> Iterator[None]:
    """What all of its processes write to stderr goes to ours, until it is over."""
    said = process.stderr
    assert said is not None

    def pass_on() -> None:
        while part := os.read(said.fileno(), 65536):
            if not is_over():
                sys.stderr.buffer.write(part)
                sys.stderr.buffer.flush()

    reading = Thread(target=pass_on, name="what Dagster says", daemon=True)
    reading.start()
    try:
        yield
    finally:
        reading.join(SECONDS_TO_END)


def _as_one_of_ours() -> None:
    """Before it becomes Dagster: signals as usual, and that of Ctrl-C should we be killed, where a system can do so."""
    if hasattr(_LIBC, "prctl"):
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def _told_to_end() -> Iterator[Callable[[], bool]]:
    told: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        told.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(told)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_group(group: int) -> None:
    """What is left of the process group, first asked and then ended."""
    for number, seconds in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                os.killpg(group, number)
            except (ProcessLookupError, PermissionError):
                return
            time.sleep(0.3)
