"""What else happened: releases, experiments and incidents of a project, which may be why a series is unusual."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from monitoring.experiments import read_plans
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.reader import Reader
from warehouse.connection import connect, failures_as_sentences
from warehouse.settings import Settings

ROLE = "monitor"
AT_THE_EDGE = timedelta(days=7)  # of all that is known: what is seen first or last there did not begin or end there
BEFORE = timedelta(days=2)  # an anomaly began, what may be its cause
RELEASES = """
SELECT app_version AS name, min(timestamp) AS at FROM marts.fct_events
WHERE project_id = '{project}' AND app_version != '' GROUP BY name
"""
EXPERIMENTS = """
SELECT experiment AS name, min(exposed_at) AS first, max(exposed_at) AS last FROM marts.fct_experiment_exposures
WHERE project_id = '{project}' GROUP BY name
"""
SPAN = "SELECT min(timestamp), max(timestamp) FROM marts.fct_events WHERE project_id = '{project}'"
INCIDENTS = """
SELECT concat(asset, ': ', check_name) AS name, toString(opened_at) AS at FROM ops.incidents FINAL
WHERE project_id IN ('', {project:String})
"""


@dataclass(frozen=True)
class Cause:
    kind: str  # release, experiment begun, experiment ended, incident; metric, table or funnel that was unusual, too
    name: str
    at: datetime


def read_causes(settings: Settings, catalogue: Catalogue, project: str, reader: Reader) -> list[Cause]:
    """In the order of time."""

    def rows(sql: str) -> list[list[str]]:
        return reader.rows(sql.format(project=project))

    ((first, last),) = rows(SPAN)
    begin, end = _moment(first) + AT_THE_EDGE, _moment(last) - AT_THE_EDGE
    found = [Cause("release", name, _moment(at)) for name, at in rows(RELEASES)]
    seen = {name: (_moment(started), _moment(ended)) for name, started, ended in rows(EXPERIMENTS)}
    last_days = {name: plan.ends for name, plan in read_plans(settings, catalogue).items() if plan.ends}
    found += of_experiments(seen, last_days, ZoneInfo(catalogue.projects[project].timezone), end)
    found = [cause for cause in found if cause.at > begin]
    with closing(connect(settings, ROLE)) as client, failures_as_sentences("reading incidents"):
        incidents = client.query(INCIDENTS, parameters={"project": project}).result_rows
    found += [Cause("incident", name, _moment(at)) for name, at in incidents]
    return sorted(found, key=lambda cause: cause.at)


def of_experiments(
    seen: Mapping[str, tuple[datetime, datetime]], last_days: Mapping[str, date], zone: ZoneInfo, end: datetime
) -> Iterator[Cause]:
    """By when each was seen first and last. It ended with the last day that its plan names; where none is named, when
    it was seen last, if not at the `end` of what is known."""
    for name, (first, last) in seen.items():
        yield Cause("experiment begun", name, first)
        if name in last_days:
            midnight = datetime.combine(last_days[name] + timedelta(days=1), time(), zone)
            yield Cause("experiment ended", name, midnight.astimezone(UTC))
        elif last < end:
            yield Cause("experiment ended", name, last)


def of_that_time(causes: list[Cause], started: datetime, ended: datetime) -> list[Cause]:
    return [cause for cause in causes if started - BEFORE <= cause.at < ended]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
