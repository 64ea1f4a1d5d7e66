"""Plain `dagster dev`, as docs/orchestration.md has it: it finds workspace.yaml, loads all, and leaves nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil

from tests.running_dagster import RunningDagster, until
from tests.support import MILLRACE, REPOSITORY, Instance, know_the_models


def test_plain_dagster_dev_loads_everything_and_leaves_nothing_behind(tmp_path: Path) -> None:
    own = Instance(tmp_path / "millrace")  # whose server does not run: to show what there is nobody needs it
    know_the_models(own.data_dir)
    plain = RunningDagster(own, command=[str(MILLRACE.with_name("dagster")), "dev"], folder=REPOSITORY)
    try:
        assert until(plain.is_loaded)
        assets = {
            ".".join(one["assetKey"]["path"]) for one in plain.ask("{assetNodes {assetKey {path}}}")["assetNodes"]
        }
        assert {"landing.files", "raw.events", "marts.fct_events", "semantic.catalogue"} <= assets
        found = plain.ask(
            "{workspaceOrError {... on Workspace {locationEntries {locationOrLoadError "
            "{... on RepositoryLocation {name repositories {sensors {name}}}}}}}}"
        )
        ((location,),) = (entry.values() for entry in found["workspaceOrError"]["locationEntries"])
        assert location["name"] == "millrace"
        assert "files_landed" in {one["name"] for one in location["repositories"][0]["sensors"]}
        assert len(_processes(own)) > 3
        assert list(REPOSITORY.glob(".tmp_dagster_home_*"))
        plain.end()
        assert plain.process.returncode == 0
        assert until(lambda: not _processes(own))
        assert not list(REPOSITORY.glob(".tmp_dagster_home_*"))  # where it kept what it wrote
    finally:
        if plain.process.poll() is None:
            plain.end()
        for pid in _processes(own):
            os.kill(pid, signal.SIGKILL)


def _processes(own: Instance) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("MILLRACE_DATA_DIR") == str(own.data_dir):
                found.append(process.pid)
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found
