"""The series of a watch: the whole, its largest segments, and what all its dimensions together cut it to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from monitoring.detectors.series import Floats, Series
from monitoring.watch.declared import Watch
from monitoring.watch.rows import Row, Rows

Moment = date | datetime
Dimensions = tuple[tuple[str, str], ...]
LATELY = {"hour": 24, "day": 3, "week": 2}  # points by which a segment is one of the largest now
MOST_CROSSED = 500  # combinations of all dimensions, the largest; they explain, and are not judged by themselves


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
    crossed: tuple[Segment, ...] = ()


def read_table(
    watch: Watch,
    rows: Rows,
    timezone: str,
    last_day: date | None,
    until: datetime,
    *,
    ends_with_rows: bool = False,
    holidays: str = "",
    crosses: bool = True,
) -> Table | None:
    """`until`: periods that end later are not whole yet. `ends_with_rows`: what is after the last row is not known, and
    is not nothing."""
    zone, whole = ZoneInfo(timezone), rows()
    if not whole or last_day is None:
        return None
    last = _instant(last_day + timedelta(days=1), zone)
    newest = max(row[0] for row in whole)
    moments = [
        one
        for one in _moments(min(row[0] for row in whole), last, watch.grain, zone)
        if one[2] <= until and (one[0] <= newest or not ends_with_rows)
    ]
    if not moments:
        return None
    place = {label: number for number, (label, _, _) in enumerate(moments)}
    starts, ends = tuple(start for _, start, _ in moments), tuple(end for _, _, end in moments)
    if watch.grain == "hour":
        times = np.array([start.replace(tzinfo=None) for start in starts], dtype="datetime64[s]")
    else:
        times = np.array([label for label, _, _ in moments], dtype="datetime64[s]")
        timezone = "UTC"  # a day is a day, wherever

    hours = np.array([(end - start) / timedelta(hours=1) for start, end in zip(starts, ends, strict=True)])

    def segment(dimensions: Dimensions, found: list[Row]) -> Segment:
        values: Floats = np.full(len(moments), 0.0 if watch.adds_up else np.nan)
        for row in found:
            if row[0] in place and row[-1] is not None:
                values[place[row[0]]] = float(row[-1])
        if watch.adds_up and watch.grain == "hour":
            # Of two hours in one point each has half: whole numbers stay whole, as counts are judged by that.
            each = values / hours
            values = np.where(hours > 1, np.where(values == np.floor(values), np.ceil(each), each), values)
        return Segment(dimensions, Series.of(times, values, timezone, holidays))

    def cut_by(by: tuple[str, ...], most: int) -> list[Segment]:
        parts: dict[tuple[str, ...], list[Row]] = {}
        for row in rows(*by):
            parts.setdefault(tuple("" if value is None else str(value) for value in row[1:-1]), []).append(row)
        largest = _largest(parts, most)
        if len(by) == 1:  # what is new is small by all its days, and large now
            since = moments[-LATELY[watch.grain] :][0][0]
            lately = {part: [row for row in found if row[0] >= since] for part, found in parts.items()}
            largest += _largest({part: found for part, found in lately.items() if found}, most)
        named = [part for part in dict.fromkeys(largest) if all(part)]
        return [segment(tuple(zip(by, part, strict=True)), parts[part]) for part in named]

    segments = [one for dimension in watch.by for one in cut_by((dimension,), watch.segments)]
    crossed = cut_by(watch.by, MOST_CROSSED) if crosses and watch.adds_up and len(watch.by) > 1 else []
    return Table(starts, ends, segment((), whole), tuple(segments), tuple(crossed))


def _largest(parts: dict[tuple[str, ...], list[Row]], most: int) -> list[tuple[str, ...]]:
    return sorted(parts, key=lambda part: -sum(float(row[-1] or 0) for row in parts[part]))[:most]


def _moments(first: Moment, last: datetime, grain: str, zone: ZoneInfo) -> list[tuple[Moment, datetime, datetime]]:
    """Label as the semantic layer has it, begin and end of every point: also of those without a row."""
    found: list[tuple[Moment, datetime, datetime]] = []
    if grain == "hour":
        # Hours of clocks on the wall, as the semantic layer has them: one that comes twice is one point of two hours.
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
