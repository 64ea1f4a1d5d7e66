"""The Dagster instance of a warehouse: where its storage is, and its processes, which all end together."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType

from warehouse.dbt import variables
from warehouse.private_files import private_folder
from warehouse.settings import PREFIX, REPOSITORY, Settings

SQLITE, POSTGRES = "dagster.yaml", "dagster.postgres.yaml"
POSTGRES_VARIABLE = f"{PREFIX}DAGSTER_POSTGRES"
DATA_DOCS_VARIABLE = f"{PREFIX}DATA_DOCS_URL"
SECONDS_TO_END = 30


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

    def run(self) -> int:
        """`dagster dev` until it ends by itself or we are told to; none of its processes is left behind."""
        process = subprocess.Popen(
            [
                *(str(Path(sys.executable).with_name("dagster")), "dev"),
                *("--workspace", str(REPOSITORY / "workspace.yaml")),
                *("--host", "127.0.0.1", "--port", str(self._port)),
            ],
            cwd=REPOSITORY,
            env=self.environment(),
            # A terminal's Ctrl-C goes to a whole group, ours alone here; Dagster's would die in no order.
            start_new_session=True,
            # In the background of a shell SIGINT is ignored, which Dagster would take over for SIGTERM too.
            preexec_fn=_signals_as_usual,
        )
        told = False
        with _told_to_end() as is_over:
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


def _signals_as_usual() -> None:
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
