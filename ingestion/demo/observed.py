"""What an analyst may see of a block: the events that count, by person, and how many do not count and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingestion.demo import reference, truth_identity, truth_sessions
from ingestion.demo.block import Block
from ingestion.demo.event_types import Kind
from ingestion.demo.table import NONE, Table

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_BOT_DEVICES = [i for i, device in enumerate(reference.DEVICES) if device.kind == "bot"]


@dataclass(frozen=True)
class Observed:
    """The events that count, sorted by person and time: consent not refused, no bots, nobody of our own.

    `person` is the resolved identity: below `users` the number of a user, else `users` + number of an anonymous id.
    """

    events: Table
    person: Ints
    users: int
    people: int  # numbers of persons are below this
    owner: Ints  # the user of each anonymous id, NOBODY where there is none
    session: Ints  # of each event
    refused: int  # events left out, each for the first of these reasons
    bots: int
    internal: int

    def of(self, *kinds: Kind) -> Bools:
        return np.isin(self.events.kind, kinds)


def observe(block: Block) -> Observed:
    table, users = block.table, block.people.n
    allowed = table.consent != 0
    seen = table.take(allowed)

    # An alias names the other id in `a`, everything else carries both ids beside each other.
    is_alias = seen.kind == Kind.alias
    linked = np.where(is_alias, seen.a, seen.anonymous)
    owner = truth_identity.owners(seen.user, linked, seen.at, block.people.anonymous_ids)
    person = truth_identity.people(seen.user, seen.anonymous, owner, users)

    bot = np.isin(seen.device, _BOT_DEVICES)
    says_internal = (seen.kind == Kind.identify) & block.people.internal[np.maximum(seen.user, 0)] & (seen.user >= 0)
    ours = np.isin(person, np.unique(person[says_internal]))
    counts = ~bot & ~ours
    events, person = seen.take(counts), person[counts]
    order = np.lexsort((events.at, person))
    events, person = events.take(order), person[order]
    return Observed(
        events=events,
        person=person,
        users=users,
        people=users + block.people.anonymous_ids,
        owner=owner,
        session=truth_sessions.sessions(person, events.at, events.session),
        refused=int((~allowed).sum()),
        bots=int(bot.sum()),
        internal=int((ours & ~bot).sum()),
    )


@dataclass(frozen=True)
class Sessions:
    """One row per session, in the order of its number."""

    person: Ints
    start: Ints
    end: Ints
    events: Ints
    views: Ints
    touch: Ints  # of the first event that came from somewhere, else of none: direct
    device: Ints
    country: Ints
    conversions: Ints
    named: Bools  # has an SDK session id


CONVERSIONS = (Kind.signed_up, Kind.subscription_started, Kind.order_completed)
VIEWS = (Kind.page_viewed, Kind.screen_viewed)


def summarise(seen: Observed) -> Sessions:
    events, session = seen.events, seen.session
    count = int(session.max()) + 1 if len(session) else 0
    order = np.lexsort((events.at, session))
    first = order[np.r_[True, np.diff(session[order]) != 0]] if count else order
    last = order[np.r_[np.diff(session[order]) != 0, True]] if count else order
    touched = events.touch[order] > 0  # 0 is direct
    touch = np.zeros(count, dtype=np.int64)
    rows = order[touched][::-1]
    touch[session[rows]] = events.touch[rows]  # the earliest is written last, and stays
    return Sessions(
        person=seen.person[first],
        start=events.at[first],
        end=events.at[last],
        events=np.bincount(session, minlength=count),
        views=np.bincount(session, seen.of(*VIEWS), minlength=count).astype(np.int64),
        touch=touch,
        device=events.device[first],
        country=events.country[first],
        conversions=np.bincount(session, seen.of(*CONVERSIONS), minlength=count).astype(np.int64),
        named=events.session[first] != NONE,
    )
