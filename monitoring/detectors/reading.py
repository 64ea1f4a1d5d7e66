"""A file of points, as a series: every way in which it is none becomes a sentence with its line."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from monitoring.detectors.series import Series
from warehouse.errors import MillraceError, WrongUsage, nearest

NOTHING = {"", "na", "n/a", "nan", "null", "none", "-"}
MILLISECONDS_FROM = 10**11  # a number of seconds this large is in the year 5138


@dataclass(frozen=True)
class Table:
    series: Series
    stamps: list[str]  # times as the file writes them, in the order of the series
    remarks: list[str]  # what was put right


def read_points(path: Path, timestamp: str, value: str, timezone: str = "UTC", holidays: str = "") -> Table:
    zone = _zone(timezone)
    times: list[datetime] = []
    values, stamps = [], []
    twice: dict[datetime, list[int]] = {}  # times of the hour that clocks show twice: the rows that have it
    for line, row in _rows(path, timestamp, value):
        moment, is_twice = _time(row[timestamp], zone, f"{path}, line {line}, column {timestamp!r}")
        if is_twice:
            twice.setdefault(moment, []).append(len(times))
        times.append(moment)
        values.append(_number(row[value], f"{path}, line {line}, column {value!r}"))
        stamps.append(row[timestamp].strip())
    if not times:
        raise MillraceError(f"{path} has no rows.")
    if not any(map(math.isfinite, values)):
        raise MillraceError(f"{path}: no row has a number in column {value!r}.")
    told_apart = _tell_apart(times, twice, zone)
    seconds = np.array(times, dtype="datetime64[s]")
    series = Series.of(seconds, np.array(values), timezone, holidays)
    last = dict(zip(times, stamps, strict=True))
    remarks = []
    if told_apart:
        remarks.append(f"Times that come twice where clocks went back: {told_apart:,}. The first is that of summer.")
    if len(last) < len(times):
        remarks.append(
            f"Rows that have the time of another row: {len(times) - len(last):,}. Of each time the last one counts."
        )
    if (np.diff(seconds) < np.timedelta64(0)).any():
        remarks.append("The rows are not in the order of time; the result is.")
    if unknown := int(np.isnan(series.values).sum()):
        remarks.append(f"Times without a number, which have no score: {unknown:,}.")
    return Table(series, [last[moment] for moment in sorted(last)], remarks)


def _rows(path: Path, *wanted: str) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            columns = reader.fieldnames or []
            for name in wanted:
                if name not in columns:
                    raise WrongUsage(
                        f"{path} has no column {name!r}{nearest(name, columns) or '.'}",
                        hint=f"Its columns: {', '.join(columns) or 'none'}.",
                    )
            for row in reader:
                yield reader.line_num, row
    except FileNotFoundError as error:
        raise MillraceError(f"There is no file {path}.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MillraceError(f"{path} cannot be read as CSV: {error}.") from error


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise WrongUsage(f"There is no timezone {name!r}.", hint="For example Europe/Berlin.") from error


def _tell_apart(times: list[datetime], twice: dict[datetime, list[int]], zone: ZoneInfo) -> int:
    """Of two rows that clocks show the same the second is an hour later; in a file that runs backwards the first."""
    count = 0
    for summer, (first, *others) in twice.items():
        if others:
            later = others if times[0] <= times[-1] else [first, *others[:-1]]
            local = summer.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
            winter = local.replace(tzinfo=zone, fold=1).astimezone(UTC).replace(tzinfo=None)
            for row in later:
                times[row] = winter
            count += 1
    return count


def _time(text: str, zone: ZoneInfo, where: str) -> tuple[datetime, bool]:
    """In UTC, without saying so; what names no timezone is of `zone`, and may be a time that comes twice there."""
    text = text.strip()
    try:
        if text.replace(".", "", 1).lstrip("-").isdigit() and len(text) > 8:
            number = float(text)
            moment = datetime.fromtimestamp(number / 1000 if abs(number) >= MILLISECONDS_FROM else number, UTC)
        else:
            moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        utc, later = (moment.replace(fold=fold).astimezone(UTC).replace(tzinfo=None) for fold in (0, 1))
        return utc, utc < later
    except (ValueError, OverflowError, OSError) as error:
        raise MillraceError(
            f"{where}: {text!r} is no time.",
            hint="Times are written as 2026-03-01, 2026-03-01T10:00:00Z, or Unix seconds.",
        ) from error


def _number(text: str, where: str) -> float:
    text = text.strip()
    if text.casefold() in NOTHING:
        return math.nan
    try:
        return float(text)
    except ValueError as error:
        raise MillraceError(f"{where}: {text!r} is no number.") from error
