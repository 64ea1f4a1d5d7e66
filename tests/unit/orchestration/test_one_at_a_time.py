"""Builds of Dagster and those of the command line never work on a warehouse at the same time: they share a lock."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread

import pytest

from warehouse.dbt import alone
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
    with pytest.raises(MillraceError, match="Another build is running"), alone(settings):
        pass
    done.set()
    waiting.join(60)
    with alone(settings):
        pass
