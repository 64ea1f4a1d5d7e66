"""Series of the simulated world, counted from its arrays: what metrics of the warehouse would say, in a second a world.

The tests of the truths show that the warehouse counts the same (tests/truths).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from ingestion.demo import anomalies, world
from ingestion.demo.block import Block, simulate
from ingestion.demo.clock import HOUR_MS, Clock
from ingestion.demo.event_types import Kind
from ingestion.demo.observed import VIEWS, observe, summarise
from ingestion.demo.run import plan_shards
from ingestion.demo.table import NONE
from ingestion.demo.world import World
from monitoring.detectors.series import Floats, Series

# Which series shows which planted anomaly.
SHOWN_BY = {
    "drop": "sessions",
    "spike": "sessions",
    "level_shift": "sessions",
    "missing_hour": "events by hour",
    "broken_release": "errors",
    "slow_pages": "page load time",
}


@dataclass(frozen=True)
class Watched:
    project: str
    name: str
    series: Series
    starts: Floats  # of each point, milliseconds UTC
    ends: Floats
    planted: list[anomalies.Anomaly]  # of the project, whether planted or not


def watched(settings: World) -> list[Watched]:
    clocks = {project.id: Clock(project.timezone, settings.start) for project in world.PROJECTS}
    totals: dict[tuple[str, str], Floats] = defaultdict(lambda: np.zeros(1))
    for shard in plan_shards(settings):
        for unit in shard:
            project = world.PROJECTS[unit.project]
            block = simulate(settings, project, unit.number, unit.events, unit.crowd)
            for name, counts in _counts(block, clocks[project.id]).items():
                totals[project.id, name] = totals[project.id, name] + counts
    return [one for project, clock in clocks.items() for one in _series(settings, project, clock, totals)]


def _counts(block: Block, clock: Clock) -> dict[str, Floats]:
    seen = observe(block)
    events, sessions = seen.events, summarise(seen)

    def by_day(at: Floats, weights: Floats | None = None) -> Floats:
        day = clock.day(at)
        inside = (day >= 0) & (day < clock.days)
        return np.bincount(day[inside], None if weights is None else weights[inside], minlength=clock.days)

    hours = int(clock.end - clock.begin) // HOUR_MS
    hour = (events.at - clock.begin) // HOUR_MS
    days = clock.day(events.at)
    people = np.unique(np.stack([days, seen.person])[:, (days >= 0) & (days < clock.days)], axis=1)
    timed = (events.load_ms != NONE) & np.isin(events.kind, VIEWS)
    return {
        "events": by_day(events.at),
        "events by hour": np.bincount(hour[(hour >= 0) & (hour < hours)], minlength=hours),
        "sessions": by_day(sessions.start),
        "active users": np.bincount(people[0], minlength=clock.days),
        "errors": by_day(events.at[events.kind == Kind.error_occurred]),
        "sign-ups": by_day(events.at[events.kind == Kind.signed_up]),
        "orders": by_day(events.at[events.kind == Kind.order_completed]),
        "page views": by_day(events.at[np.isin(events.kind, VIEWS)]),
        "load milliseconds": by_day(events.at[timed], events.load_ms[timed]),
        "timed views": by_day(events.at[timed]),
    }


def _series(settings: World, project: str, clock: Clock, totals: dict[tuple[str, str], Floats]) -> list[Watched]:
    values = {name: own.astype(np.float64) for (of, name), own in totals.items() if of == project}
    with np.errstate(invalid="ignore"):
        values["page load time"] = values.pop("load milliseconds") / values.pop("timed views")
    plan = list(anomalies.plan(settings.seed, project, clock, settings.planted).anomalies.values())
    hourly = clock.begin + HOUR_MS * np.arange(len(values["events by hour"]) + 1)
    dates = np.array(clock.dates, dtype="datetime64[s]")
    return [
        Watched(project, name, Series.of(dates, own), clock.midnights[:-1], clock.midnights[1:], plan)
        if name != "events by hour"
        else Watched(
            project, name, Series.of((hourly[:-1] // 1000).astype("datetime64[s]"), own, clock.zone.key),
            hourly[:-1], hourly[1:], plan,
        )
        for name, own in values.items()
    ]  # fmt: skip
