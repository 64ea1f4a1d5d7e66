"""Superset as a service: starts, is killed, starts again; with its metadata in PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from bi.client import Client
from tests.postgres import Postgres, postgres
from tests.support import Instance
from warehouse.server.state import has_ended


@pytest.fixture(scope="module")
def storage() -> Iterator[Postgres]:
    with postgres() as own:
        yield own


def status(instance: Instance, exit_code: int) -> dict[str, Any]:
    done = instance.run("bi", "status", "--format", "json")
    assert done.returncode == exit_code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def answers(url: str) -> bool:
    with urllib.request.urlopen(f"{url}/login/") as page:
        return bool(page.status == 200)


def test_it_starts_is_killed_and_starts_again_with_metadata_in_postgresql(
    clickhouse: Instance, storage: Postgres
) -> None:
    assert status(clickhouse, 1)["status"] == "stopped"
    variables = {"MILLRACE_BI_POSTGRES": storage.url}
    done = clickhouse.run("bi", "up", **variables)
    assert done.returncode == 0, done.stderr
    assert "No dashboards yet" in done.stderr
    first = status(clickhouse, 0)
    assert answers(first["url"])
    home = clickhouse.data_dir / "bi"
    assert not (home / "superset.db").exists()
    assert storage.ask("SELECT username FROM ab_user") == "admin"
    secrets = (home / "secrets.json").read_text()

    os.killpg(first["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 20
    while not has_ended(first["pid"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert status(clickhouse, 1)["status"] == "stopped"
    # What its log has of long ago goes, what is of today stays.
    storage.ask("INSERT INTO logs (action, dttm) VALUES ('old', now() - interval '91 days'), ('new', now())")
    begun = time.time()
    assert clickhouse.run("bi", "up", **variables).returncode == 0
    again = status(clickhouse, 0)
    assert again["pid"] != first["pid"]
    assert psutil.Process(again["pid"]).create_time() >= begun - 1
    assert answers(again["url"])
    assert (home / "secrets.json").read_text() == secrets  # made up once
    Client(again["url"], "admin", json.loads(secrets)["admin_password"]).listed("chart", ["id"])
    assert storage.ask("SELECT action FROM logs WHERE action IN ('old', 'new')") == "new"

    assert "Stopped." in clickhouse.run("bi", "down").stdout
    assert has_ended(again["pid"])
    assert "Nothing was running." in clickhouse.run("bi", "down").stdout


def test_a_port_that_is_taken_is_told_before_anything_is_started(clickhouse: Instance) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = clickhouse.run("bi", "up", MILLRACE_BI_PORT=str(port))
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken" in done.stderr
    assert status(clickhouse, 1)["status"] == "stopped"
