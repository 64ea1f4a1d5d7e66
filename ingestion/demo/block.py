"""One block of the world: some people of one project, all they do, and what is sent of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingestion.demo import anomalies, sdk, shop, world
from ingestion.demo.behaviour import Setting, set_the_stage, write_script
from ingestion.demo.clock import Clock
from ingestion.demo.event_types import Kind
from ingestion.demo.experiments import BUTTON
from ingestion.demo.members import Lives, live
from ingestion.demo.names import Names, plan_history
from ingestion.demo.population import People, populate, strangers
from ingestion.demo.properties import Facts
from ingestion.demo.reference import COUNTRIES, CURRENCIES
from ingestion.demo.script import Events, Script
from ingestion.demo.streams import stream
from ingestion.demo.table import Table
from ingestion.demo.visits import (
    BOT,
    MEMBER,
    PROSPECT,
    Visits,
    bot_visits,
    choose_touches,
    prospect_visits,
)

Ints = NDArray[np.int64]

_CURRENCY_OF_COUNTRY: Ints = np.array([CURRENCIES.index(country.currency) for country in COUNTRIES])


@dataclass
class Block:
    """A simulated block. `happened` is what people did; `table` what is observed of it, without repeats."""

    project: world.Project
    clock: Clock
    people: People
    lives: Lives
    visits: Visits
    happened: Events
    table: Table
    facts: Facts

    @property
    def names(self) -> Names:
        return self.facts.names


def simulate(
    settings: world.World, project: world.Project, number: int, events: int, crowd: anomalies.Crowd | None = None
) -> Block:
    """Block `number` of the world, of about `events` events; or one with a crowd, if one is given."""
    seed, clock = settings.seed, Clock(project.timezone, settings.start)
    plan = anomalies.plan(seed, project.id, clock, settings.planted)
    goods = shop.catalogue(seed)
    if crowd is None:
        people, lives, visits = everybody(seed, project, number, events, clock)
    else:
        people, lives, visits = _crowd(seed, project, number, crowd, clock)
    setting = set_the_stage(seed, project.id, number, people, visits)
    carts = _shopping(seed, project.id, number, people, visits, setting, goods, crowd is None)
    script: Script = write_script(seed, project.id, number, people, lives, visits, setting, carts, clock)
    happened = script.play(seed, project.id, number, visits, clock)
    _date_by_events(lives, happened)
    history = plan_history(happened, lives, clock)
    names = Names(seed, number, people, lives, history, visits.start, clock)
    table = sdk.send(
        seed, project, number, settings.dialect_factor, people, lives, visits, setting, happened, clock,
        plan.staged_release,
    )  # fmt: skip
    if crowd is None:
        table = anomalies.apply(seed, project.id, number, table, visits, plan)
    return Block(project, clock, people, lives, visits, happened, table, Facts(names, goods, carts, project.currency))


def _date_by_events(lives: Lives, happened: Events) -> None:
    """Members joined and were onboarded when the events say so, not when the visit began."""
    for kind, column in ((Kind.signed_up, lives.joined), (Kind.onboarding_completed, lives.onboarded)):
        rows = happened.take(happened.kind == kind)
        column[rows.c] = rows.at


def everybody(
    seed: int, project: world.Project, number: int, events: int, clock: Clock
) -> tuple[People, Lives, Visits]:
    people = populate(seed, project, number, events, clock)
    before, joined = prospect_visits(seed, project.id, number, people, clock)
    lives, after = live(seed, project.id, number, people, clock, joined, before)
    visits = Visits.joined([before, after, bot_visits(seed, project.id, number, people, clock)])
    choose_touches(seed, project.id, number, people, visits)
    return people, lives, visits


def _crowd(
    seed: int, project: world.Project, number: int, crowd: anomalies.Crowd, clock: Clock
) -> tuple[People, Lives, Visits]:
    arrival, visits = anomalies.crowd_visits(seed, project.id, number, crowd, clock)
    people = strangers(seed, project, number, arrival, crowd.country, crowd.touch)
    joined = np.full(people.n, np.int64(2**62))
    lives, _ = live(seed, project.id, number, people, clock, joined, visits)
    return people, lives, visits


def _shopping(
    seed: int, project: str, number: int, people: People, visits: Visits, setting: Setting, goods: shop.Catalogue,
    open_for_business: bool,
) -> shop.Carts:  # fmt: skip
    rng = stream(seed, project, number, "shoppers")
    chance = np.select(
        [visits.role == MEMBER, visits.role == PROSPECT], [world.MEMBER_SHOP_VISIT, world.PROSPECT_SHOP_VISIT], 0.0
    )
    shops = (rng.random(len(visits)) < chance) & open_for_business & (visits.role != BOT)
    visit = np.flatnonzero(shops)
    person = visits.person[visit]
    return shop.shop(
        seed,
        project,
        number,
        goods,
        visit,
        people.favourite[person],
        _CURRENCY_OF_COUNTRY[people.country[person]],
        people.arm[person, BUTTON],
    )
