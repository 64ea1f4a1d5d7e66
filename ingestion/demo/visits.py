"""Visits: when a person comes, on which device, and in what role. New people's visits are drawn here."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ingestion.demo import marketing, reference, world
from ingestion.demo.clock import HOUR_MS, Clock, time_of_day
from ingestion.demo.population import NEVER, People
from ingestion.demo.streams import pick, stream

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PROSPECT, SIGN_UP, MEMBER, BOT = range(4)
NO_TASK, SUBSCRIBE, UPGRADE, DOWNGRADE, CANCEL = range(5)


@dataclass
class Visits:
    """Arrays with one element per visit."""

    person: Ints
    start: Ints
    role: Ints
    task: Ints  # what a member came for
    slot: Ints  # which device
    touch: Ints
    errors: Ints
    ticket: Bools
    first: Bools  # the first visit of a new person

    def __len__(self) -> int:
        return len(self.person)

    def take(self, which: NDArray[np.generic]) -> Visits:
        return Visits(**{field.name: getattr(self, field.name)[which] for field in fields(self)})

    @classmethod
    def joined(cls, parts: list[Visits]) -> Visits:
        return cls(
            **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)}
        )

    @classmethod
    def of(cls, person: Ints, start: Ints, role: int, task: int = NO_TASK) -> Visits:
        n = len(person)
        return cls(
            person=person,
            start=start,
            role=np.full(n, role),
            task=np.full(n, task),
            slot=np.zeros(n, dtype=np.int64),
            touch=np.zeros(n, dtype=np.int64),
            errors=np.zeros(n, dtype=np.int64),
            ticket=np.zeros(n, dtype=np.bool_),
            first=np.zeros(n, dtype=np.bool_),
        )


def prospect_visits(seed: int, project: str, block: int, people: People, clock: Clock) -> tuple[Visits, Ints]:
    """The visits of new people until they sign up or lose interest, and of each person the instant of the
    sign-up visit (NEVER for those who do not)."""
    rng = stream(seed, project, block, "prospects")
    parts: list[Visits] = []
    joined = np.full(people.n, NEVER)
    person = np.flatnonzero(~people.existing & ~people.bot)
    start = people.arrival[person]
    interested = world.EXTRA_VISITS / (1 + world.EXTRA_VISITS)  # of a geometric number of further visits
    number = 0
    while len(person) and number < 5:
        visits = Visits.of(person, start, PROSPECT)
        visits.first[:] = number == 0
        visits.touch = people.touch[person] if number == 0 else pick(rng, marketing.weights("returning"), len(person))
        signs_up = people.sign_up_visit[person] == number
        visits.role[signs_up] = SIGN_UP
        joined[person[signs_up]] = start[signs_up]
        parts.append(visits)
        comes_again = np.where(
            people.sign_up_visit[person] >= 0,
            people.sign_up_visit[person] > number,
            rng.random(len(person)) < interested,
        )
        person, start = person[comes_again], _some_days_later(rng, clock, start[comes_again])
        person, start = person[start < clock.end], start[start < clock.end]
        number += 1
    visits = Visits.joined(parts)
    choose_devices(rng, people, visits)
    return visits, joined


def _some_days_later(rng: np.random.Generator, clock: Clock, start: Ints) -> Ints:
    """A few days after `start`, at a time of day when people are awake; at least an hour later."""
    days = rng.exponential(world.DAYS_BETWEEN_PROSPECT_VISITS, len(start)).astype(np.int64)
    day = np.minimum(clock.day(start) + days, clock.days - 1)
    later = clock.at(day, time_of_day(rng, len(start)))
    too_soon = later < start + HOUR_MS
    day = np.where(too_soon, day + 1, day)
    within = day < clock.days
    later = np.where(too_soon & within, later + 24 * HOUR_MS, later)
    return np.where(within, later, clock.end)


def bot_visits(seed: int, project: str, block: int, people: People, clock: Clock) -> Visits:
    """Bots come again and again, at any hour."""
    rng = stream(seed, project, block, "bots")
    bots = np.flatnonzero(people.bot)
    person = np.repeat(bots, rng.poisson(2, len(bots)) + 1)
    return Visits.of(person, rng.integers(clock.begin, clock.end - HOUR_MS, len(person)), BOT)


def choose_devices(rng: np.random.Generator, people: People, visits: Visits) -> None:
    """Which device each visit is on: members use their second one now and then; a reset cookie stays reset."""
    second = (people.device[visits.person, 1] >= 0) & (visits.role == MEMBER) & (rng.random(len(visits)) < 0.3)
    second &= visits.task == NO_TASK
    visits.slot = np.where(second, 1, np.where(visits.start >= people.reset_at[visits.person], 2, 0))
    # A device that is never logged in to shows a stranger, who only looks around.
    stranger = (visits.slot == 1) & ~people.logs_in_there[visits.person]
    visits.role = np.where(stranger, PROSPECT, visits.role)


def choose_touches(seed: int, project: str, block: int, people: People, visits: Visits) -> None:
    """How members' visits come about; and in the app nothing but deep links of campaigns is known."""
    rng = stream(seed, project, block, "touch-of-visits")
    member = pick(rng, marketing.weights("member"), len(visits))
    app = pick(rng, marketing.weights("app"), len(visits))
    in_app = np.isin(people.device[visits.person, visits.slot], reference.APP_DEVICES)
    returning = ~visits.first
    touch = np.where((visits.role == MEMBER) & returning, member, visits.touch)
    touch = np.where(in_app & returning, app, touch)
    visits.touch = np.where(visits.role == BOT, marketing.DIRECT, touch)
