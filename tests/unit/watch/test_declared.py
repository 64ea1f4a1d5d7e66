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


def read(monkeypatch: pytest.MonkeyPatch, folder: Path, monitor: Any) -> list[Watch]:
    manifest = folder / "semantic_manifest.json"
    metrics = [
        {"name": "visits", "config": {"meta": {"monitor": monitor}}},
        {"name": "orders", "config": {"meta": {}}},
        {"name": "bare", "config": None},
    ]
    manifest.write_text(json.dumps({"metrics": metrics}))
    monkeypatch.setattr(declared, "semantic_manifest", lambda _: manifest)
    return read_watches(load_settings(), Catalogue(version="", metrics={"visits": VISITS}, dimensions={}, projects={}))


def test_a_metric_that_says_so_is_watched_with_its_own_owner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (plain,) = read(monkeypatch, tmp_path, {})
    assert (plain.metric, plain.grain, plain.owner, plain.by, plain.sensitivity) == ("visits", "day", "growth", (), 0.5)
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
        ({"grain": "hour"}, "visits has no grain hour; it has day, week, month"),
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
