"""From what people did to what their devices send: ids, sessions, clocks, networks, and their faults."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ingestion.demo import reference, world
from ingestion.demo.behaviour import Setting
from ingestion.demo.clock import DAY_MS, HOUR_MS, MINUTE_MS, Clock
from ingestion.demo.event_types import Kind
from ingestion.demo.members import Lives
from ingestion.demo.population import CONSENT_YES, People, version_index
from ingestion.demo.script import Events
from ingestion.demo.streams import pick, stream
from ingestion.demo.table import EXACT_COPY, NONE, RESENT_COPY, Table
from ingestion.demo.visits import Visits

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DIALECTS: Final = ("canonical", *world.DIALECT_SHARES)
CANONICAL: Final = 0
# What the SDKs of these dialects can say. Apps: Segment's family; refusals of consent: with a place for them.
SPEAKS_APP: Final = ("canonical", "segment", "rudderstack", "csv")
SPEAKS_CONSENT: Final = ("canonical", "segment")
SPEAKS_IDENTITY: Final = ("canonical", "segment", "rudderstack", "posthog", "requests", "csv")
HAS_SESSION: Final = ("posthog", "amplitude", "snowplow", "rudderstack")
# A clock can only be corrected where both ends of the sending are known from the file.
CORRECTS_CLOCK: Final = ("canonical", "segment", "rudderstack", "snowplow", "requests", "csv")
SENDS_LOAD_TIME: Final = tuple(name for name in DIALECTS if name != "snowplow")
STAGED = len(reference.RELEASES)
STAGED_SHARE: Final = 0.6  # of those who do not pay, in the days of the staged release
ALWAYS_ON_DAYS: Final = 3  # how long one session id lasts on a screen that is always on


def arrival_is_known(dialect: Ints) -> Bools:
    """Whether the file of an event says when it was received."""
    return _is(dialect, CORRECTS_CLOCK)


def _is(dialect: Ints, names: tuple[str, ...]) -> Bools:
    return np.isin(dialect, [DIALECTS.index(name) for name in names])


def send(
    seed: int,
    project: world.Project,
    block: int,
    factor: float,
    people: People,
    lives: Lives,
    visits: Visits,
    setting: Setting,
    events: Events,
    clock: Clock,
    staged: tuple[int, int],
) -> Table:
    """The block's events as sent, without repeats. `staged`: the days of the staged release, see anomalies.py."""
    rng = stream(seed, project.id, block, "sending")
    visit, n = events.visit, len(events)
    person, slot = visits.person[visit], visits.slot[visit]
    anonymous = people.anonymous[person, slot]
    dialect = _dialects(seed, project.id, block, factor, people)[anonymous]
    known = events.position >= setting.known_from[visit]
    luck = rng.random(n)
    without_anonymous = known & people.alias_only[person]
    without_anonymous |= known & (events.kind == Kind.order_completed) & (luck < world.BACKEND_ORDERS)
    without_anonymous |= events.kind == Kind.alias
    random, id_high, id_low = rng.integers(0, 2**64, (3, n), dtype=np.uint64)
    page, previous_page, entry = _pages(events)
    load_ms = np.exp(rng.normal(6.35, 0.45, n)).astype(np.int64)
    is_view = np.isin(events.kind, (Kind.page_viewed, Kind.screen_viewed)) & _is(dialect, SENDS_LOAD_TIME)
    app = setting.app[visit]
    table = Table(
        kind=events.kind,
        at=events.at,
        person=person,
        visit=visit,
        user=np.where(known, person, NONE),
        anonymous=np.where(without_anonymous, NONE, anonymous),
        session=_sessions(seed, project.id, block, people, visits, clock, dialect, anonymous, visit, person),
        device=people.device[person, slot],
        app=app,
        country=np.where(events.at >= people.moves_at[person], people.moves_to[person], people.country[person]),
        touch=np.where(entry, visits.touch[visit], NONE),
        page=page,
        previous_page=previous_page,
        version=_versions(seed, project.id, block, people, lives, visits, clock, staged, visit, app),
        a=np.where(events.kind == Kind.alias, anonymous, events.a),  # an alias says which id it was
        b=events.b,
        c=events.c,
        load_ms=np.where(is_view, load_ms, NONE),
        random=random,
        id_high=id_high,
        id_low=id_low,
        dialect=dialect,
        consent=_consent(people, setting, dialect, visit, person),
        original=events.at,
        sent=np.full(n, NONE),
        received=events.at,
        copy=np.zeros(n, dtype=np.int64),
    )
    _clocks(rng, people, clock, table, slot, anonymous)
    sayable = _is(dialect, SPEAKS_IDENTITY) | ~np.isin(events.kind, (Kind.identify, Kind.group, Kind.alias))
    return table.take(sayable)


def _dialects(seed: int, project: str, block: int, factor: float, people: People) -> Ints:
    """The dialect of each anonymous id: a device speaks one, whoever uses it."""
    rng = stream(seed, project, block, "dialects")
    shares = np.array(list(world.DIALECT_SHARES.values())) * factor
    dialect = pick(rng, np.r_[1 - shares.sum(), shares], people.anonymous_ids)
    owner = np.arange(people.anonymous_ids) // people.anonymous.shape[1]
    device = people.device.ravel()[: people.anonymous_ids]
    in_app = np.isin(device, reference.APP_DEVICES)
    # What its SDK cannot say, a device does not send in that dialect.
    dialect = np.where(in_app & ~_is(dialect, SPEAKS_APP), CANONICAL, dialect)
    special = (people.consent[owner] != CONSENT_YES) | people.bot[owner] | people.alias_only[owner]
    dialect = np.where(special & ~_is(dialect, SPEAKS_CONSENT), CANONICAL, dialect)
    return np.where(people.internal[owner] | people.always_on[owner], CANONICAL, dialect)


def _pages(events: Events) -> tuple[Ints, Ints, Bools]:
    """The page each event happened on, the one before it, and whether it is the entry of its visit."""
    n = len(events)
    first = np.r_[True, events.visit[1:] != events.visit[:-1]] if n else np.zeros(0, dtype=np.bool_)
    begin = np.maximum.accumulate(np.where(first, np.arange(n), 0))
    is_view = np.isin(events.kind, (Kind.page_viewed, Kind.screen_viewed))
    latest = np.maximum.accumulate(np.where(is_view | first, np.arange(n), 0))
    page = np.where(is_view[latest], events.a[latest], 0)
    before = np.where(latest > begin, latest - 1, NONE)  # any event before the latest view is on the page before
    previous = np.where(before >= 0, page[np.maximum(before, 0)], NONE)
    return page, previous, first


def _sessions(
    seed: int,
    project: str,
    block: int,
    people: People,
    visits: Visits,
    clock: Clock,
    dialect: Ints,
    anonymous: Ints,
    visit: Ints,
    person: Ints,
) -> Ints:
    """The number of the SDK's session: one for a visit, NONE where the SDK has no sessions."""
    rng = stream(seed, project, block, "session-ids")
    sends = (rng.random(people.anonymous_ids) < world.WITH_SESSION_ID)[anonymous] & _is(dialect, ("canonical", "csv"))
    sends |= _is(dialect, HAS_SESSION) | people.always_on[person]
    long_lived = len(visits) + person * clock.days + clock.day(visits.start[visit]) // ALWAYS_ON_DAYS
    return np.where(sends, np.where(people.always_on[person], long_lived, visit), NONE)


def _versions(
    seed: int,
    project: str,
    block: int,
    people: People,
    lives: Lives,
    visits: Visits,
    clock: Clock,
    staged: tuple[int, int],
    visit: Ints,
    app: Bools,
) -> Ints:
    version = version_index(people, clock, visits.person, visits.start)
    in_window = (visits.start >= staged[0]) & (visits.start < staged[1])
    pays = (lives.paid_from[visits.person] <= visits.start) & (lives.paid_to[visits.person] > visits.start)
    chosen = stream(seed, project, block, "staged-release").random(people.n) < STAGED_SHARE
    version = np.where(in_window & ~pays & chosen[visits.person], STAGED, version)
    return np.where(app, version[visit], NONE)


def _consent(people: People, setting: Setting, dialect: Ints, visit: Ints, person: Ints) -> Ints:
    """Said where it was refused or changed, and by every second of the others."""
    says = (people.consent[person] != CONSENT_YES) | (person % 2 == 0)
    says &= _is(dialect, SPEAKS_CONSENT) & ~people.bot[person]
    return np.where(says, setting.consent_given[visit].astype(np.int64), NONE)


def _clocks(rng: np.random.Generator, people: People, clock: Clock, table: Table, slot: Ints, anonymous: Ints) -> None:
    """When each event was sent and received, and what the client's clock made of it.

    The corrected timestamp is given (`at`); the others are chosen so that original - (sent - received) = at.
    """
    n = len(table)
    flush = rng.integers(0, 10_000, n)
    network = rng.integers(40, 2_500, n)
    visits = int(table.visit.max()) + 1 if n else 0
    hours = np.exp(rng.uniform(np.log(0.5), np.log(world.MAX_LATE_DAYS * 24), visits))
    offline = np.where(rng.random(visits) < world.LATE_VISITS, hours * HOUR_MS, 0).astype(np.int64)
    late = np.where(table.app, offline[table.visit], 0)
    single = rng.random(n) < world.LATE_EVENTS
    late = np.where(single, rng.integers(MINUTE_MS, world.MAX_LATE_DAYS * DAY_MS, n), late)
    late = np.minimum(late, world.MAX_LATE_DAYS * DAY_MS - 10_000)
    # The world is looked at when its last day ends: whatever is not received by then did not get late.
    table.received = np.minimum(table.at + late + flush, clock.end - 1)

    corrects = _is(table.dialect, CORRECTS_CLOCK)
    says_when = (rng.random(people.anonymous_ids) < world.WITH_SENT_AT)[anonymous]
    corrects &= says_when | ~_is(table.dialect, ("canonical", "csv"))
    ahead = people.skew[table.person, slot]
    table.sent = np.where(corrects, table.received - network + ahead, NONE)
    table.original = np.where(corrects, table.at - network + ahead, table.at)


def repeats(table: Table, clock: Clock) -> Table:
    """The repeats: the same line again, or the same event sent again later. Drawn from the event's own id, so
    that a twin world repeats the same events."""
    luck = (table.id_low >> np.uint64(12)).astype(np.float64) / 2.0**52
    exact = table.take(luck < world.EXACT_REPEATS)
    exact = replace(exact, copy=np.full(len(exact), EXACT_COPY))
    again = table.take((luck >= world.EXACT_REPEATS) & (luck < world.EXACT_REPEATS + world.RESENT))
    delay = (again.random % np.uint64(3 * DAY_MS)).astype(np.int64) + MINUTE_MS
    later = np.minimum(again.received + delay, clock.end - 1)
    again = replace(
        again,
        sent=np.where(again.sent == NONE, NONE, again.sent + later - again.received),
        received=later,
        copy=np.full(len(again), RESENT_COPY),
    )
    return Table.joined([exact, again])
