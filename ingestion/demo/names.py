"""The ids and names of a block: what its numbers are called outside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingestion.demo import reference
from ingestion.demo.clock import Clock
from ingestion.demo.event_types import Kind
from ingestion.demo.members import FREE, Lives, invoice_instants
from ingestion.demo.population import People
from ingestion.demo.script import Events
from ingestion.demo.table import Table
from ingestion.demo.text import instants, join, mix, numbers, padded, take, uuids, where

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PlanHistory:
    """The plan of each member over time: rows sorted by person and time; before the first row it is `initial`."""

    person: Ints
    at: Ints
    plan: Ints
    initial: Ints  # by person

    def plan_at(self, person: Ints, instant: Ints) -> Ints:
        if not len(self.person):
            return self.initial[person]
        key = self.person * 2**43 + self.at  # instants are below 2**43 until the year 2248
        row = np.searchsorted(key, person * 2**43 + instant, side="right") - 1
        known = (row >= 0) & (self.person[np.maximum(row, 0)] == person)
        return np.where(known, self.plan[np.maximum(row, 0)], self.initial[person])


def plan_history(events: Events, lives: Lives, clock: Clock) -> PlanHistory:
    """From the events that change a plan: the change happens at the very instant of the event."""
    kinds = (
        Kind.subscription_started,
        Kind.subscription_upgraded,
        Kind.subscription_downgraded,
        Kind.subscription_cancelled,
    )
    rows = events.take(np.isin(events.kind, kinds))
    rows = rows.take(np.lexsort((rows.at, rows.a)))
    initial = np.where(lives.paid_from < clock.begin, lives.first_plan, FREE)
    return PlanHistory(rows.a, rows.at, rows.b, initial)


@dataclass(frozen=True)
class Names:
    seed: int
    block: int  # its number in the whole world, so that no two blocks share an id
    people: People
    lives: Lives
    history: PlanHistory
    visit_start: Ints
    clock: Clock

    @cached_property
    def _prefix(self) -> str:
        return f"{self.block:04d}"

    @cached_property
    def anonymous_ids(self) -> pa.StringArray:
        number = np.arange(self.people.anonymous_ids)
        return uuids(mix(self.seed, self.block, 1, number), mix(self.seed, self.block, 2, number))

    @cached_property
    def user_ids(self) -> pa.StringArray:
        return join("u_", self._prefix, padded(np.arange(self.people.n), 6))

    def session_id(self, session: Ints, in_milliseconds: NDArray[np.bool_]) -> pa.StringArray:
        """The session's id as its SDK says it; the empty string for NONE."""
        has = session >= 0
        number = np.maximum(session, 0)
        named, place = np.unique(number, return_inverse=True)
        ids = uuids(mix(self.seed, self.block, 3, named), mix(self.seed, self.block, 4, named))
        start = self.visit_start[np.minimum(number, len(self.visit_start) - 1)]
        return where(has, where(in_milliseconds, numbers(start), ids.take(pa.array(place))))

    def user_id(self, person: Ints) -> pa.StringArray:
        """The empty string where `person` is NONE."""
        return where(person >= 0, self.user_ids.take(pa.array(np.maximum(person, 0))))

    def anonymous_id(self, number: Ints) -> pa.StringArray:
        return where(number >= 0, self.anonymous_ids.take(pa.array(np.maximum(number, 0))))

    def previous_id(self, rows: Table) -> pa.StringArray:
        return self.anonymous_id(rows.a)

    def first_name(self, person: Ints) -> pa.StringArray:
        return take(reference.FIRST_NAMES, self._draw(5, person, len(reference.FIRST_NAMES)))

    def last_name(self, person: Ints) -> pa.StringArray:
        return take(reference.LAST_NAMES, self._draw(6, person, len(reference.LAST_NAMES)))

    def full_name(self, person: Ints) -> pa.StringArray:
        return join(self.first_name(person), " ", self.last_name(person))

    def email(self, person: Ints) -> pa.StringArray:
        host = where(self.people.internal[person], "@demo-shop.example", "@mail.example")
        return join(
            self.first_name(person), ".", self.last_name(person), numbers(self.block * 1_000_000 + person), host
        )

    def _draw(self, place: int, person: Ints, below: int) -> Ints:
        return (mix(self.seed, self.block, place, person) % np.uint64(below)).astype(np.int64)

    def company_id(self, person: Ints) -> pa.StringArray:
        company = self.people.company[person]
        return where(company >= 0, join("company_", self._prefix, padded(np.maximum(company, 0), 4)))

    def signed_up_at(self, person: Ints) -> pa.StringArray:
        return instants(np.minimum(self.lives.joined[person], self.clock.end))

    def subscription_id(self, person: Ints) -> pa.StringArray:
        return join("sub_", self._prefix, padded(person, 6))

    def invoice_id(self, person: Ints, month: Ints) -> pa.StringArray:
        return join("inv_", self._prefix, padded(person, 6), "_", padded(month, 2))

    def order_id(self, cart: Ints) -> pa.StringArray:
        return join("ord_", self._prefix, padded(cart, 6))

    def checkout_id(self, cart: Ints) -> pa.StringArray:
        return join("chk_", self._prefix, padded(cart, 6))

    def plan_at(self, person: Ints, instant: Ints) -> Ints:
        return self.history.plan_at(person, instant)

    def plan_of_invoice(self, person: Ints, month: Ints) -> Ints:
        return self.history.plan_at(person, invoice_instants(self.lives, self.clock)[person, month])
