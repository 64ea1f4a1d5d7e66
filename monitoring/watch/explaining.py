"""What makes a change of the whole: which segments, and where there are several dimensions, which of all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitoring.detectors.detection import Detection
from monitoring.detectors.series import DAY
from monitoring.watch.reading import Dimensions, Segment, Table

EXPLAINED = 5  # segments, and as many of what they are crossed to
LEAST_SHARE = 0.1  # of the change, of what is crossed: many are small
WEEKS = 6


@dataclass(frozen=True)
class Part:
    """A segment's part in a change."""

    dimensions: Dimensions
    value: float
    expected: float
    share: float  # of the change of the whole


def parts(table: Table, detections: Sequence[Detection], peak: int, change: float) -> tuple[Part, ...]:
    """Segments of one dimension add up to the change, and so do those of all at once, but for what is not watched."""
    if not change:
        return ()
    whole = [(one, float(detection.expected[peak])) for one, detection in zip(table.segments, detections, strict=True)]
    crossed = [(one, _usual(one, peak)) for one in table.crossed]
    largest = [own for own in _shares(crossed, peak, change) if own.share >= LEAST_SHARE]
    return (*_shares(whole, peak, change)[:EXPLAINED], *largest[:EXPLAINED])


def _shares(expected: list[tuple[Segment, float]], peak: int, change: float) -> list[Part]:
    found = []
    for segment, usual in expected:
        value = float(segment.series.values[peak])
        if np.isfinite(value) and np.isfinite(usual):
            found.append(Part(segment.dimensions, value, usual, (value - usual) / change))
    return sorted(found, key=lambda part: -part.share)


def _usual(segment: Segment, peak: int) -> float:
    """Of the same day of the weeks before, and of the same hour: few numbers, too small to be judged."""
    week = 7 * segment.series.per_day if segment.series.step <= DAY else 1
    before = segment.series.ordinary()[peak % week : peak : week][-WEEKS:]
    known = before[np.isfinite(before)]
    return float(np.mean(known)) if len(known) else np.nan
