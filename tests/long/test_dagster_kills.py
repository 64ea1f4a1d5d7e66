"""Whatever is killed in the middle of a build, what works on heals it: the tables are those of a clean rebuild."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.arrivals import build, contents
from tests.running_dagster import EVENT, RunningDagster, processes_of, until
from tests.support import Instance


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Instance]:
    with Instance(tmp_path / "millrace") as instance:
        instance.up()
        yield instance


def test_what_is_killed_in_the_middle_of_a_build_is_healed(own: Instance) -> None:
    dagster = RunningDagster(own)
    try:
        assert until(dagster.is_loaded)
        # The process of the first run: Dagster sees that it is gone, and runs it again.
        _land(dagster, day=1)
        killed = dagster.next_run(set())
        _in_the_middle_of_a_build(dagster, killed, builds=1)
        worker = dagster.worker(killed)
        assert worker is not None
        os.kill(worker, signal.SIGKILL)
        assert dagster.ended(killed) == "FAILURE"

        # ClickHouse, in that second run: its supervisor starts it anew, and the step is tried again.
        again = dagster.next_run({killed})
        _in_the_middle_of_a_build(dagster, again, builds=2)
        server = own.state.server_pid
        os.kill(server, signal.SIGKILL)
        assert dagster.ended(again) == "SUCCESS", dagster.told(again)
        assert "ExecutionStepUpForRetryEvent" in dagster.kinds(again)
        assert own.state.server_pid != server
        own.up()
        _is_told(own, days=1)

        # The daemon: Dagster ends as a whole, and the next one takes up what was under way.
        known = set(dagster.runs())
        _land(dagster, day=2)
        lost = dagster.next_run(known)
        _in_the_middle_of_a_build(dagster, lost, builds=4)
        (daemon,) = [pid for pid, command in dagster.processes().items() if "dagster._daemon" in command]
        os.kill(daemon, signal.SIGKILL)
        assert dagster.process.wait(timeout=300) == 1
        assert "Dagster ended by itself" in dagster.said.read_text()
        assert until(lambda: processes_of(own.data_dir) == {})
    finally:
        if dagster.process.poll() is None:
            dagster.end()

    dagster = RunningDagster(own)
    try:
        assert until(dagster.is_loaded)
        assert dagster.runs()[lost] == "FAILURE"
        assert dagster.ended(dagster.next_run({*known, lost})) == "SUCCESS"
        _is_told(own, days=2)
    finally:
        dagster.end()
    assert dagster.processes() == {}

    healed = contents(own)
    assert healed["marts.fct_orders"][0] == 2
    build(own, full_refresh=True)
    assert contents(own) == healed


PEOPLE = 12


def _land(dagster: RunningDagster, day: int) -> None:
    """A day of some people, one of whom buys something and is known only then by name."""
    events: list[dict[str, Any]] = [
        {
            **EVENT,
            "event_id": f"e{day}-{person}-{minute}",
            "anonymous_id": f"device-{person}",
            "timestamp": f"2026-03-{day:02}T{8 + person:02}:{minute:02}:00.000Z",
            "context": {"page": {"url": f"https://example.com/{minute}"}},
        }
        for person in range(PEOPLE)
        for minute in (0, 7, 50)
    ]
    buyer = {**events[-1], "event_id": f"o{day}", "event": "order_completed", "user_id": "anna"}
    events.append({**buyer, "properties": {"order_id": f"o{day}", "revenue": 10 * day, "currency": "EUR"}})
    dagster.drop(f"day-{day}.jsonl", *events)


def _in_the_middle_of_a_build(dagster: RunningDagster, run: str, builds: int) -> None:
    """Waits until so many builds have begun in all, and the last of them fills tables."""
    own = dagster.instance
    filling = (
        "SELECT count() FROM system.processes WHERE user = 'engineer' AND query ILIKE '%insert into%intermediate%'"
    )
    assert until(lambda: _begun(own) == builds and own.rows(filling) != [(0,)], pause=0.05)
    assert dagster.runs()[run] == "STARTED"


def _begun(own: Instance) -> int:
    if not own.rows("SELECT 1 FROM system.tables WHERE database = 'ops' AND name = 'builds'"):
        return 0
    ((builds,),) = own.rows("SELECT count() FROM ops.builds")
    return int(builds)


def _is_told(own: Instance, days: int) -> None:
    assert own.rows("SELECT count(), uniqExact(event_id) FROM marts.fct_events") == [(days * (3 * PEOPLE + 1),) * 2]
