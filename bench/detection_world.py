"""Series of the simulated world, counted from its arrays: what metrics of the warehouse would say, in a second a world.

The tests of the truths show that the warehouse counts the same (tests/truths).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from ingestion.demo import anomalies, reference, world
from ingestion.demo.block import Block, simulate
from ingestion.demo.clock import HOUR_MS, Clock
from ingestion.demo.event_types import Kind
from ingestion.demo.marketing import CHANNEL_OF_TOUCH, CHANNELS
from ingestion.demo.observed import VIEWS, observe, summarise
from ingestion.demo.run import plan_shards
from ingestion.demo.sdk import STAGED
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


# What the product watches by these dimensions as well (the `monitor` of metrics, by: ...).
BY = {
    "sessions": ("sessions by channel", "sessions by country", "sessions by device type"),
    "errors": ("errors by version", "errors by code"),
}

DEVICE_TYPES = tuple(dict.fromkeys(device.kind for device in reference.DEVICES))
TYPE_OF_DEVICE = np.array([DEVICE_TYPES.index(device.kind) for device in reference.DEVICES])


@dataclass(frozen=True)
class Watched:
    project: str
    name: str
    series: Series
    by: list[list[Series]]  # of each dimension, of each of its values
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

    def by_day_and(values: anomalies.Ints, of: int, at: Floats) -> Floats:
        day = clock.day(at)
        inside = (day >= 0) & (day < clock.days) & (values >= 0)
        return np.bincount(values[inside] * clock.days + day[inside], minlength=of * clock.days).reshape(of, -1)

    def by_day(at: Floats, weights: Floats | None = None) -> Floats:
        day = clock.day(at)
        inside = (day >= 0) & (day < clock.days)
        return np.bincount(day[inside], None if weights is None else weights[inside], minlength=clock.days)

    hours = int(clock.end - clock.begin) // HOUR_MS
    hour = (events.at - clock.begin) // HOUR_MS
    days = clock.day(events.at)
    is_error = events.kind == Kind.error_occurred
    people = np.unique(np.stack([days, seen.person])[:, (days >= 0) & (days < clock.days)], axis=1)
    timed = (events.load_ms != NONE) & np.isin(events.kind, VIEWS)
    return {
        "events": by_day(events.at),
        "events by hour": np.bincount(hour[(hour >= 0) & (hour < hours)], minlength=hours),
        "sessions": by_day(sessions.start),
        "active users": np.bincount(people[0], minlength=clock.days),
        "sessions by channel": by_day_and(CHANNEL_OF_TOUCH[sessions.touch], len(CHANNELS), sessions.start),
        "sessions by country": by_day_and(sessions.country, len(reference.COUNTRIES), sessions.start),
        "sessions by device type": by_day_and(TYPE_OF_DEVICE[sessions.device], len(DEVICE_TYPES), sessions.start),
        "errors": by_day(events.at[is_error]),
        "errors by version": by_day_and(events.version[is_error], STAGED + 1, events.at[is_error]),
        "errors by code": by_day_and(events.a[is_error], len(reference.ERROR_TYPES) + 1, events.at[is_error]),
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
    hours = (hourly[:-1] // 1000).astype("datetime64[s]")
    cut = {name: [Series.of(dates, own) for own in values.pop(name)] for names in BY.values() for name in names}
    return [
        Watched(project, name, Series.of(hours, own, clock.zone.key), [], hourly[:-1], hourly[1:], plan)
        if name == "events by hour"
        else Watched(
            project,
            name,
            Series.of(dates, own),
            [cut[dimension] for dimension in BY.get(name, ())],
            clock.midnights[:-1],
            clock.midnights[1:],
            plan,
        )
        for name, own in values.items()
    ]
