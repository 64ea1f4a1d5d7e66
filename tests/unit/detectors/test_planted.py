"""The world of the demo: what is planted is told within two points, and its untouched twin stays quiet."""

from __future__ import annotations

import numpy as np

from bench.detection_world import SHOWN_BY, Watched, watched
from ingestion.demo.world import World
from monitoring.detectors.anomalies import Anomaly, anomalies
from monitoring.detectors.detection import detect

LEARNED_AFTER = 42 * 86_400_000
WORDS = {
    "drop": {"drop"},
    "spike": {"spike"},
    "missing_hour": {"missing data"},
    "broken_release": {"spike", "level shift"},
    "slow_pages": {"spike", "level shift"},
    "level_shift": {"spike", "level shift"},
}


def told(one: Watched) -> list[Anomaly]:
    found = anomalies(one.series, detect(one.series))
    return [own for own in found if one.starts[own.last] >= one.starts[0] + LEARNED_AFTER]


def test_each_planted_anomaly_is_told_within_two_points() -> None:
    found = {}
    for one in watched(World(size="small")):
        for planted in one.planted:
            if SHOWN_BY[planted.kind] == one.name:
                first = int(np.argmax(one.ends > planted.start))
                found[planted.kind] = [own.type for own in told(one) if first <= own.first <= first + 2]
    assert found.keys() == SHOWN_BY.keys()
    for kind, types in found.items():
        assert set(types) & WORDS[kind], kind


def test_the_untouched_twin_is_quiet() -> None:
    """Half a year of 18 series: one false alarm in 30 days of 20 series would be 4."""
    twin = watched(World(size="small", anomalies=False))
    assert len(twin) == 18
    assert sum(len(told(one)) for one in twin) <= 4
