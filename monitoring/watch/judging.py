"""Anomalies of a watch: the whole first; a segment by itself only where the whole does not show it."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitoring.detectors.anomalies import Anomaly, anomalies
from monitoring.detectors.detection import Detection, detect
from monitoring.watch.declared import HISTORY, Level, Watch
from monitoring.watch.explaining import Part, parts
from monitoring.watch.reading import Dimensions, Segment, Table

NAMESPACE = uuid.UUID("6f1c2b0e-8d3a-4f58-9b52-0c6a4ad3c817")
LEVELS: tuple[Level, ...] = ("low", "medium", "high", "critical")
SIZES = (0.25, 0.75)  # of what was expected: from each on it is one level worse
# Segments are many: each must be so much more surprising that all of them together bring a quarter of the false alarms
# that the whole brings (bench/detection.py prints both).
SEGMENTS_ARE_RARER = 4
LASTING = 3  # points, from which on it is one level worse


@dataclass(frozen=True)
class Finding:
    anomaly_id: uuid.UUID
    watch: Watch
    project_id: str
    dimensions: Dimensions
    kind: str
    severity: Level
    confidence: float
    started_at: datetime
    ended_at: datetime
    last_at: datetime  # begin of its last point
    points: int
    since_last: int  # points of the series after it
    is_good: bool | None
    value: float
    expected: float
    lower: float
    upper: float
    parts: tuple[Part, ...]

    @property
    def deviation(self) -> float | None:
        return (self.value - self.expected) / abs(self.expected) if self.expected else None

    def overlaps(self, other: Finding) -> bool:
        near = timedelta(days=1)
        return self.started_at < other.ended_at + near and other.started_at < self.ended_at + near


@dataclass(frozen=True)
class Judged:
    findings: list[Finding]
    whole: Detection


def judge(watch: Watch, project: str, table: Table) -> Judged:
    whole = detect(table.whole.series, watch.sensitivity)
    alike = SEGMENTS_ARE_RARER * max(len(table.segments), 1)
    others = [detect(one.series, watch.sensitivity, alike=alike) for one in table.segments]
    found = [
        replace(one, parts=parts(table, others, peak, one.value - one.expected) if watch.adds_up else ())
        for one, peak in _findings(watch, project, table, table.whole, whole)
    ]
    for segment, detection in zip(table.segments, others, strict=True):
        for one, _ in _findings(watch, project, table, segment, detection):
            if not any(one.overlaps(other) for other in found):
                found.append(one)
    return Judged(sorted(found, key=lambda one: one.started_at), whole)


def _findings(
    watch: Watch, project: str, table: Table, segment: Segment, detection: Detection
) -> list[tuple[Finding, int]]:
    found = []
    for one in anomalies(segment.series, detection):
        started = table.starts[one.first]
        days = HISTORY[watch.grain] * (7 if watch.grain == "week" else 1)
        if started < table.starts[0] + timedelta(days=days):
            continue
        is_good = (
            None
            if watch.good == "neutral" or one.type == "missing data"
            else (one.value > one.expected) == (watch.good == "up")
        )
        identity = f"{watch.series}|{project}|{segment.dimensions}|{started.isoformat()}"
        finding = Finding(
            anomaly_id=uuid.uuid5(NAMESPACE, identity),
            watch=watch,
            project_id=project,
            dimensions=segment.dimensions,
            kind=one.type,
            severity=severity(watch.severity, one, is_good),
            confidence=one.score,
            started_at=started,
            ended_at=table.ends[one.last],
            last_at=table.starts[one.last],
            points=one.last - one.first + 1,
            since_last=len(table.starts) - 1 - one.last,
            is_good=is_good,
            value=one.value,
            expected=one.expected,
            lower=float(detection.lower[one.peak]),
            upper=float(detection.upper[one.peak]),
            parts=(),
        )
        found.append((finding, one.peak))
    return found


def severity(weight: Level, one: Anomaly, is_good: bool | None) -> Level:
    """Size, times duration, times what the metric weighs. What is good is news, and no more."""
    if is_good:
        return "low"
    size = abs(one.value - one.expected) / abs(one.expected) if one.expected else math.inf
    level = sum(size >= least for least in SIZES) + (one.last - one.first + 1 >= LASTING)
    return LEVELS[min(max(level + LEVELS.index(weight) - 1, 0), len(LEVELS) - 1)]
