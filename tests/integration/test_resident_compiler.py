"""The resident compiler: there when it is needed, gone when it is not, and never needed for an answer to be right."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from semantic_layer.metrics import compiling
from semantic_layer.metrics.catalogue import folder, semantic_manifest
from semantic_layer.metrics.compiling import compiled_by_resident, start_resident, stop_resident
from semantic_layer.metrics.resident import LOCK, LOG, SOCKET
from tests.waiting_processes import connected, eventually, is_over, process_behind
from warehouse.dbt import invoke
from warehouse.errors import WrongUsage
from warehouse.settings import Settings

PROJECT = Path(__file__).with_name("conformance") / "project"


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> str:
    target = tmp_path_factory.mktemp("resident")
    here = ("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target))
    outcome = invoke(["--log-level", "none", "--log-path", str(target), "parse", *here], {})
    assert outcome.success, outcome.exception
    return (target / "semantic_manifest.json").read_text()


@pytest.fixture
def settings(tmp_path: Path, manifest: str) -> Iterator[Settings]:
    made = Settings(data_dir=tmp_path / "data")
    declare(made, manifest)
    yield made
    stop_resident(made)


def declare(settings: Settings, manifest: str) -> None:
    path = semantic_manifest(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(manifest)


def request(*metrics: str) -> dict[str, Any]:
    wanted = {"metrics": metrics, "group_by": [], "where": [], "first_day": None, "last_day": None}
    return {"request": wanted, "project": "demo", "timezone": "UTC"}


def asked(settings: Settings, *metrics: str, start: bool = True) -> list[str] | None:
    manifest = hashlib.sha256(semantic_manifest(settings).read_bytes()).hexdigest()
    return compiled_by_resident(settings, manifest, [request(*metrics)], start)


def socket_of(settings: Settings) -> Path:
    return folder(settings) / SOCKET


def process_of(settings: Settings) -> int:
    return process_behind(socket_of(settings))


def test_it_starts_itself_and_stays(settings: Settings) -> None:
    assert asked(settings, "visits", start=False) is None
    sql = asked(settings, "visits")
    assert sql is not None
    assert "FROM `shop`.`visits`" in sql[0]
    process = process_of(settings)
    assert asked(settings, "visits", start=False) == sql
    assert process_of(settings) == process


def test_only_its_owner_may_reach_it_and_it_knows_no_login(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_PASSWORD_ANALYST", "secret")
    asked(settings, "visits")
    home = folder(settings)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for name in (SOCKET, LOCK, LOG):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    variables = Path(f"/proc/{process_of(settings)}/environ").read_text()
    assert "PATH=" in variables
    assert "MILLRACE" not in variables


def test_what_metricflow_refuses_is_told(settings: Settings) -> None:
    with pytest.raises(WrongUsage, match="cannot be asked"):
        asked(settings, "nothing_of_that_name")
    assert asked(settings, "visits", start=False) is not None


def test_after_a_crash_there_is_another_one(settings: Settings) -> None:
    sql = asked(settings, "visits")
    process = process_of(settings)
    os.kill(process, signal.SIGKILL)
    assert eventually(lambda: is_over(process))
    assert (folder(settings) / SOCKET).exists()  # what it left behind
    assert asked(settings, "visits") == sql
    assert process_of(settings) != process


def test_of_several_started_at_once_one_remains(settings: Settings) -> None:
    answers: list[list[str] | None] = []
    threads = [threading.Thread(target=lambda: answers.append(asked(settings, "visits"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert answers[0] is not None
    assert all(answer == answers[0] for answer in answers)
    log = (folder(settings) / LOG).read_text()
    assert log.count("listens as process") == 1


def test_one_that_was_started_before_it_is_needed_is_the_one_that_is_asked(settings: Settings) -> None:
    start_resident(settings)
    assert asked(settings, "visits") is not None
    start_resident(settings)
    assert asked(settings, "visits") is not None
    assert (folder(settings) / LOG).read_text().count("listens as process") == 1


def test_new_declarations_are_read(settings: Settings, manifest: str) -> None:
    asked(settings, "visits")
    process = process_of(settings)
    document = json.loads(manifest)
    visits = next(metric for metric in document["metrics"] if metric["name"] == "visits")
    document["metrics"].append({**visits, "name": "calls"})
    declare(settings, json.dumps(document))
    sql = asked(settings, "calls")
    assert sql is not None
    assert "AS calls" in sql[0]
    assert process_of(settings) == process


def test_a_question_about_other_declarations_is_not_answered(settings: Settings) -> None:
    asked(settings, "visits")
    assert compiled_by_resident(settings, "0" * 64, [request("visits")]) is None


def test_one_of_other_code_gives_way(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    sql = asked(settings, "visits")
    process = process_of(settings)
    told = folder(settings) / LOG
    monkeypatch.setattr(compiling, "code_version", lambda: "another")
    assert asked(settings, "visits", start=False) is None
    assert eventually(lambda: is_over(process))
    assert "its code is another one" in told.read_text()
    monkeypatch.undo()
    assert asked(settings, "visits") == sql


def test_it_ends_with_its_socket(settings: Settings) -> None:
    asked(settings, "visits")
    process = process_of(settings)
    (folder(settings) / SOCKET).unlink()
    assert eventually(lambda: is_over(process))


def test_it_ends_when_nobody_asks(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    started = compiling.subprocess.Popen

    def impatient(command: list[str], **more: Any) -> Any:
        return started([*command, "1"], **more)

    monkeypatch.setattr(compiling.subprocess, "Popen", impatient)
    asked(settings, "visits")
    process = process_of(settings)
    assert eventually(lambda: is_over(process))
    assert not (folder(settings) / SOCKET).exists()
    assert "nobody asked" in (folder(settings) / LOG).read_text()


@pytest.mark.parametrize("message", [b"", b"\n", b"[]\n", b"{}\n", b"x" * 1000 + b"\n", b"\xff\xfe\n"])
def test_nonsense_does_not_end_it(settings: Settings, message: bytes) -> None:
    asked(settings, "visits")
    process = process_of(settings)
    with connected(socket_of(settings)) as connection:
        connection.sendall(message)
    if message == b"{}\n":  # no version: as one of other code
        assert eventually(lambda: is_over(process))
    else:
        assert asked(settings, "visits", start=False) is not None
        assert process_of(settings) == process


def test_one_of_another_user_is_not_asked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(settings, "visits")
    nobody = os.geteuid() + 1
    monkeypatch.setattr(compiling.os, "geteuid", lambda: nobody)
    assert asked(settings, "visits", start=False) is None


def test_a_folder_that_others_may_write_to_is_not_trusted(settings: Settings) -> None:
    asked(settings, "visits")
    folder(settings).chmod(0o770)
    assert asked(settings, "visits", start=False) is None
    folder(settings).chmod(0o700)
    assert asked(settings, "visits", start=False) is not None


def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path, manifest: str) -> None:
    settings = Settings(data_dir=tmp_path / ("long" * 30) / "data")
    declare(settings, manifest)
    assert len(str(folder(settings) / SOCKET)) > 108
    assert asked(settings, "visits") is not None
    stop_resident(settings)
    assert eventually(lambda: not (folder(settings) / SOCKET).exists())


def test_where_none_can_be_started_there_is_none(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert asked(settings, "visits") is None
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert asked(settings, "visits") is None
