"""`monitor` in a metric's YAML: what it may say, and a sentence for what it may not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import monitoring.watch.declared as declared
from monitoring.watch.declared import Watch, read_watches
from semantic_layer.metrics.catalogue import Catalogue, Metric
from warehouse.errors import MillraceError
from warehouse.settings import load_settings

VISITS = Metric(
    name="visits",
    label="Visits",
    description="",
    kind="simple",
    owner="growth",
    format="number",
    good="up",
    synonyms=(),
    dimensions=("session__country",),
    made_of="",
    grain="day",
    grains=("day", "week", "month"),
)


def model(name: str, monitor: Any, *columns: str, layer: str = "marts", **meta: Any) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "name": name,
        "fqn": ["millrace", layer, name],
        "columns": {column: {} for column in columns},
        "config": {"meta": {**meta, **({} if monitor is None else {"monitor": monitor})}},
    }


def read(monkeypatch: pytest.MonkeyPatch, folder: Path, monitor: Any, *models: dict[str, Any]) -> list[Watch]:
    manifest = folder / "semantic_manifest.json"
    metrics = [
        {"name": "visits", "config": {"meta": {"monitor": monitor}}},
        {"name": "orders", "config": {"meta": {}}},
        {"name": "bare", "config": None},
    ]
    manifest.write_text(json.dumps({"metrics": metrics}))
    nodes = {f"model.{one['name']}": one for one in models}
    (folder / "manifest.json").write_text(json.dumps({"nodes": {**nodes, "test.a": {"resource_type": "test"}}}))
    monkeypatch.setattr(declared, "semantic_manifest", lambda _: manifest)
    return read_watches(load_settings(), Catalogue(version="", metrics={"visits": VISITS}, dimensions={}, projects={}))


def test_a_metric_that_says_so_is_watched_with_its_own_owner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (plain,) = read(monkeypatch, tmp_path, {})
    assert (plain.name, plain.grain, plain.owner, plain.by, plain.sensitivity) == ("visits", "day", "growth", (), 0.5)
    (full,) = read(
        monkeypatch,
        tmp_path,
        {
            "grain": "week",
            "by": ["session__country"],
            "sensitivity": 0.8,
            "owner": "sales",
            "channels": ["mail"],
            "severity": "high",
        },
    )
    assert (full.series, full.owner, full.channels) == ("metric:visits:week", "sales", ("mail",))
    assert [one.grain for one in read(monkeypatch, tmp_path, [{}, {"grain": "week"}])] == ["day", "week"]
    assert read(monkeypatch, tmp_path, None) == []


@pytest.mark.parametrize(
    ("monitor", "said"),
    [
        ({"sensitivity": 2}, "sensitivity: Input should be less than or equal to 1"),
        ({"sensitivty": 0.5}, "sensitivty: Extra inputs are not permitted"),
        ({"grain": "month"}, "grain: Input should be 'hour', 'day' or 'week'"),
        ({"grain": "hour"}, "there is no grain hour; there are day, week, month"),
        ({"by": ["session__contry"]}, "no dimension 'session__contry'; did you mean 'session__country'?"),
        ({"severity": "huge"}, "severity: Input should be 'low', 'medium', 'high' or 'critical'"),
        ("yes", "monitor is a mapping of keys, or a list of such, not 'yes'"),
    ],
)
def test_what_it_may_not_say_gets_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, monitor: Any, said: str
) -> None:
    with pytest.raises(MillraceError) as caught:
        read(monkeypatch, tmp_path, monitor)
    assert caught.value.message.startswith("Metric visits, config.meta.monitor")
    assert said in caught.value.message


DAILY = ("project_id", "local_date", "country")


def test_of_a_table_rows_are_watched_and_of_a_funnel_each_step(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    steps = [{"label": "Visited", "event": "page_viewed"}, {"label": "Paid", "event": "order_completed"}]
    table, first, second = sorted(
        read(
            monkeypatch,
            tmp_path,
            None,
            model("fct_orders", {"by": ["country"], "owner": "shop"}, *DAILY),
            model("funnel_shop", {}, *DAILY, owner="growth", journey={"kind": "funnel", "steps": steps}),
            model("fct_quiet", None, *DAILY),
        ),
        key=lambda one: one.step,
    )
    assert (table.series, table.by, table.owner, table.good) == ("table:fct_orders", ("country",), "shop", "neutral")
    assert [one.series for one in (first, second)] == ["funnel:funnel_shop/1 Visited", "funnel:funnel_shop/2 Paid"]
    assert (second.owner, second.good, second.adds_up) == ("growth", "up", True)


@pytest.mark.parametrize(
    ("declared_model", "said"),
    [
        (model("stg_a", {}, *DAILY, layer="staging"), "what is watched is a mart"),
        (model("dim_a", {}, "project_id"), "dim_a is none"),
        (model("fct_a", {"grain": "hour"}, *DAILY), "there is no grain hour; there are day, week"),
        (model("fct_a", {"by": ["contry"]}, *DAILY), "no dimension 'contry'; did you mean 'country'?"),
    ],
)
def test_a_model_that_cannot_be_watched_gets_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, declared_model: dict[str, Any], said: str
) -> None:
    with pytest.raises(MillraceError) as caught:
        read(monkeypatch, tmp_path, None, declared_model)
    assert caught.value.message.startswith(f"Model {declared_model['name']}, config.meta.monitor")
    assert said in caught.value.message
