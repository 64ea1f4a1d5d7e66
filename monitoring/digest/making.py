"""Makes a digest of what the semantic layer, detectors, alerts, checks and experiments say of a day."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from monitoring.alerts.acting import alerts_of
from monitoring.detectors.detection import Detection, detect
from monitoring.digest.contents import Change, Digest, Item, Part
from monitoring.experiments import finished
from monitoring.watch.declared import Watch, read_watches
from monitoring.watch.explaining import parts
from monitoring.watch.reading import Table, read_table
from monitoring.watch.rows import rows_of
from monitoring.watch.store import read_anomalies
from semantic_layer.metrics.catalogue import Catalogue, load_catalogue
from semantic_layer.reader import Reader
from warehouse.connection import connect, failures_as_sentences
from warehouse.errors import MillraceError, WrongUsage, nearest
from warehouse.observability.incident_reading import read_incidents
from warehouse.settings import Settings

PAST = 42  # days by which a change is measured
LEAST_PAST = 14
SPREAD_OF_MAD = 1.4826  # so that a median of distances is a standard deviation, where they are normal
LEAST_SHARE = 0.1  # of a change, that a segment must have made to be named
LEAST_DROP = 1.0  # points of a score
# Of each table the score of its last day, and of the day before that on which it had one.
DROPS = f"""
SELECT asset, project_id, scores[1] AS score, scores[2] AS before
FROM (
    SELECT asset, project_id, arraySlice(groupArray(score), 1, 2) AS scores
    FROM (
        SELECT asset, project_id, day, argMax(score, written_at) AS score
        FROM ops.quality_scores WHERE project_id IN ('', {{project:String}}) AND asset != ''
        GROUP BY ALL ORDER BY day DESC
    )
    GROUP BY ALL
)
WHERE length(scores) = 2 AND score <= before - {LEAST_DROP}
ORDER BY score - before, asset
"""


def make_digest(settings: Settings, project: str, day: date | None = None) -> Digest:
    """Of the last day with data, if none is named. No point after it is looked at; what is open is open now."""
    catalogue, reader = load_catalogue(settings), Reader(settings)
    if project not in catalogue.projects:
        raise WrongUsage(f"There is no project {project!r}{nearest(project, catalogue.projects) or '.'}")
    facts = catalogue.projects[project]
    if facts.first_day is None or facts.last_day is None:
        raise MillraceError(f"Project {project} has no data yet.", hint="`millrace load`, then `millrace build`.")
    day = day or last_whole_day(facts.last_day, facts.timezone)
    if not facts.first_day <= day <= facts.last_day:
        raise WrongUsage(f"Project {project} has data from {facts.first_day} to {facts.last_day}, not of {day}.")
    changes = list(_changes(settings, catalogue, reader, project, day))
    changes.sort(key=lambda one: -abs(one.deviations or 0))
    items = [
        *_of_anomalies(settings, project, day, ZoneInfo(facts.timezone)),
        *_of_alerts(settings, project),
        *_of_incidents(settings, project),
        *_of_quality(settings, project),
        *_of_experiments(settings, catalogue, reader, project, day),
    ]
    return Digest(project, day, facts.currency, tuple(changes), tuple(items))


def last_whole_day(last_day: date, timezone: str) -> date:
    return min(last_day, datetime.now(ZoneInfo(timezone)).date() - timedelta(days=1))


def _ends(day: date, timezone: str) -> tuple[datetime, datetime]:
    begin, end = (
        datetime.combine(one, time(), ZoneInfo(timezone)).astimezone(UTC) for one in (day, day + timedelta(days=1))
    )
    return begin, end


def _changes(settings: Settings, catalogue: Catalogue, reader: Reader, project: str, day: date) -> Iterator[Change]:
    begin, end = _ends(day, catalogue.projects[project].timezone)
    told = set()
    for watch in read_watches(settings, catalogue):
        if watch.kind != "metric" or watch.name in told or "day" not in catalogue.metrics[watch.name].grains:
            continue
        told.add(watch.name)
        daily, facts = watch.model_copy(update={"grain": "day"}), catalogue.projects[project]
        rows = rows_of(settings, catalogue, daily, project, reader)
        table = read_table(daily, rows, facts.timezone, facts.last_day, end, holidays=facts.holidays, crosses=False)
        if table is not None and table.starts[-1] == begin and math.isfinite(table.whole.series.values[-1]):
            yield _change(catalogue, daily, table)


def _change(catalogue: Catalogue, watch: Watch, table: Table) -> Change:
    metric, values = catalogue.metrics[watch.name], table.whole.series.values
    whole = detect(table.whole.series, watch.sensitivity)
    value, expected = float(values[-1]), _number(whole.expected[-1])
    deviations = _deviations(values, whole)
    most_parts: tuple[Part, ...] = ()
    if expected is not None and metric.adds_up and table.segments:
        others = [detect(one.series, watch.sensitivity) for one in table.segments]
        found = parts(table, others, len(values) - 1, value - expected)
        # Of each dimension the segment that made most of it; those of one dimension add up, those of two do not.
        most = {one.dimensions[0][0]: one for one in reversed(found) if one.share >= LEAST_SHARE}
        most_parts = tuple(
            Part(_segment(one.dimensions), one.value, one.expected, one.share)
            for one in sorted(most.values(), key=lambda one: -one.share)
        )
    change = Change(
        metric=metric.name,
        label=metric.label,
        format=metric.format,
        value=value,
        day_before=_number(values[-2]) if len(values) > 1 else None,
        week_before=_number(values[-8]) if len(values) > 7 else None,
        expected=expected,
        deviations=deviations,
        is_good=None,
        parts=most_parts,
    )
    if metric.good == "neutral" or not change.is_notable:
        return change
    return replace(change, is_good=((deviations or 0) > 0) == (metric.good == "up"))


def _deviations(values: np.ndarray[Any, Any], detection: Detection) -> float | None:
    """How far the last point is off, by how far those before it mostly were."""
    off = values - detection.expected
    before = off[:-1][-PAST:]
    before = before[np.isfinite(before)]
    if len(before) < LEAST_PAST or not math.isfinite(off[-1]):
        return None
    spread = SPREAD_OF_MAD * float(np.median(np.abs(before)))
    return float(off[-1]) / spread if spread else None


def _of_anomalies(settings: Settings, project: str, day: date, zone: ZoneInfo) -> Iterator[Item]:
    """Those that had begun by then, and went on or are still open."""
    begin, end = _ends(day, zone.key)
    for one in read_anomalies(settings, all_of_them=True):
        started, ended = (_moment(one[name]) for name in ("started_at", "ended_at"))
        if one["project_id"] == project and started < end and (ended > begin or one["status"] != "resolved"):
            segment = _segment(tuple(one["dimensions"].items()))
            about = f"{one['series'].partition(':')[2]}{f' ({segment})' if segment else ''}"
            text = (
                f"{about}: {one['kind']} since {started.astimezone(zone):%Y-%m-%d}, {one['severity']}, {one['status']}"
            )
            yield Item("anomaly", text, f"millrace monitor show {one['anomaly_id'][:8]}")


def _of_alerts(settings: Settings, project: str) -> Iterator[Item]:
    for one in alerts_of(settings):
        if one.project_id in ("", project):
            yield Item(
                "alert", f"{one.summary.rstrip('.')} ({one.status})", f"millrace alerts show {str(one.alert_id)[:8]}"
            )


def _of_incidents(settings: Settings, project: str) -> Iterator[Item]:
    for one in read_incidents(settings):
        if one.project_id in ("", project):
            text = f"{one.asset} fails {one.check_name} since {one.opened_at:%Y-%m-%d %H:%M} UTC"
            yield Item("incident", text, f"millrace incidents show {str(one.incident_id)[:8]}")


def _of_quality(settings: Settings, project: str) -> Iterator[Item]:
    with closing(connect(settings, "alerter")) as client, failures_as_sentences("to tell what quality lost"):
        rows = client.query(DROPS, parameters={"project": project}).result_rows
    for asset, of_project, score, before in rows:
        about = f"{asset}{f' of {of_project}' if of_project else ''}"
        yield Item(
            "quality", f"{about} fell from {before:.1f} to {score:.1f} of 100", f"millrace quality --asset {asset}"
        )


def _of_experiments(
    settings: Settings, catalogue: Catalogue, reader: Reader, project: str, day: date
) -> Iterator[Item]:
    for one in finished(settings, catalogue, reader):
        if one.project == project and one.ended_on == day:
            yield Item("experiment", one.sentence, one.command)


def _segment(dimensions: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{name.rpartition('__')[2]} {value}" for name, value in dimensions)


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
