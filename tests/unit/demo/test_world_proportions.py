"""What world.py declares is what a world has, within what chance allows (four standard deviations)."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from ingestion.demo import reference, world
from ingestion.demo.block import Block, simulate
from ingestion.demo.clock import DAY_MS, HOUR_MS
from ingestion.demo.event_types import Kind
from ingestion.demo.experiments import EXPERIMENTS
from ingestion.demo.observed import observe
from ingestion.demo.population import CONSENT_LATER, CONSENT_NEVER
from ingestion.demo.sdk import DIALECTS, repeats
from ingestion.demo.shop import PRODUCTS_PER_BUNDLE
from ingestion.demo.table import EXACT_COPY, NONE, RESENT_COPY
from ingestion.demo.visits import MEMBER

EVENTS = 120_000


@pytest.fixture(scope="module")
def block() -> Block:
    return simulate(world.World(seed=21), world.PROJECTS[0], 0, EVENTS)


def close(hits: int, of: int, declared: float) -> bool:
    return bool(abs(hits - of * declared) <= 4 * np.sqrt(of * declared * (1 - declared)) + 1)


def count(flags: NDArray[np.bool_]) -> tuple[int, int]:
    return int(flags.sum()), len(flags)


def test_size(block: Block) -> None:
    assert abs(len(block.table) / EVENTS - 1) < 0.15


def test_people(block: Block) -> None:
    people = block.people
    ordinary = ~people.bot & ~people.internal
    assert close(*count(people.consent[ordinary] == CONSENT_NEVER), world.CONSENT_NEVER)
    assert close(*count(people.consent[ordinary] == CONSENT_LATER), world.CONSENT_LATER)
    assert close(*count(people.device[~people.bot & ~people.alias_only, 1] >= 0), world.SECOND_DEVICE)
    assert close(*count(people.alias_only[~people.internal]), world.ALIAS_ONLY)
    assert close(*count(people.skew[:, 0] != 0), world.SKEWED_DEVICES)
    assert np.abs(people.skew).max() <= world.MAX_SKEW_HOURS * HOUR_MS
    assert (people.skew > 0).any() and (people.skew < 0).any()
    for number, experiment in enumerate(EXPERIMENTS):
        assert close(*count(people.arm[:, number] == 1), experiment.treatment_share)


def test_sign_ups(block: Block) -> None:
    people = block.people
    new = ~people.existing & ~people.bot
    share = (people.sign_up_visit[new] >= 0).mean()
    assert abs(share / world.SIGN_UP_RATE - 1) < 0.25, "channel and country move it around the declared rate"
    signed_up = people.arm[people.sign_up_visit >= 0, 1].mean() / people.arm[new, 1].mean()
    assert signed_up > 1.02, "the landing page works"


def test_clocks_and_networks(block: Block) -> None:
    table = block.table
    corrects = table.sent != NONE
    assert np.array_equal((table.original - (table.sent - table.received))[corrects], table.at[corrects])
    assert np.array_equal(table.original[~corrects], table.at[~corrects])
    late = table.received - table.at
    assert late.min() >= 0
    assert late.max() <= world.MAX_LATE_DAYS * DAY_MS
    assert (late > 6 * DAY_MS).any() and (late > HOUR_MS).mean() < 0.05
    assert table.received.max() < block.clock.end


def test_repeats(block: Block) -> None:
    again = repeats(block.table, block.clock)
    assert close(int((again.copy == EXACT_COPY).sum()), len(block.table), world.EXACT_REPEATS)
    assert close(int((again.copy == RESENT_COPY).sum()), len(block.table), world.RESENT)


def test_identities(block: Block) -> None:
    table, seen = block.table, observe(block)
    both = table.kind == Kind.alias
    assert (table.user[both] >= 0).all() and (table.anonymous[both] == NONE).all()
    # Somebody is tied to a device by nothing but an alias.
    paired = set(table.anonymous[(table.user >= 0) & (table.anonymous >= 0)].tolist())
    assert set(table.a[both].tolist()) - paired
    shared = Counter(
        np.unique(np.stack([table.anonymous, table.user])[:, (table.anonymous >= 0) & (table.user >= 0)], axis=1)[
            0
        ].tolist()
    )
    assert max(shared.values()) == 2
    assert (seen.person >= seen.users).any() and (seen.person < seen.users).any()


def test_no_person_has_two_events_at_one_instant(block: Block) -> None:
    seen = observe(block)
    same = (np.diff(seen.person) == 0) & (np.diff(seen.events.at) == 0)
    assert not same.any()


def test_weeks_and_growth(block: Block) -> None:
    first = block.visits.take(block.visits.first)
    day = block.clock.day(first.start)
    weekday = np.bincount(block.clock.weekday[day], minlength=7)
    assert weekday[5:].max() < weekday[:5].min()
    half = block.clock.days // 2
    assert (day >= half).sum() > 1.08 * (day < half).sum()


def test_both_days_of_the_change_of_time_are_days(block: Block) -> None:
    lengths = np.diff(block.clock.midnights)
    assert sorted(set(lengths.tolist())) == [23 * HOUR_MS, 24 * HOUR_MS]
    assert block.clock.dates[int(np.argmin(lengths))] == "2026-03-29"


def test_churn_happens_as_its_probability_says(block: Block) -> None:
    rows = [row for row in block.lives.churn if row.churned is not None]
    probability = np.concatenate([row.probability for row in rows])
    churned = np.concatenate([row.churned for row in rows if row.churned is not None])
    spread = np.sqrt((probability * (1 - probability)).sum())
    assert abs(churned.sum() - probability.sum()) < 4 * spread
    high = probability > np.median(probability)
    assert churned[high].mean() > 2 * churned[~high].mean()


def test_the_causes_of_churn_are_in_the_events() -> None:
    block = simulate(world.World(seed=21, anomalies=False), world.PROJECTS[0], 0, EVENTS)
    seen = observe(block)
    for row in block.lives.churn[:-1]:
        low, high = (block.clock.midnights[(row.epoch + e) * world.EPOCH_DAYS] for e in (0, 1))
        inside = (seen.events.at >= low) & (seen.events.at < high) & (seen.person < seen.users)
        visible = np.isin(row.person, seen.person[inside])
        person = row.person[visible]
        for name, kind in (("errors", Kind.error_occurred), ("tickets", Kind.support_ticket_opened)):
            hits = np.bincount(seen.person[inside & seen.of(kind)], minlength=seen.users)[person]
            agree = np.minimum(hits, world.CHURN_CAPS[name]) == row.features[name][visible]
            assert agree.mean() > 0.97, (name, row.epoch)
        days = np.unique(np.stack([seen.person, block.clock.day(seen.events.at)])[:, inside], axis=1)[0]
        agree = np.bincount(days, minlength=seen.users)[person] == row.features["active_days"][visible]
        assert agree.mean() > 0.93, row.epoch


def test_orders_follow_the_bundles(block: Block) -> None:
    carts = block.facts.carts
    first, second = carts.product[:, 0], carts.product[:, 1]
    both = (first >= 0) & (second >= 0)
    same = first[both] // PRODUCTS_PER_BUNDLE == second[both] // PRODUCTS_PER_BUNDLE
    # A product is never twice in a cart, which costs some of the pairs of one bundle.
    assert 0.6 < same.mean() <= world.SAME_BUNDLE + 0.03


def test_members_use_several_devices_and_leave_traces_of_all(block: Block) -> None:
    visits = block.visits.take(block.visits.role == MEMBER)
    assert set(visits.slot.tolist()) == {0, 1, 2}
    kinds = {reference.DEVICES[device].kind for device in block.table.device}
    assert kinds == {"desktop", "mobile", "tablet", "bot"}


def test_every_event_type_occurs(block: Block) -> None:
    assert set(block.table.kind.tolist()) == {*Kind}


def test_dialects_of_a_small_world() -> None:
    settings = world.World(seed=21)
    sent = np.zeros(len(DIALECTS), dtype=np.int64)
    for number, project in enumerate(world.PROJECTS):
        block = simulate(settings, project, number, round(settings.events * project.share_of_events))
        sent += np.bincount(block.table.dialect, minlength=len(DIALECTS))
    share = dict(zip(DIALECTS, (sent / sent.sum()).tolist(), strict=True))
    assert share["segment"] > 0.1 and share["posthog"] > 0.1
    assert min(share.values()) > 0.001


def test_a_large_world_is_mostly_canonical() -> None:
    block = simulate(world.World(size="large", seed=21), world.PROJECTS[0], 0, EVENTS)
    assert (block.table.dialect == 0).mean() > 0.9
