"""The planted anomalies: where they are, and what they do to the events.

They change what is observed, not how people live: events are lost, strangers are added, pages are slow, an app
raises errors. So a world without them (the untouched twin) is the same world everywhere else, event by event.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingestion.demo import reference, world
from ingestion.demo.clock import HOUR_MS, Clock, time_of_day
from ingestion.demo.event_types import Kind
from ingestion.demo.marketing import NEWS_TOUCH, PARTNER_TOUCH
from ingestion.demo.sdk import STAGED
from ingestion.demo.streams import stream
from ingestion.demo.table import NONE, Table
from ingestion.demo.visits import PROSPECT, Visits

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DROP_DAYS: Final = 2
DROP_SHARE: Final = 0.95  # of the visits on phones
DROP_SHARE_ELSEWHERE: Final = 0.35  # of the others
SPIKE_FACTOR: Final = 1.6  # visits added, as a multiple of a usual day's
LEVEL_FACTOR: Final = 1.0  # visits added each day, likewise
SLOW_FACTOR: Final = 1.7
BROKEN_DAYS: Final = 3
BROKEN_ERRORS: Final = 6  # more errors in each visit with the broken release
VISITS_PER_EVENT: Final = 0.125  # for the size of the crowds


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One planted anomaly: `metric` shows it, from `start` until before `end` (instants, milliseconds UTC)."""

    kind: str
    project: str
    metric: str
    direction: str
    start: int
    end: int
    size: float
    size_means: str
    dimensions: dict[str, str]
    planted: bool


@dataclass(frozen=True)
class Plan:
    """The windows of one project; they are drawn whether or not the anomaly is planted."""

    anomalies: dict[str, Anomaly]

    def planted(self, kind: str) -> Anomaly | None:
        found = self.anomalies.get(kind)
        return found if found is not None and found.planted else None

    @property
    def staged_release(self) -> tuple[int, int]:
        """The days of the staged release: it comes out in every world, and is broken where that is planted."""
        found = self.anomalies.get("broken_release")
        return (found.start, found.end) if found else (0, 0)


def plan(seed: int, project: str, clock: Clock, planted: frozenset[str]) -> Plan:
    rng = stream(seed, "anomalies", project)
    # One in each stretch of days, so that none hides another; the first 60 days are for learning.
    stretches = rng.permutation([(62, 72), (82, 92), (102, 112), (122, 132)])
    day = [int(rng.integers(low, high)) for low, high in stretches]
    weekday_hour = next(d for d in range(day[2], clock.days) if clock.weekday[d] < 5)
    slow, level = int(rng.integers(142, 152)), int(rng.integers(95, 125))

    def window(first: int, last: int) -> tuple[int, int]:
        return int(clock.midnights[first]), int(clock.midnights[last])

    hour = int(clock.midnights[weekday_hour]) + int(rng.integers(10, 16)) * HOUR_MS
    found: list[Anomaly] = []

    def add(
        kind: str, metric: str, direction: str, span: tuple[int, int], size: float, means: str, **dimensions: str
    ) -> None:
        found.append(Anomaly(kind, project, metric, direction, *span, size, means, dimensions, kind in planted))

    if project == world.PROJECTS[0].id:
        add(
            "drop",
            "sessions",
            "down",
            window(day[0], day[0] + DROP_DAYS),
            DROP_SHARE,
            f"share of the visits on mobile devices that were lost ({DROP_SHARE_ELSEWHERE} of the others)",
            device_type="mobile",
        )
        add(
            "spike",
            "sessions",
            "up",
            window(day[1], day[1] + 1),
            SPIKE_FACTOR,
            "visits added, as a multiple of an average day's",
            channel="referral",
            country="US",
        )
        add("missing_hour", "events", "down", (hour, hour + HOUR_MS), 1.0, "share of the events lost")
        add(
            "broken_release",
            "errors",
            "up",
            window(day[3], day[3] + BROKEN_DAYS),
            BROKEN_ERRORS,
            "errors added per visit with this version",
            app_version=reference.STAGED_VERSION,
        )
        add(
            "slow_pages",
            "page_load_time",
            "up",
            window(slow, clock.days),
            SLOW_FACTOR,
            "factor on load_time_ms of page_viewed and screen_viewed",
        )
    else:
        add(
            "level_shift",
            "sessions",
            "up",
            window(level, clock.days),
            LEVEL_FACTOR,
            "visits added per day, as a multiple of an average day's",
            channel="referral",
            campaign="partner_launch",
        )
    return Plan({anomaly.kind: anomaly for anomaly in found})


@dataclass(frozen=True, slots=True)
class Crowd:
    """Strangers that an anomaly adds: how many visits, in which days, from where."""

    kind: str
    visits: int
    first_day: int
    last_day: int  # not included
    touch: int
    country: int


def crowds(plan: Plan, project: world.Project, events: int, clock: Clock) -> list[Crowd]:
    """The crowds that this world has, cut to pieces that fit into one block."""
    per_day = events * project.share_of_events * VISITS_PER_EVENT / clock.days
    found = []
    for kind, factor, touch in (("spike", SPIKE_FACTOR, NEWS_TOUCH), ("level_shift", LEVEL_FACTOR, PARTNER_TOUCH)):
        anomaly = plan.planted(kind)
        if anomaly is None:
            continue
        first, last = int(clock.day(np.array([anomaly.start]))[0]), int(clock.day(np.array([anomaly.end - 1]))[0]) + 1
        visits = round(per_day * factor * (last - first))
        most = round(world.EVENTS_PER_BLOCK * VISITS_PER_EVENT * 2)
        for _ in range(-(-visits // most)):
            found.append(Crowd(kind, min(most, visits), first, last, touch, reference.COUNTRY_INDEX["US"]))
            visits -= most
    return found


def apply(seed: int, project: str, block: int, table: Table, visits: Visits, plan: Plan) -> Table:
    """The events as they are observed."""
    kept = np.ones(len(table), dtype=np.bool_)
    if anomaly := plan.planted("drop"):
        mobile = np.isin(table.device, [i for i, device in enumerate(reference.DEVICES) if device.kind == "mobile"])
        start = visits.start[table.visit]
        luck = stream(seed, project, block, "drop").random(len(visits))[table.visit]
        lost = luck < np.where(mobile, anomaly.size, DROP_SHARE_ELSEWHERE)
        kept &= ~(lost & (start >= anomaly.start) & (start < anomaly.end))
    if anomaly := plan.planted("missing_hour"):
        kept &= (table.at < anomaly.start) | (table.at >= anomaly.end)
    if anomaly := plan.planted("slow_pages"):
        slow = (table.at >= anomaly.start) & (table.load_ms != NONE)
        table = replace(table, load_ms=np.where(slow, (table.load_ms * anomaly.size).astype(np.int64), table.load_ms))
    table = table.take(kept)
    if anomaly := plan.planted("broken_release"):
        table = _break(table, visits, anomaly)
    return table


def _break(table: Table, visits: Visits, anomaly: Anomaly) -> Table:
    """Errors right after the first events of each visit with the broken version."""
    first = np.r_[True, table.visit[1:] != table.visit[:-1]]
    begin = np.maximum.accumulate(np.where(first, np.arange(len(table)), 0))
    number = np.arange(len(table)) - begin
    start = visits.start[table.visit]
    hit = (table.version == STAGED) & (start >= anomaly.start) & (start < anomaly.end)
    parts = [table]
    for error in range(BROKEN_ERRORS):
        # Of visits with fewer events than errors, the first event raises them all.
        rows = np.flatnonzero(hit & (number == 0))
        source = np.where(np.isin(rows + error, np.flatnonzero(hit & (number == error))), rows + error, rows)
        extra = table.take(source)
        shift = 3 + 2 * error  # no other event is that close
        mark = np.uint64(0x9E3779B97F4A7C15 * (error + 1) % 2**64)
        parts.append(
            replace(
                extra,
                kind=np.full(len(extra), Kind.error_occurred),
                at=extra.at + shift,
                original=extra.original + shift,
                sent=np.where(extra.sent == NONE, NONE, extra.sent + shift),
                received=extra.received + shift,
                touch=np.full(len(extra), NONE),
                a=np.full(len(extra), len(reference.ERROR_TYPES)),
                b=np.zeros(len(extra), dtype=np.int64),
                load_ms=np.full(len(extra), NONE),
                random=extra.random ^ mark,
                id_high=extra.id_high ^ mark,
                id_low=extra.id_low ^ mark,
            )
        )
    joined = Table.joined(parts)
    return joined.take(np.lexsort((joined.at, joined.visit)))


def crowd_visits(seed: int, project: str, block: int, crowd: Crowd, clock: Clock) -> tuple[Ints, Visits]:
    """Arrival of each stranger of a crowd, and their one visit."""
    rng = stream(seed, project, block, "crowd")
    arrival = clock.at(rng.integers(crowd.first_day, crowd.last_day, crowd.visits), time_of_day(rng, crowd.visits))
    visits = Visits.of(np.arange(crowd.visits), arrival, PROSPECT)
    visits.touch[:] = crowd.touch
    visits.first[:] = True
    return arrival, visits
