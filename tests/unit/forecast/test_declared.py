"""`forecast` in a metric's YAML: what it may say, and a sentence for what it may not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import ml.forecast.declared as declared
from ml.forecast.declared import Forecast, chosen, read_forecasts
from ml.forecast.methods import METHODS
from semantic_layer.metrics.catalogue import Catalogue, Metric
from warehouse.errors import MillraceError, WrongUsage
from warehouse.settings import load_settings


def metric(name: str, *grains: str) -> Metric:
    told: dict[str, Any] = {"name": name, "label": name, "grain": grains[0], "grains": grains, "dimensions": ()}
    empty = dict.fromkeys(("description", "made_of"), "")
    return Metric(**told, **empty, kind="simple", owner="growth", format="number", good="up", synonyms=())


METRICS = {"visits": metric("visits", "day", "week"), "billed": metric("billed", "month", "year")}


def read(monkeypatch: pytest.MonkeyPatch, folder: Path, forecast: Any, name: str = "visits") -> list[Forecast]:
    manifest = folder / "semantic_manifest.json"
    metrics = [
        {"name": name, "config": {"meta": {"forecast": forecast}}},
        {"name": "orders", "config": {"meta": {}}},
        {"name": "bare", "config": None},
    ]
    manifest.write_text(json.dumps({"metrics": metrics}))
    monkeypatch.setattr(declared, "semantic_manifest", lambda _: manifest)
    return read_forecasts(load_settings(), Catalogue(version="", metrics=METRICS, dimensions={}, projects={}))


def test_a_metric_that_says_so_is_forecast_by_all_methods(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (plain,) = read(monkeypatch, tmp_path, {})
    assert (plain.metric, plain.series, plain.horizon, plain.methods) == (
        *("visits", "metric:visits"),
        *(90, tuple(METHODS)),
    )
    (full,) = read(monkeypatch, tmp_path, {"horizon": 30, "methods": ["theta", "ets"]})
    assert (full.horizon, full.methods) == (30, ("theta", "ets"))


@pytest.mark.parametrize(
    ("forecast", "problem"),
    [
        (True, "forecast is a mapping of keys, as {horizon: 90}, not True"),
        ({"days": 30}, "config.meta.forecast, days: Extra inputs are not permitted"),
        ({"horizon": 14}, "horizon: Input should be 7, 30 or 90"),
        ({"methods": ["arima"]}, "there is no method 'arima'"),
        ({"methods": ["teta"]}, "there is no method 'teta'; did you mean 'theta'?"),
        ({"methods": []}, "methods: Tuple should have at least 1 item"),
    ],
)
def test_what_it_may_not_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, forecast: Any, problem: str) -> None:
    with pytest.raises(MillraceError) as refused:
        read(monkeypatch, tmp_path, forecast)
    assert refused.value.message.startswith("Metric visits, config.meta.forecast")
    assert problem in refused.value.message


def test_a_metric_without_days_and_a_hidden_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(MillraceError, match="billed has no days; it has month, year"):
        read(monkeypatch, tmp_path, {}, "billed")
    with pytest.raises(MillraceError, match=r"Metric secret, .*: the metric is hidden"):
        read(monkeypatch, tmp_path, {}, "secret")


def test_only_what_is_declared_can_be_chosen() -> None:
    forecasts = [Forecast(metric="orders"), Forecast(metric="visits")]
    assert chosen(forecasts, []) == forecasts
    assert [one.metric for one in chosen(forecasts, ["visits"])] == ["visits"]
    with pytest.raises(WrongUsage, match="No metric 'visit' is forecast; did you mean 'visits'"):
        chosen(forecasts, ["visit"])
