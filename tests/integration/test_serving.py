"""Predictions over HTTP: who may ask, what is answered, and that a new champion answers without a restart."""

from __future__ import annotations

import re
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from fastapi.testclient import TestClient

from ml import catalogue
from ml.registry.store import Store
from ml.registry.training import train
from ml.serving import champions
from ml.serving.app import application
from ml.serving.keys import Keys, load_keys
from tests.support import MILLRACE, Instance
from tests.unit.ml.line import Line
from warehouse.errors import MillraceError
from warehouse.settings import Settings

DAY = date(2026, 6, 30)
KEYS = {"demo": "d" * 32, "demo_mobile": "m" * 32}
DEMO, MOBILE = ({"X-API-Key": key} for key in KEYS.values())


class OnlineLine(Line):
    """Asked about a user, it says where its line is at the length of the id, as ClickHouse has it."""

    def answer(self, client: Client, project: str, model: Any, user_id: str) -> Mapping[str, Any] | None:
        ((length,),) = client.query("SELECT length({user:String})", parameters={"user": user_id}).result_rows
        return {"y": model["slope"] * length + model["intercept"], "of": project} if length < 10 else None


ANSWERING = OnlineLine([(0, 1), (1, 3)], name="answering")
SILENT = Line([(0, 1), (1, 3)], name="silent")


@pytest.fixture
def served(clickhouse: Instance, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    models = {name: catalogue.Model(name, f"{__name__}:{name.upper()}", (), ()) for name in ("answering", "silent")}
    for module in (catalogue, champions):
        monkeypatch.setattr(module, "MODELS", models)
    monkeypatch.setattr(champions, "LOOK_SECONDS", 0.05)
    train(Store(clickhouse.settings), ANSWERING, "demo", DAY)
    with TestClient(application(clickhouse.settings, Keys(KEYS))) as client:
        yield client


def test_a_user_is_asked_about_and_a_new_champion_answers_without_a_restart(
    served: TestClient, clickhouse: Instance
) -> None:
    def asked(user: str, key: Mapping[str, str] = DEMO) -> Any:
        return served.post("/predict/answering", json={"user_id": user}, headers=key)

    assert asked("anna").json() == {
        **{"model": "answering", "version": 1, "user_id": "anna"},
        "prediction": {"y": 9.0, "of": "demo"},
    }
    unknown = asked("somebody unknown")
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "answering knows nobody with this id.")
    mobile = asked("anna", MOBILE)
    assert (mobile.status_code, "no champion yet" in mobile.json()["detail"]) == (503, True)
    assert served.post("/predict/answering", json={"user_id": ""}, headers=DEMO).status_code == 422
    other = served.post("/predict/silent", json={"user_id": "anna"}, headers=DEMO)
    assert (other.status_code, other.json()["detail"]) == (404, "No model 'silent' answers here; there are: answering.")

    assert train(Store(clickhouse.settings), OnlineLine([(0, 0), (1, 2)], name="answering"), "demo", DAY).promoted
    for _ in range(1000):
        if (answer := asked("anna").json())["version"] == 2:
            break
    assert answer["prediction"]["y"] == 8.0


def test_without_the_key_of_a_project_nothing_is_told_but_that_it_lives(served: TestClient) -> None:
    assert served.get("/health").json() == {"status": "ok", "champions": 1}
    paths = served.get("/openapi.json").json()["paths"]
    assert set(paths) == {"/health", "/predict/{model}", "/forecast/{metric}", "/recommendations/{user}"}
    for headers in ({}, {"X-API-Key": ""}, {"X-API-Key": "d" * 31}, {"X-API-Key": "é" * 16}):
        encoded = {name: value.encode("latin-1") for name, value in headers.items()}
        for path in ("/forecast/revenue", "/recommendations/anna"):
            assert served.get(path, headers=encoded).status_code == 401
        assert served.post("/predict/answering", json={"user_id": "anna"}, headers=encoded).status_code == 401


def test_a_warehouse_that_is_away_is_told_and_nothing_of_it(tmp_path: Path) -> None:
    with TestClient(application(Settings(data_dir=tmp_path), Keys(KEYS))) as client:
        away = client.get("/forecast/revenue", headers=DEMO)
        assert (away.status_code, away.json()) == (503, {"detail": "The local ClickHouse is not running."})
        assert client.get("/health").status_code == 503


def test_keys_are_of_one_project_each_and_long_enough(clickhouse: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    with clickhouse.active() as settings:
        with pytest.raises(MillraceError, match="No project has a key") as raised:
            load_keys(settings)
        assert "MILLRACE_SECRET_API_KEY_DEMO " in raised.value.hint
        monkeypatch.setenv("MILLRACE_SECRET_API_KEY_DEMO", "short")
        with pytest.raises(MillraceError, match="MILLRACE_SECRET_API_KEY_DEMO has 5 characters"):
            load_keys(settings)
        monkeypatch.setenv("MILLRACE_SECRET_API_KEY_DEMO", KEYS["demo"])
        assert load_keys(settings).project_of(KEYS["demo"]) == "demo"
        assert load_keys(settings).project_of(KEYS["demo_mobile"]) is None
        monkeypatch.setenv("MILLRACE_SECRET_API_KEY_DEMO_MOBILE", KEYS["demo"])
        with pytest.raises(MillraceError, match="same key"):
            load_keys(settings)


def test_the_command_listens_at_loopback_and_ends_at_a_signal(clickhouse: Instance) -> None:
    environment = {**clickhouse.environment, "MILLRACE_SECRET_API_KEY_DEMO": KEYS["demo"]}
    command = [str(MILLRACE), "serve", "--port", "0"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stdout is not None
        try:
            address = serving.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+", address)
            with urllib.request.urlopen(f"{address}/health", timeout=120) as healthy:  # answers when it has started
                assert healthy.status == 200
            serving.terminate()
            assert serving.wait(60) in (0, -15)
        finally:
            serving.kill()
