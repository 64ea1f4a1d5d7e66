"""The views on the way into raw change with the registry, while others load: a load is complete, or fails and can be
repeated."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.inputs import find_inputs
from ingestion.landing import sync_landing, way_for_one
from ingestion.loader import load
from ingestion.registry import Registry, load_registry
from tests.integration.loading import event, loaded, stored, write_lines
from tests.support import Instance
from warehouse.errors import MillraceError

LARGE, SMALL = 1500, 20  # lines: a file of its own piece, one that travels with others


@pytest.fixture
def warehouse(instance: Instance) -> Iterator[Instance]:
    instance.up()
    yield instance


def changes(warehouse: Instance, enough: threading.Event) -> int:
    """Two registries by turns, as if two versions were started again and again; returns how often."""
    whole = load_registry()
    registries = [Registry(list(whole.values())[:-1]), whole]
    client = warehouse.client()
    try:
        for number in itertools.count():
            if enough.wait(0.4) and number % 2 == 0:
                return number
            with way_for_one(warehouse.settings):
                assert "validation" in sync_landing(client, registries[number % 2])
    finally:
        client.close()
    raise AssertionError("endless")


def test_a_load_during_a_change_is_complete_or_fails(warehouse: Instance, tmp_path: Path) -> None:
    loaded(warehouse, write_lines(tmp_path / "first.jsonl", [event(0, "first")]))
    enough, made = threading.Event(), []
    changer = threading.Thread(target=lambda: made.append(changes(warehouse, enough)))
    sizes = (LARGE, SMALL, SMALL)
    sent = complete = failed = 0
    with warehouse.active() as settings:
        changer.start()
        try:
            # Until both were seen several times.
            while (complete < 3 or failed < 3) and complete + failed < 60:
                folder = tmp_path / "files" / str(sent)
                folder.mkdir(parents=True)
                for part, size in enumerate(sizes):
                    lines = [event(n, "during", line="x" * 300) for n in range(sent, sent + size)]
                    write_lines(folder / f"{part}.jsonl", lines)
                    sent += size
                before = stored(warehouse, "during")[1]
                try:
                    load(settings, find_inputs([folder]))
                except MillraceError as error:
                    assert "counted on arrival" in error.message
                    failed += 1
                else:
                    assert stored(warehouse, "during")[1] == before + sum(sizes)
                    complete += 1
        finally:
            enough.set()
            changer.join()
        assert made, "the changes failed"
        assert min(complete, failed) >= 3

        # What failed is loaded again, the rest is known: all of it is there.
        load(settings, find_inputs([tmp_path / "files"]))
    assert stored(warehouse, "during") == (sent, sent)
    assert warehouse.rows("SELECT sum(lines) FROM raw.load_counts") == [(sent + 1,)]


def test_a_change_that_was_killed_is_finished_by_the_next_load(warehouse: Instance, tmp_path: Path) -> None:
    loaded(warehouse, write_lines(tmp_path / "first.jsonl", [event(0, "first")]))
    client = warehouse.client()
    client.command("DROP VIEW raw.landing_to_load_counts")
    client.command("DROP VIEW raw.landing_to_events")
    client.close()
    result = loaded(warehouse, write_lines(tmp_path / "second.jsonl", [event(n, "second") for n in range(100)]))
    assert (result["accepted"], result["rejected"]) == (100, {})
    assert stored(warehouse, "second") == (100, 100)


def test_a_piece_sent_again_after_a_restart_is_not_doubled(warehouse: Instance, tmp_path: Path) -> None:
    """Of views that were changed, too: the server reads them back from disk."""
    loaded(warehouse, write_lines(tmp_path / "first.jsonl", [event(0, "first")]))
    client = warehouse.client()
    whole = load_registry()
    for registry in (Registry(list(whole.values())[:-1]), whole):
        sync_landing(client, registry)
    client.close()
    path = write_lines(tmp_path / "second.jsonl", [event(n, "second", line="x" * 300) for n in range(LARGE)])
    loaded(warehouse, path)
    # As if the loader had been killed before it wrote down that the file is in.
    client = warehouse.client()
    client.command("DELETE FROM raw.loaded_files WHERE received > 1")
    client.close()
    os.kill(warehouse.state.server_pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while warehouse.run("status").returncode != 0:
        assert time.monotonic() < deadline
    assert loaded(warehouse, path)["accepted"] == LARGE
    assert stored(warehouse, "second") == (LARGE, LARGE)
