"""Builds of Dagster and those of the command line never work on a warehouse at the same time: they share a lock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import dagster as dg
import pytest

from orchestration.infrastructure import ALONE, POOL, RESOURCES, RETRIES
from warehouse.alone import alone, alone_for_a_run
from warehouse.errors import MillraceError
from warehouse.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MILLRACE_DATA_DIR", str(tmp_path))
    return load_settings()


def test_a_run_of_dagster_waits_for_a_build_of_the_command_line(settings: Settings) -> None:
    entered, done = Event(), Event()

    def run() -> None:
        with alone(settings, waits=True):
            entered.set()
            done.wait(60)

    waiting = Thread(target=run, daemon=True)
    with alone(settings):
        waiting.start()
        assert not entered.wait(0.5)
    assert entered.wait(60)
    # And the other way round the command line says so at once.
    with pytest.raises(MillraceError, match="a run of Dagster, is working"), alone(settings):
        pass
    done.set()
    waiting.join(60)
    with alone(settings):
        pass


def test_a_run_that_waits_says_so(settings: Settings) -> None:
    waits, begun = Event(), Event()

    def run() -> None:
        with alone_for_a_run(settings, waits.set):
            begun.set()

    waiting = Thread(target=run, daemon=True)
    with alone(settings):
        waiting.start()
        assert waits.wait(60)
        assert not begun.is_set()
    assert begun.wait(60)
    waiting.join(60)
    said: list[str] = []
    with alone_for_a_run(settings, lambda: said.append("waits")):
        assert said == []


ANOTHER_BUILD = """
from warehouse.alone import alone
from warehouse.settings import load_settings
with alone(load_settings()):
    print("let in")
"""


def another_build() -> str:
    """What a command line says meanwhile."""
    done = subprocess.run([sys.executable, "-c", ANOTHER_BUILD], capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1].partition(": ")[2]


def test_a_run_of_dagster_is_alone_from_its_first_step_to_its_last(settings: Settings) -> None:
    """Also while it loads or learns, and in each step that builds, which does not wait for itself."""
    told = []

    @dg.op(pool=POOL, retry_policy=RETRIES, required_resource_keys=ALONE)
    def loads() -> int:
        told.append(another_build())
        return 1

    @dg.op
    def counts(number: int) -> int:
        told.append(another_build())
        return number

    @dg.op(pool=POOL, retry_policy=RETRIES, required_resource_keys=ALONE)
    def builds(number: int) -> int:
        with alone(settings, waits=True):
            told.append(another_build())
        return number

    @dg.job(resource_defs=RESOURCES, executor_def=dg.in_process_executor)
    def run() -> None:
        builds(counts(loads()))

    assert run.execute_in_process().success
    assert told == ["Another build, or a run of Dagster, is working on this warehouse."] * 3
    assert another_build() == "let in"
