"""What is told of a watched metric: once, with the segments that made it, and as bad as it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from monitoring.detectors.anomalies import Anomaly
from monitoring.detectors.series import Floats, Series
from monitoring.watch.declared import Level, Watch
from monitoring.watch.judging import Judged, judge, severity
from monitoring.watch.reading import Segment, Table

DAYS, LOST = 120, 100
START = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
WATCH = Watch(name="visits", good="up", by=("session__country",), owner="growth")


def visits(level: int, seed: int) -> Floats:
    weekend = np.arange(DAYS) % 7 >= 5
    return np.random.default_rng(seed).poisson(np.where(weekend, level * 0.7, level)).astype(np.float64)


def judged(*by_country: tuple[str, Floats], good: str = "up", watch: Watch = WATCH) -> Judged:
    starts = tuple(START + timedelta(days=day) for day in range(DAYS))
    times = np.array([start.date() for start in starts], dtype="datetime64[s]")
    segments = tuple(Segment((("session__country", name),), Series.of(times, own)) for name, own in by_country)
    whole = Segment((), Series.of(times, np.sum([own for _, own in by_country], axis=0)))
    table = Table(starts, tuple(start + timedelta(days=1) for start in starts), whole, segments)
    return judge(watch.model_copy(update={"good": good}), "demo", table)


def test_nothing_is_told_of_quiet_weeks() -> None:
    assert judged(("DE", visits(300, 1)), ("US", visits(100, 2))).findings == []


def test_a_lost_country_is_one_anomaly_with_the_country_that_explains_it() -> None:
    lost = visits(300, 1)
    lost[LOST] = 20
    (one,) = judged(("DE", lost), ("US", visits(100, 2))).findings
    assert (one.kind, one.dimensions, one.points, one.is_good) == ("drop", (), 1, False)
    assert one.started_at == START + timedelta(days=LOST)
    assert one.ended_at == START + timedelta(days=LOST + 1)
    assert one.since_last == DAYS - 1 - LOST
    first = one.parts[0]
    assert first.dimensions == (("session__country", "DE"),)
    assert first.value == 20
    assert 0.8 < first.share < 1.2
    assert one.deviation is not None
    assert -0.8 < one.deviation < -0.6


def test_a_small_country_that_the_whole_does_not_show_is_told_by_itself() -> None:
    small = visits(60, 3)
    small[LOST] = 3
    (one,) = judged(("DE", visits(3000, 1)), ("AT", small)).findings
    assert (one.kind, one.dimensions) == ("drop", (("session__country", "AT"),))


def test_what_all_dimensions_make_of_it_stands_beside_what_each_makes() -> None:
    """German phones are lost, and nothing else."""
    starts = tuple(START + timedelta(days=day) for day in range(DAYS))
    times = np.array([start.date() for start in starts], dtype="datetime64[s]")
    crossed = {
        (country, device): visits(400, seed)
        for seed, (country, device) in enumerate([("DE", "phone"), ("DE", "desk"), ("US", "phone"), ("US", "desk")])
    }
    crossed["DE", "phone"][LOST] = 0

    def segment(**of: str) -> Segment:
        parts = [own for (country, device), own in crossed.items() if {country, device} >= set(of.values())]
        return Segment(tuple(of.items()), Series.of(times, np.sum(parts, axis=0)))

    ends = tuple(start + timedelta(days=1) for start in starts)
    singles = (segment(country="DE"), segment(country="US"), segment(device="phone"), segment(device="desk"))
    pairs = tuple(segment(country=country, device=device) for country, device in crossed)
    (one,) = judge(WATCH, "demo", Table(starts, ends, segment(), singles, pairs)).findings
    (first,) = [part for part in one.parts if len(part.dimensions) == 2]
    assert dict(first.dimensions) == {"country": "DE", "device": "phone"}
    assert first.value == 0
    assert 360 < first.expected < 440
    assert 0.7 < first.share < 1.3


def test_what_many_segments_do_by_chance_is_not_told() -> None:
    """Forty segments over 78 days: without the correction some are told."""
    many = [(f"C{number}", visits(30, 100 + number)) for number in range(40)]
    assert judged(*many).findings == []


def test_an_anomaly_is_found_again_under_its_id() -> None:
    lost = visits(300, 1)
    lost[LOST] = 20
    other = judged(("DE", lost), ("US", visits(100, 2))).findings[0]
    assert judged(("DE", lost), ("US", visits(100, 2))).findings[0].anomaly_id == other.anomaly_id
    longer = lost.copy()
    longer[LOST + 1] = 20
    assert judged(("DE", longer), ("US", visits(100, 2))).findings[0].anomaly_id == other.anomaly_id


def test_the_first_six_weeks_are_for_learning() -> None:
    odd = visits(300, 1)
    odd[41] = 5
    assert judged(("DE", odd)).findings == []


@pytest.mark.parametrize(
    ("value", "points", "weight", "is_good", "level"),
    [
        (90, 1, "medium", False, "low"),
        (70, 1, "medium", False, "medium"),
        (10, 1, "medium", False, "high"),
        (10, 3, "medium", False, "critical"),
        (10, 3, "critical", False, "critical"),
        (10, 1, "low", False, "medium"),
        (70, 1, "high", None, "high"),
        (1000, 9, "critical", True, "low"),
    ],
)
def test_severity_is_of_size_duration_weight_and_direction(
    value: float, points: int, weight: Level, is_good: bool | None, level: Level
) -> None:
    one = Anomaly(first=5, last=4 + points, peak=5, type="drop", score=0.9, value=value, expected=100)
    assert severity(weight, one, is_good) == level
