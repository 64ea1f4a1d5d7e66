"""One Dagster at a time works on a warehouse: another would take its runs for lost. What would start it without its
definitions is told before it starts; Ctrl-C ends it without a word, also while it starts."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from tests.running_dagster import RunningDagster, processes_of, until
from tests.support import REPOSITORY, Instance, know_the_models
from tests.unit.test_house import FLOORS
from warehouse.alone import alone
from warehouse.dagster_instance import Dagster


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("one") / "millrace") as instance:
        know_the_models(instance.data_dir)
        instance.up()
        yield instance


def test_another_one_is_refused_and_touches_no_run(own: Instance) -> None:
    first = RunningDagster(own)
    try:
        assert until(lambda: (own.data_dir / "dagster.lock").exists())
        kept = Dagster(own.settings, first.port, "")
        assert until(first.is_loaded)
        with dg.DagsterInstance.from_config(str(kept.home)) as storage:
            run_id = create_run_for_test(storage, status=dg.DagsterRunStatus.STARTED).run_id
        for port in (first.port, first.port + 2):
            second = own.run("dagster", "--port", str(port))
            assert second.returncode == 1
            told = f"Dagster of this warehouse is running already: {first.url}, process {first.process.pid}."
            assert told in second.stderr
            assert second.stdout == ""
        assert first.runs()[run_id] == "STARTED"

        # Killed, it takes its processes with it; who comes next waits for that, and takes up what was under way.
        before = set(processes_of(own.data_dir))
        first.process.kill()
        first.process.wait()
        second_one = RunningDagster(own)
        try:
            assert until(second_one.is_loaded)
            assert before.isdisjoint(processes_of(own.data_dir))
            assert second_one.runs()[run_id] == "FAILURE"
        finally:
            second_one.end()
    finally:
        if first.process.poll() is None:
            first.end()
        for pid in processes_of(own.data_dir):
            os.kill(pid, signal.SIGKILL)


def test_a_run_of_before_that_goes_on_is_not_taken_for_lost(own: Instance) -> None:
    kept = Dagster(own.settings, 3000, "")
    kept.prepare()
    with dg.DagsterInstance.from_config(str(kept.home)) as storage:
        run = create_run_for_test(storage, status=dg.DagsterRunStatus.STARTED)
        with alone(own.settings):  # as its worker is, which outlives its Dagster
            starting = RunningDagster(own)
            try:
                assert until(lambda: "is still at work: waiting for it." in starting.said.read_text())
                assert [one.status for one in storage.get_runs()].count(dg.DagsterRunStatus.STARTED) == 1
                storage.report_run_failed(run, "it ended by itself")
            except BaseException:
                starting.end()
                raise
        try:
            assert until(starting.is_loaded)
            assert "are run again" not in starting.said.read_text()
        finally:
            starting.end()


@pytest.mark.parametrize(
    ("file", "change", "says"),
    [
        (
            "orchestration/automation.yaml",
            ("[production, demo]", "production"),
            "Error: automation.yaml:7: landing.environments: must be a list, as [production].",
        ),
        (
            "expectations/suites/orders.yaml",
            ("table: marts.fct_orders", "table: marts.fct_ordres"),
            "Error: orders.yaml:1: table: there is no table 'marts.fct_ordres'; did you mean 'marts.fct_orders'",
        ),
    ],
)
def test_a_mistake_in_its_files_is_told_instead(
    own: Instance, tmp_path: Path, file: str, change: tuple[str, str], says: str
) -> None:
    copy = tmp_path / "repository"
    copy.mkdir()
    rooms = set().union(*FLOORS, {"dbt_project"})
    for room in rooms:
        shutil.copytree(REPOSITORY / room, copy / room, ignore=shutil.ignore_patterns("__pycache__", "target"))
    (copy / file).write_text((copy / file).read_text().replace(*change))
    done = own.run("dagster", PYTHONPATH=str(copy))
    assert done.returncode == 1
    assert done.stderr.startswith(says)
    assert len(done.stderr.splitlines()) <= 2
    assert processes_of(own.data_dir) == {}


def test_it_ends_without_a_word_while_it_starts(own: Instance) -> None:
    starting = RunningDagster(own)
    # In the middle of it: `dagster dev` imports what it is made of.
    assert until(lambda: any(" dev --workspace " in line for line in starting.processes().values()), pause=0.05)
    time.sleep(0.5)
    starting.end()
    assert starting.process.returncode == 0
    assert "Traceback" not in starting.said.read_text()
    assert processes_of(own.data_dir) == {}
