"""A real Dagster of an instance, as `millrace dagster` starts it: its daemon, its UI, and what they say."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.support import MILLRACE, Instance

PATIENCE_SECONDS = 900  # a machine may be busy
EVENT = {"project_id": "demo", "event": "page_viewed", "timestamp": "2026-03-01T10:00:00.000Z"}


class RunningDagster:
    def __init__(
        self, instance: Instance, command: Sequence[str] = (), folder: Path | None = None, **variables: str
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.instance, self.landing = instance, instance.data_dir / "landing"
        self.said = instance.folder / "dagster.log"
        self.process = subprocess.Popen(
            [*(command or (str(MILLRACE), "dagster")), "--port", str(self.port)],
            cwd=folder,
            env={
                **instance.environment,
                "MILLRACE_ENVIRONMENT": "demo",
                **variables,
            },  # by itself it only looks at files
            stdout=subprocess.DEVNULL,
            stderr=self.said.open("w"),
            # In the background of a shell SIGINT is ignored, which plain `dagster dev` takes over.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, query: str) -> Any:
        request = urllib.request.Request(
            f"{self.url}/graphql",
            data=json.dumps({"query": query}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as reply:
            return json.load(reply)["data"]

    def is_loaded(self) -> bool:
        assert self.process.poll() is None, self.said.read_text()
        try:
            found = self.ask("{workspaceOrError {... on Workspace {locationEntries {loadStatus}}}}")
        except (OSError, urllib.error.URLError):
            return False
        return bool(found["workspaceOrError"]["locationEntries"][0]["loadStatus"] == "LOADED")

    def runs(self) -> dict[str, str]:
        """What became of each run, the first one first."""
        found = self.ask("{runsOrError {... on Runs {results {runId status}}}}")["runsOrError"]["results"]
        return {run["runId"]: run["status"] for run in reversed(found)}

    def told(self, run_id: str) -> list[dict[str, Any]]:
        """The events of a run: their kind and their words."""
        query = (
            "{logsForRun(runId: %s) {... on EventConnection {events {__typename ... on MessageEvent {message} "
            "... on ExecutionStepFailureEvent {error {message} failureMetadata {description}}}}}}"
        )
        events: list[dict[str, Any]] = self.ask(query % json.dumps(run_id))["logsForRun"]["events"]
        return events

    def why(self, run_id: str) -> str:
        """What the steps that failed say of it."""
        return " ".join(
            (event.get("failureMetadata") or {}).get("description") or (event.get("error") or {}).get("message") or ""
            for event in self.told(run_id)
        )

    def kinds(self, run_id: str) -> list[str]:
        return [event["__typename"] for event in self.told(run_id)]

    def started(self, run_id: str) -> float:
        """When its first step began, in seconds since 1970."""
        query = "{logsForRun(runId: %s) {... on EventConnection {events {__typename ... on MessageEvent {timestamp}}}}}"
        events = self.ask(query % json.dumps(run_id))["logsForRun"]["events"]
        return (
            next(int(event["timestamp"]) for event in events if event["__typename"] == "ExecutionStepStartEvent") / 1000
        )

    def worker(self, run_id: str) -> int | None:
        """The process that executes a run."""
        for event in self.told(run_id):
            if found := re.search(r"Executing steps in process \(pid: (\d+)\)", event.get("message", "")):
                return int(found[1])
        return None

    def checks(self, *asset: str) -> dict[str, bool]:
        """How each check of an asset ended last."""
        query = (
            "{assetNodeOrError(assetKey: {path: %s}) {... on AssetNode {assetChecksOrError {... on AssetChecks "
            "{checks {name executionForLatestMaterialization {evaluation {success}}}}}}}}"
        )
        found = self.ask(query % json.dumps(asset))["assetNodeOrError"]["assetChecksOrError"]["checks"]
        return {
            check["name"]: check["executionForLatestMaterialization"]["evaluation"]["success"]
            for check in found
            if (check["executionForLatestMaterialization"] or {}).get("evaluation")
        }

    def drop(self, name: str, *events: dict[str, Any], age: float = 0) -> None:
        self.drop_text(name, "".join(json.dumps(event) + "\n" for event in events), age)

    def drop_text(self, name: str, text: str, age: float = 0) -> None:
        """`age`: seconds ago it was written, so that the next look takes it for whole."""
        unfinished = self.landing / f".{name}"
        unfinished.write_text(text)
        os.utime(unfinished, (time.time() - age,) * 2)
        unfinished.rename(self.landing / name)

    def next_run(self, known: set[str]) -> str:
        """The id of a run that was not there before."""
        assert until(lambda: set(self.runs()) - known), "no run has begun"
        return next(run for run in self.runs() if run not in known)

    def ended(self, run_id: str) -> str:
        assert until(lambda: self.runs()[run_id] in ("SUCCESS", "FAILURE", "CANCELED")), self.runs()
        outcome = self.runs()[run_id]
        if outcome != "SUCCESS":
            sys.stderr.write(f"Run {run_id} ended as {outcome}: {self.why(run_id)}\n")  # shown where a test fails
        return outcome

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=180)

    def processes(self) -> dict[int, str]:
        return processes_of(self.instance.data_dir)


def until(holds: Callable[[], Any], pause: float = 0.5) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(pause)
    return False


def processes_of(home: Path) -> dict[int, str]:
    """All that are of a Dagster, and not of the server of ClickHouse beside it, with their command lines."""
    found = {}
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("DAGSTER_HOME", "").startswith(str(home)):
                found[process.pid] = " ".join(process.cmdline())
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found
