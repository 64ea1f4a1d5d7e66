"""A real Dagster, its daemon and its sensor: a file that lands becomes rows of a mart, and nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from tests.support import MILLRACE, Instance

PATIENCE_SECONDS = 300
EVENT = {"project_id": "demo", "event": "page_viewed", "timestamp": "2026-03-01T10:00:00.000Z"}


class RunningDagster:
    def __init__(self, instance: Instance) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.landing = instance.data_dir / "landing"
        self.process = subprocess.Popen(
            [str(MILLRACE), "dagster", "--port", str(self.port)],
            env={**instance.environment, "MILLRACE_ENVIRONMENT": "production"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, query: str) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            data=json.dumps({"query": query}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)["data"]

    def is_loaded(self) -> bool:
        try:
            found = self.ask("{workspaceOrError {... on Workspace {locationEntries {loadStatus}}}}")
        except (OSError, urllib.error.URLError):
            return False
        return bool(found["workspaceOrError"]["locationEntries"][0]["loadStatus"] == "LOADED")

    def runs(self) -> list[str]:
        return [
            run["status"]
            for run in self.ask("{runsOrError {... on Runs {results {status}}}}")["runsOrError"]["results"]
        ]

    def drop(self, name: str, *events: dict[str, Any]) -> None:
        unfinished = self.landing / f".{name}"
        unfinished.write_text("".join(json.dumps(event) + "\n" for event in events))
        unfinished.rename(self.landing / name)

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=90)


@pytest.fixture
def dagster(instance: Instance) -> Iterator[RunningDagster]:
    running = RunningDagster(instance)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.end()


def until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(1)
    return False


def test_a_file_that_lands_becomes_rows_of_a_mart_and_nothing_is_left_behind(
    instance: Instance, dagster: RunningDagster
) -> None:
    assert until(dagster.is_loaded)
    dagster.drop("a.jsonl", {**EVENT, "user_id": "anna"}, {**EVENT, "user_id": "bob"})
    # At the minute of a schedule there may be another run.
    assert until(lambda: "SUCCESS" in dagster.runs()), dagster.runs()
    assert instance.rows("SELECT count() FROM marts.fct_events") == [(2,)]
    materialized = dagster.ask(
        '{assetOrError(assetKey: {path: ["marts", "fct_events"]}) {... on Asset {assetMaterializations(limit: 1) '
        "{metadataEntries {label ... on IntMetadataEntry {intValue}}}}}}"
    )["assetOrError"]["assetMaterializations"]
    assert {"label": "dagster/row_count", "intValue": 2} in materialized[0]["metadataEntries"]
    home = str(instance.data_dir)
    assert len(processes_of(home)) > 3
    dagster.end()
    assert dagster.process.returncode == 0
    assert processes_of(home) == []


def processes_of(home: str) -> list[int]:
    return [process.pid for process in psutil.process_iter() if _is_of(process, home)]


def _is_of(process: psutil.Process, home: str) -> bool:
    """Of this Dagster, not the server of ClickHouse beside it."""
    try:
        return process.pid != os.getpid() and process.environ().get("DAGSTER_HOME", "").startswith(home)
    except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
