"""Who is in which segment since when: a stretch ends where another begins, and scoring again changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from ml.segments.clusters import Segment, Segmentation
from ml.segments.features import NAMES, Behaviour
from warehouse.connection import connect, insert_rows
from warehouse.errors import MillraceError
from warehouse.projects import get_project
from warehouse.settings import Settings

NOT_ACTIVE = Segment(0, "not active", {})
END_OF_TIME = datetime(2200, 1, 1, tzinfo=UTC)
MEMBER = ("project_id", "person_id", "valid_from", "valid_to", "segment_id", "segment", "model_version", "written_at")
PROFILE = (
    "project_id", "segment_id", "segment", "as_of", "model_version", "people", "medians", "centre", "written_at",
)  # fmt: skip


def end_of(settings: Settings, project: str, day: date) -> datetime:
    """In the project's timezone."""
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(get_project(settings, project).timezone)
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


def read_segments(settings: Settings, project: str) -> tuple[list[Segment], int]:
    """Those of the last scoring, and the highest id that was ever given."""
    with connect(settings, "modeler") as client:
        rows = client.query(
            "SELECT segment_id, segment, centre, written_at = max(written_at) OVER () AS is_last "
            "FROM ml.segment_profiles FINAL WHERE project_id = {project:String} ORDER BY segment_id",
            parameters={"project": project},
        ).result_rows
    last = [Segment(int(number), name, dict(centre)) for number, name, centre, is_last in rows if is_last and number]
    return last, max((int(row[0]) for row in rows), default=0)


def write_members(
    settings: Settings, project: str, model: Segmentation, version: str, day: date, behaviour: Behaviour
) -> int:
    places = model.assign(behaviour.looked_at)
    now = {str(who): model.segments[place] for who, place in zip(behaviour.people, places, strict=True)}
    now |= {str(who): NOT_ACTIVE for who in behaviour.inactive}
    at, written_at = end_of(settings, project, day), datetime.now(UTC)
    with connect(settings, "modeler") as client:
        rows = client.query(
            "SELECT person_id, valid_from, segment_id, segment, model_version FROM ml.segment_members FINAL "
            "WHERE project_id = {project:String} AND valid_to = {end:DateTime64(3, 'UTC')}",
            parameters={"project": project, "end": END_OF_TIME},
        ).result_rows
        open_ = {who: (_utc(since), int(number), name, told) for who, since, number, name, told in rows}
        if any(since > at for since, *_ in open_.values()):
            raise MillraceError(
                f"Members of segments of {project} are known of a later day than {day} already.",
                hint="What was is not written anew: leave --day out, or name a later one.",
            )
        changed = changes(now, open_, at)
        lines = [
            (project, who, _text(since), _text(until), number, name, told or version, _text(written_at))
            for who, since, until, number, name, told in changed
        ]
        insert_rows(client, "ml.segment_members", lines, MEMBER)
        profiles = _profiles(project, model, version, day, behaviour, places, written_at)
        insert_rows(client, "ml.segment_profiles", profiles, PROFILE)
    return len(now)


def changes(
    now: Mapping[str, Segment], open_: Mapping[str, tuple[datetime, int, str, str]], at: datetime
) -> list[tuple[str, datetime, datetime, int, str, str]]:
    """Rows to write: who, since, until, segment, its name, and the version where it is not that of now."""
    found = []
    for who, segment in now.items():
        before = open_.get(who)
        if before and before[1] == segment.segment_id:
            continue
        if before and before[0] < at:
            since, number, name, version = before
            found.append((who, since, at, number, name, version))
        found.append((who, at, END_OF_TIME, segment.segment_id, segment.name, ""))
    # Who is nobody any more (merged into another, erased, one of our own) is a member until now.
    for who, (since, number, name, version) in open_.items():
        if who not in now and since < at:
            found.append((who, since, at, number, name, version))
    return found


def _profiles(
    project: str,
    model: Segmentation,
    version: str,
    day: date,
    behaviour: Behaviour,
    places: NDArray[np.int64],
    written_at: datetime,
) -> Sequence[tuple[object, ...]]:
    def row(segment: Segment, people: int, medians: dict[str, float]) -> tuple[object, ...]:
        told = (segment.segment_id, segment.name, day.isoformat(), version, people, medians, segment.centre)
        return (project, *told, _text(written_at))

    rows = [row(NOT_ACTIVE, len(behaviour.inactive), {})]
    for n, segment in enumerate(model.segments):
        values = behaviour.values[places == n]
        middles = np.median(values, axis=0).tolist() if len(values) else []
        rows.append(row(segment, len(values), dict(zip(NAMES, middles, strict=False))))
    return rows


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"
