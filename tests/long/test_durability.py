"""kill -9 under load: what was acknowledged is there, nothing is half there."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from random import Random

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from tests.support import Instance
from warehouse.connection import connect, is_alive
from warehouse.errors import MillraceError

WRITERS = 4
ROUNDS = 4
BATCHES = 560
LARGEST = 20_000


class Writers:
    """Four clients that insert batches of events and note which the server acknowledged."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.settings = instance.settings
        self.sent: dict[str, int] = {}
        self.acknowledged: dict[str, int] = {}
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._write, args=(seed,)) for seed in range(WRITERS)]

    def _write(self, seed: int) -> None:
        random = Random(seed)
        client: Client | None = None
        while not self.stop.is_set():
            batch = uuid.uuid4().hex
            # Every tenth batch is a large one, so that a kill also meets an insert at work.
            rows = random.randint(LARGEST // 2, LARGEST) if random.random() < 0.1 else random.randint(1, 500)
            try:
                client = client or connect(self.settings, "loader")
                self.sent[batch] = rows
                client.command(
                    "INSERT INTO raw.events "
                    "(project_id, event_id, event, message_type, user_id, timestamp, properties) "
                    f"SELECT 'demo', concat('{batch}-', toString(number)), 'written', 'track', '{batch}', "
                    'toDateTime64(\'2026-03-01 00:00:00\', 3) + number, \'{"price": 1.5, "plan": "pro"}\' '
                    f"FROM numbers({rows})"
                )
                self.acknowledged[batch] = rows
            except (Error, MillraceError, OSError):
                client = None
                time.sleep(0.05)

    def __enter__(self) -> Writers:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()


def wait_until_answering(instance: Instance) -> None:
    deadline = time.monotonic() + 60
    while not (instance.state.status == "ready" and is_alive(instance.endpoint("admin"))):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def running(instance: Instance) -> Iterator[Instance]:
    instance.up()
    yield instance


def test_acknowledged_inserts_survive_kill_9_and_none_is_half_applied(running: Instance) -> None:
    random = Random(7)
    kills = 0
    deadline = time.monotonic() + 240
    with Writers(running) as writers:
        while len(writers.acknowledged) < BATCHES or kills < ROUNDS:
            assert time.monotonic() < deadline, f"only {len(writers.acknowledged)} batches"
            due = BATCHES * (kills + 1) // (ROUNDS + 1)
            if kills < ROUNDS and len(writers.acknowledged) >= due:
                time.sleep(random.random() / 10)  # somewhere in the middle of whatever runs
                os.kill(running.state.server_pid, signal.SIGKILL)
                kills += 1
                wait_until_answering(running)
            time.sleep(0.01)
    wait_until_answering(running)

    found = {
        str(batch): int(rows) for batch, rows in running.rows("SELECT user_id, count() FROM raw.events GROUP BY 1")
    }
    assert kills == ROUNDS
    assert running.state.restarts == ROUNDS
    assert len(writers.acknowledged) >= 500
    assert {batch: found.get(batch) for batch in writers.acknowledged} == writers.acknowledged, "lost"
    assert {batch: writers.sent.get(batch) for batch in found} == found, "half applied, or twice"
    assert max(writers.acknowledged.values()) > LARGEST // 2
