"""The series of a watch, read through the semantic layer: the whole, and its largest segments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from monitoring.detectors.series import Floats, Series
from monitoring.watch.declared import Watch
from semantic_layer.metrics.answers import answer
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.models import METRIC_TIME, Grain, Grouping, MetricQuery
from semantic_layer.reader import Reader
from warehouse.settings import Settings

Moment = date | datetime
Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Segment:
    dimensions: Dimensions  # none: the whole
    series: Series


@dataclass(frozen=True)
class Table:
    """Of one watch and project."""

    starts: tuple[datetime, ...]  # of the points, UTC
    ends: tuple[datetime, ...]
    whole: Segment
    segments: tuple[Segment, ...]


def read_table(
    settings: Settings, catalogue: Catalogue, watch: Watch, project: str, reader: Reader, now: datetime
) -> Table | None:
    facts, adds_up = catalogue.projects[project], catalogue.metrics[watch.metric].adds_up
    zone = ZoneInfo(facts.timezone)

    def rows(*by: str) -> list[tuple[Any, ...]]:
        groupings = (Grouping(name=METRIC_TIME, grain=Grain(watch.grain)), *(Grouping(name=name) for name in by))
        query = MetricQuery(project=project, metrics=(watch.metric,), by=groupings)
        return [row for row in answer(settings, catalogue, query, reader=reader).rows if row[0] is not None]

    whole = rows()
    if not whole or facts.last_day is None:
        return None
    last = _instant(facts.last_day + timedelta(days=1), zone)
    moments = [one for one in _moments(min(row[0] for row in whole), last, watch.grain, zone) if one[2] <= now]
    if not moments:
        return None
    place = {label: number for number, (label, _, _) in enumerate(moments)}

    def segment(dimensions: Dimensions, found: list[tuple[Any, Any]]) -> Segment:
        values: Floats = np.full(len(moments), 0.0 if adds_up else np.nan)
        for label, value in found:
            if label in place and value is not None:
                values[place[label]] = float(value)
        if watch.grain == "hour":
            times = np.array([start.replace(tzinfo=None) for _, start, _ in moments], dtype="datetime64[s]")
            return Segment(dimensions, Series.of(times, values, facts.timezone))
        times = np.array([label for label, _, _ in moments], dtype="datetime64[s]")
        return Segment(dimensions, Series.of(times, values))

    segments = []
    for dimension in watch.by:
        by_value: dict[str, list[tuple[Any, Any]]] = {}
        for label, value, number in rows(dimension):
            by_value.setdefault("" if value is None else str(value), []).append((label, number))
        largest = sorted(by_value, key=lambda value: -sum(float(number or 0) for _, number in by_value[value]))
        segments += [segment(((dimension, value),), by_value[value]) for value in largest[: watch.segments] if value]
    starts, ends = tuple(start for _, start, _ in moments), tuple(end for _, _, end in moments)
    return Table(starts, ends, segment((), [(row[0], row[-1]) for row in whole]), tuple(segments))


def _moments(first: Moment, last: datetime, grain: str, zone: ZoneInfo) -> list[tuple[Moment, datetime, datetime]]:
    """Label as the semantic layer has it, begin and end of every point: also of those without a row."""
    found: list[tuple[Moment, datetime, datetime]] = []
    if grain == "hour":
        # Hours of the clock on the wall: one that comes twice is one point of two hours.
        assert isinstance(first, datetime)
        start = first.replace(tzinfo=zone).astimezone(UTC)
        while start < last:
            label = start.astimezone(zone).replace(tzinfo=None)
            end = start + timedelta(hours=1)
            if found and found[-1][0] == label:
                found[-1] = (label, found[-1][1], end)
            else:
                found.append((label, start, end))
            start = end
        return found
    day = first.date() if isinstance(first, datetime) else first
    step = timedelta(days=7 if grain == "week" else 1)
    while _instant(day, zone) < last:
        found.append((day, _instant(day, zone), _instant(day + step, zone)))
        day += step
    return found


def _instant(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
