"""The life of members, 30 days at a time: visits, trials, subscriptions, payments, and who leaves and why.

At the end of each 30 days the probability that a paying member cancels within the next 30 is computed from
what happened in these 30 days (world.CHURN_COEFFICIENTS), and a coin with exactly that probability decides.
So the probability is known, every cause of it is in the data, and nothing else matters.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ingestion.demo import world
from ingestion.demo.clock import DAY_MS, HOUR_MS, MINUTE_MS, Clock, time_of_day
from ingestion.demo.population import NEVER, People
from ingestion.demo.streams import stream
from ingestion.demo.visits import CANCEL, DOWNGRADE, MEMBER, SUBSCRIBE, UPGRADE, Visits, choose_devices

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FREE, PRO, ENTERPRISE = range(3)


@dataclass
class PlanChanges:
    """What a member's plan became and when, in no order; FREE after a cancellation."""

    person: Ints
    at: Ints
    plan: Ints
    task: Ints


@dataclass
class ChurnRow:
    """One cut-off: everybody who pays then, what was seen of them, and what came of it."""

    epoch: int
    person: Ints
    features: dict[str, Floats]
    probability: Floats
    churned: Bools | None  # None at the world's end: the future is not known


@dataclass
class Lives:
    """What became of each person as a member (arrays by person), and the visits they made."""

    joined: Ints
    trial: Bools
    onboarded: Ints  # when onboarding was finished; before the world for some existing members; NEVER
    paid_from: Ints
    paid_to: Ints
    first_plan: Ints
    invoice_failed: Bools  # (n, months)
    invoice_recovers: Bools
    months: list[str]
    changes: list[PlanChanges] = field(default_factory=list)
    churn: list[ChurnRow] = field(default_factory=list)
    leaves: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    expected_visits: Floats = field(default_factory=lambda: np.zeros(0))  # by day: the mean the counts were drawn with


def live(
    seed: int, project: str, block: int, people: People, clock: Clock, joined: Ints, before: Visits
) -> tuple[Lives, Visits]:
    """`before`: the visits until the sign-up, which are activity as well."""
    lives = _begin(seed, project, block, people, clock, joined)
    parts: list[Visits] = []
    rate = people.rate.copy()
    leaves = np.full(people.n, NEVER)
    lives.expected_visits = np.zeros(clock.days)
    # What decides about the first 30 days lies before the world: a plain share of the payers cancels.
    rng = stream(seed, project, block, "before")
    paid = np.flatnonzero(lives.paid_from < clock.begin)
    cancels = paid[rng.random(len(paid)) < world.CHURN_IN_THE_FIRST_EPOCH]
    _leave(rng, lives, clock, leaves, cancels, 0, cancels=True)
    for epoch in range(world.EPOCHS):
        rng = stream(seed, project, block, "epoch", epoch)
        first_day = epoch * world.EPOCH_DAYS
        begin, end = int(clock.midnights[first_day]), int(clock.midnights[first_day + world.EPOCH_DAYS])
        visits = _visits_of_epoch(rng, people, lives, clock, first_day, rate, leaves)
        visits = Visits.joined([visits, *_task_visits(rng, lives, begin, end, leaves)])
        choose_devices(rng, people, visits)
        as_member = visits.role == MEMBER
        visits.errors = np.where(as_member, rng.poisson(people.errors_per_visit[visits.person]), 0)
        chance = world.TICKET_RATE + world.TICKET_RATE_PER_ERROR * np.minimum(visits.errors, 3)
        visits.ticket = as_member & (rng.random(len(visits)) < chance)
        parts.append(visits)

        paying = np.flatnonzero((lives.paid_from < end) & (lives.paid_to > end) & (leaves > end))
        row = _churn_row(epoch, people, lives, clock, visits, before, paying, begin, end)
        lives.churn.append(row)
        if epoch + 1 < world.EPOCHS:
            row.churned = rng.random(len(paying)) < row.probability
            _leave(rng, lives, clock, leaves, paying[row.churned], first_day + world.EPOCH_DAYS, cancels=True)
            free = np.flatnonzero((lives.joined < end) & (leaves > end) & (lives.paid_from > end) & ~people.internal)
            drops = free[rng.random(len(free)) < world.FREE_DROP_OUT]
            _leave(rng, lives, clock, leaves, drops, first_day + world.EPOCH_DAYS, cancels=False)
        rate = rate * np.exp(rng.normal(-(world.ENGAGEMENT_DRIFT**2) / 2, world.ENGAGEMENT_DRIFT, people.n))
    lives.leaves = leaves
    return lives, Visits.joined(parts)


def _begin(seed: int, project: str, block: int, people: People, clock: Clock, joined: Ints) -> Lives:
    """What is decided when a member joins: trial, subscription, plan, and which invoices will fail."""
    rng = stream(seed, project, block, "memberships")
    n = people.n
    joined = joined.copy()
    before = np.flatnonzero(people.existing)
    joined[before] = clock.begin - (rng.uniform(20, 500, len(before)) * DAY_MS).astype(np.int64)
    new = (joined < NEVER) & ~people.existing

    trial = new & (rng.random(n) < world.TRIAL_RATE) & ~people.internal
    conversion = world.TRIAL_CONVERSION + world.TRIAL_CONVERSION_ONBOARDED * people.onboards
    converts = trial & (rng.random(n) < conversion)
    later = (joined < NEVER) & ~converts & (rng.random(n) < world.LATER_SUBSCRIPTION)
    days = np.where(converts, rng.uniform(6, world.TRIAL_DAYS, n), 3 + rng.exponential(40, n))
    base = np.where(people.existing, clock.begin, np.minimum(joined, clock.end))
    planned = _by_day(rng, clock, base, days)
    paid_from = np.where((converts | later) & ~people.internal, planned, NEVER)
    pays_already = people.existing & ~people.internal & (rng.random(n) < 0.5)
    since = clock.begin - (rng.uniform(0.02, 1.0, n) * (clock.begin - np.minimum(joined, clock.begin))).astype(np.int64)
    paid_from = np.where(pays_already, since, paid_from)

    months = _months(clock)
    onboarded = np.where(people.existing & people.onboards, joined + HOUR_MS, NEVER)
    return Lives(
        joined=joined,
        trial=trial,
        onboarded=onboarded,
        paid_from=paid_from,
        paid_to=np.full(n, NEVER),
        first_plan=np.where(rng.random(n) < world.ENTERPRISE_SHARE, ENTERPRISE, PRO),
        invoice_failed=rng.random((n, len(months))) < world.PAYMENT_FAILURE,
        invoice_recovers=rng.random((n, len(months))) < world.PAYMENT_RECOVERY,
        months=months,
    )


def _by_day(rng: np.random.Generator, clock: Clock, base: Ints, days: Floats) -> Ints:
    """Some days after `base` at a time when people are awake; NEVER where that is after the world."""
    day = clock.day(base) + 1 + days.astype(np.int64)
    inside = (day >= 0) & (day < clock.days)
    instant = clock.at(np.clip(day, 0, clock.days - 1), time_of_day(rng, len(base)))
    return np.where(inside & (instant < clock.end - HOUR_MS), instant, NEVER)


def _visits_of_epoch(
    rng: np.random.Generator, people: People, lives: Lives, clock: Clock, first_day: int, rate: Floats, leaves: Ints
) -> Visits:
    """A Poisson number of visits for each member and day: rate x weekday x fading."""
    days = np.arange(first_day, first_day + world.EPOCH_DAYS)
    begin, end = int(clock.midnights[first_day]), int(clock.midnights[first_day + world.EPOCH_DAYS])
    member = np.flatnonzero((lives.joined < end) & (leaves > begin))
    weekday = np.array(world.WEEKDAY_WEIGHTS)[clock.weekday[days]] / np.mean(world.WEEKDAY_WEIGHTS)
    fades = rng.random(people.n) < world.FADING
    fall = np.where(fades[member][:, None], np.linspace(1.1, 0.0, world.EPOCH_DAYS)[None, :], 1.0)
    mean = rate[member][:, None] / 7 * weekday[None, :] * fall
    rate[fades] *= 0.6
    counts = rng.poisson(mean)
    who, day = np.nonzero(counts)
    times = counts[who, day]
    person, day = np.repeat(member[who], times), np.repeat(days[day], times)
    start = clock.at(day, time_of_day(rng, len(person)))
    kept = (start > lives.joined[person] + 2 * HOUR_MS) & (start < leaves[person])
    present = (lives.joined[member][:, None] < clock.midnights[days][None, :]) & (
        leaves[member][:, None] > clock.midnights[days + 1][None, :]
    )
    lives.expected_visits[days] += (mean * present).sum(axis=0)
    return Visits.of(person[kept], start[kept], MEMBER)


def _task_visits(rng: np.random.Generator, lives: Lives, begin: int, end: int, leaves: Ints) -> list[Visits]:
    """Visits with a purpose: to subscribe, to change the plan, to cancel."""
    subscribe = np.flatnonzero((lives.paid_from >= begin) & (lives.paid_from < end) & (lives.paid_from < leaves))
    parts = [Visits.of(subscribe, lives.paid_from[subscribe], MEMBER, SUBSCRIBE)]
    _record(lives, subscribe, lives.paid_from[subscribe], lives.first_plan[subscribe], SUBSCRIBE)

    cancel = np.flatnonzero((lives.paid_to >= begin) & (lives.paid_to < end))
    starts = np.maximum(lives.paid_to[cancel] - 4 * MINUTE_MS, begin)
    parts.append(Visits.of(cancel, starts, MEMBER, CANCEL))
    _record(lives, cancel, lives.paid_to[cancel], np.full(len(cancel), FREE), CANCEL)

    settled = np.flatnonzero((lives.paid_from < end - 3 * DAY_MS) & (leaves > end) & (lives.paid_to > end))
    plan = current_plan(lives, settled)
    luck = rng.random(len(settled))
    changes = np.where(plan == PRO, luck < world.UPGRADE_RATE, luck < world.DOWNGRADE_RATE)
    person, plan = settled[changes], plan[changes]
    since = np.maximum(lives.paid_from[person] + DAY_MS, begin)
    at = (since + rng.random(len(person)) * (end - HOUR_MS - since)).astype(np.int64)
    for task, before, after in ((UPGRADE, PRO, ENTERPRISE), (DOWNGRADE, ENTERPRISE, PRO)):
        which = plan == before
        parts.append(Visits.of(person[which], at[which], MEMBER, task))
        _record(lives, person[which], at[which], np.full(which.sum(), after), task)
    return parts


def _record(lives: Lives, person: Ints, at: Ints, plan: Ints, task: int) -> None:
    lives.changes.append(PlanChanges(person, at, plan, np.full(len(person), task)))


def current_plan(lives: Lives, person: Ints) -> Ints:
    """The plan that these payers have after the changes recorded so far."""
    plan = lives.first_plan.copy()
    for change in lives.changes:  # in order of time: one epoch after the other, one change in each at most
        plan[change.person] = change.plan
    result: Ints = plan[person]
    return result


def _churn_row(
    epoch: int,
    people: People,
    lives: Lives,
    clock: Clock,
    visits: Visits,
    before: Visits,
    paying: Ints,
    begin: int,
    end: int,
) -> ChurnRow:
    n = people.n
    middle = epoch * world.EPOCH_DAYS + world.EPOCH_DAYS // 2
    # What is done on a device that is never logged in to cannot be seen as this member's, so it does not matter.
    seen = visits.role == MEMBER
    earlier = (before.start >= begin) & (before.start < end)
    person = np.concatenate([visits.person[seen], before.person[earlier]])
    start = np.concatenate([visits.start[seen], before.start[earlier]])
    days = np.unique(np.stack([person, clock.day(start)]), axis=1)
    early = np.bincount(days[0][days[1] < middle], minlength=n)[paying]
    late = np.bincount(days[0][days[1] >= middle], minlength=n)[paying]
    invoices = invoice_instants(lives, clock)
    fails = (invoices >= begin) & (invoices < end) & lives.invoice_failed & _is_billed(lives, invoices)
    failed: Bools = np.logical_or.reduce(fails, axis=1)
    features = {
        "activity_fall": np.maximum(early - late, 0) / np.maximum(early, 1),
        "active_days": (early + late).astype(np.float64),
        "errors": np.minimum(
            np.bincount(visits.person, visits.errors, minlength=n)[paying], world.CHURN_CAPS["errors"]
        ),
        "tickets": np.minimum(
            np.bincount(visits.person, visits.ticket, minlength=n)[paying], world.CHURN_CAPS["tickets"]
        ),
        "payment_failed": failed[paying].astype(np.float64),
        "enterprise": (current_plan(lives, paying) == ENTERPRISE).astype(np.float64),
        "onboarding_unfinished": (~people.onboards[paying]).astype(np.float64),
    }
    logit = world.CHURN_INTERCEPT + sum(world.CHURN_COEFFICIENTS[name] * values for name, values in features.items())
    return ChurnRow(epoch, paying, features, 1 / (1 + np.exp(-logit)), None)


def _leave(
    rng: np.random.Generator, lives: Lives, clock: Clock, leaves: Ints, person: Ints, first_day: int, cancels: bool
) -> None:
    """These people go for good on some day of the 30 that begin with `first_day`."""
    day = first_day + rng.integers(0, world.EPOCH_DAYS - 1, len(person))
    at = clock.at(day, time_of_day(rng, len(person)))
    leaves[person] = at
    if cancels:
        lives.paid_to[person] = at
    else:
        lives.paid_from[person] = np.where(lives.paid_from[person] > at, NEVER, lives.paid_from[person])


def _months(clock: Clock) -> list[str]:
    """The calendar months that the world touches."""
    return list(dict.fromkeys(day[:7] for day in clock.dates))


def invoice_instants(lives: Lives, clock: Clock) -> Ints:
    """(n, months): when a monthly invoice falls due, on the day of the month on which the subscription began."""
    started = np.where(lives.paid_from < NEVER, lives.paid_from, clock.begin)
    day_of_month = _day_of_month(started, clock)
    first_of_month = np.array([_days_to(clock, month) for month in lives.months])
    day = first_of_month[None, :] + np.minimum(day_of_month, 28)[:, None] - 1
    inside = (day >= 0) & (day < clock.days)
    return np.where(inside, clock.midnights[np.clip(day, 0, clock.days - 1)] + 6 * HOUR_MS, NEVER)


def _is_billed(lives: Lives, invoices: Ints) -> Bools:
    """Monthly invoices after the first one, which is paid when subscribing and never fails."""
    return (invoices > lives.paid_from[:, None] + DAY_MS) & (invoices < lives.paid_to[:, None])


def monthly_invoices(lives: Lives, clock: Clock) -> tuple[Ints, Ints, Ints]:
    """Person, month and instant of every invoice after the first."""
    invoices = invoice_instants(lives, clock)
    person, month = np.nonzero(_is_billed(lives, invoices) & (invoices < clock.end))
    return person, month, invoices[person, month]


def _day_of_month(instants: Ints, clock: Clock) -> Ints:
    offset = clock.begin - int(np.datetime64(clock.start.isoformat(), "ms").astype(np.int64))
    local = (instants - offset).astype("datetime64[ms]").astype("datetime64[D]")
    day: Ints = (local - local.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1
    return day


def _days_to(clock: Clock, month: str) -> int:
    first = np.datetime64(f"{month}-01", "D")
    return int((first - np.datetime64(clock.start.isoformat(), "D")).astype(np.int64))
