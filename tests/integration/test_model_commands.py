"""A real model by the commands and by Dagster: trained, judged, asked, explained; of simulated customers' orders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import dagster as dg
import pytest

from ml.catalogue import MODELS
from ml.drift.watching import history
from ml.registry.store import Store
from orchestration.assets.machine_learning import DRIFT, PERFORMANCE, learning_assets
from orchestration.infrastructure import RESOURCES
from tests.support import Instance
from tests.unit.ml.test_lifetime import BEGIN, customers

MODEL = "lifetime"
UNTIL = BEGIN + timedelta(days=300)
MARTS = (
    "CREATE TABLE marts.fct_orders (project_id String, person_id String, local_date Date, revenue Decimal(18, 4)) "
    "ENGINE = MergeTree ORDER BY ()",
    # That a project has events on a day is all that is asked of them.
    "CREATE VIEW marts.fct_events AS SELECT project_id, local_date FROM marts.fct_orders",
    "CREATE VIEW marts.pred_lifetime_value SQL SECURITY NONE AS SELECT * FROM ml.lifetime_values",
    # Of people by their keys, one row for each day.
    "CREATE TABLE marts.pred_churn (project_id String, person_key UInt64, local_date Date, is_newest Bool, "
    "probability Float64) ENGINE = MergeTree ORDER BY ()",
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Only what is read of the marts, as a build would have made it."""
    with Instance(tmp_path_factory.mktemp("shop") / "millrace") as own:
        own.up()
        for statement in MARTS:
            own.client().command(statement)
        rows = [
            ("demo", who, day, Decimal(repr(round(amount or 0, 2))))
            for who, day, amount in customers("BG/NBD", 800, 300)
            if day <= UNTIL
        ]
        rows.append(("demo_mobile", "one", UNTIL, Decimal(1)))
        own.client().insert("marts.fct_orders", rows, column_names=("project_id", "person_id", "local_date", "revenue"))
        yield own


def test_a_model_is_trained_asked_explained_and_watched(shop: Instance) -> None:
    (told,) = shop.json("train", MODEL)
    assert (told["version"], told["role"], told["promoted"], told["error"]) == (1, "champion", True, None)
    # One that cannot be asked is told, and the others are asked all the same.
    done = shop.run("predict", "churn", MODEL, "--format", "json")
    assert (done.returncode, "There is no champion of churn for demo." in done.stderr) == (1, True)
    (told,) = json.loads(done.stdout)
    ((rows, person),) = shop.rows("SELECT count(), min(person_id) FROM ml.lifetime_values FINAL")
    assert told["rows"] == rows == 800
    (row,) = shop.json("explain", person)["pred_lifetime_value"]
    assert row["model_version"] == "1"
    assert not {"project_id", "person_id"} & set(row)
    for day, newest, probability in ((1, False, 0.1), (2, True, 0.7)):
        told = (f"2026-06-0{day}", newest, probability)
        shop.client().command(
            "INSERT INTO marts.pred_churn "
            "SELECT 'demo', cityHash64('demo', {person:String}), {day:Date}, {newest:Bool}, {probability:Float64}",
            parameters=dict(zip(("day", "newest", "probability"), told, strict=True)) | {"person": person},
        )
    assert shop.json("explain", person)["pred_churn"] == [{"local_date": "2026-06-02", "probability": 0.7}]
    nobody = shop.run("explain", "nobody-at-all")
    assert (nobody.returncode, "No model says anything of 'nobody-at-all' in demo" in nobody.stderr) == (1, True)

    # A project with too little data is told, and exits with 1.
    done = shop.run("train", MODEL, "--project", "demo_mobile")
    assert done.returncode == 1
    assert "lifetime of demo_mobile was not trained: " in done.stderr
    assert "There is no champion yet." in done.stderr


def test_dagster_trains_asks_and_watches_every_project(shop: Instance) -> None:
    with shop.active() as settings:
        done = dg.materialize(learning_assets([MODELS[MODEL]]), resources=RESOURCES)
        assert done.success
        made = {event.asset_key: event.materialization.metadata for event in done.get_asset_materialization_events()}
        trained, predicted = dg.AssetKey(["models", MODEL]), dg.AssetKey(["ml", "lifetime_values"])
        assert set(made) == {trained, predicted}
        # The same data again are no better: version 2 challenges, and version 1 is asked.
        assert str(made[trained]["demo"].value).startswith("version 2, challenger: ")
        assert "was not trained" in str(made[trained]["demo_mobile"].value)
        assert (made[predicted]["demo"].value, made[predicted]["demo_mobile"].value) == (800, "no champion")
        assert [one.role for one in Store(settings).versions("demo", MODEL)] == ["challenger", "champion"]
        checks = {one.check_name: one.passed for one in done.get_asset_check_evaluations()}
        assert checks == {DRIFT: True, PERFORMANCE: True}
        found = history(settings, "demo", MODEL)
    assert {row["kind"] for row in found} == {"feature", "prediction", "performance"}
    assert {row["version"] for row in found} == {1}
    looks = shop.client("engineer").query("SELECT day, kind, name FROM ops.model_drift ORDER BY ALL").result_rows
    assert looks == sorted((row["day"], row["kind"], row["name"]) for row in found)
