"""Who lives in a block of the world: people, their devices, and what is true of them from the beginning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingestion.demo import experiments, marketing, reference, world
from ingestion.demo.clock import DAY_MS, Clock, time_of_day
from ingestion.demo.streams import pick, stream

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NEVER = np.int64(2**62)  # an instant that does not come
SLOTS = 3  # devices of a person: the first, a second one, the first after its cookie was reset
CONSENT_YES, CONSENT_NEVER, CONSENT_LATER = 0, 1, 2


@dataclass
class People:
    """Arrays with one element per person. Instants are milliseconds UTC."""

    n: int
    arrival: Ints  # first visit, for members of before the world: its first day
    existing: Bools  # signed up before the world
    bot: Bools
    internal: Bools
    country: Ints
    moves_to: Ints  # country after `moves_at`
    moves_at: Ints
    touch: Ints  # how the first visit came about
    device: Ints  # (n, SLOTS): index into reference.DEVICES, -1 where there is none
    anonymous: Ints  # (n, SLOTS): number of the anonymous id
    reset_at: Ints  # when slot 0 becomes slot 2
    logs_in_there: Bools  # on the second device
    consent: Ints
    arm: Ints  # (n, experiments): 0 control, 1 treatment
    sign_up_visit: Ints  # the number of the visit of the sign-up, -1: never
    rate: Floats  # visits per week as a member
    errors_per_visit: Floats
    onboards: Bools
    favourite: Ints  # bundle of the shop
    company: Ints  # -1: none
    update_lag: Ints  # days after which the app is updated
    alias_only: Bools
    always_on: Bools
    skew: Ints  # (n, SLOTS): milliseconds by which the device's clock is ahead

    @property
    def anonymous_ids(self) -> int:
        return int(self.anonymous.max()) + 1


def traffic(seed: int, project: str, clock: Clock) -> tuple[Floats, Floats]:
    """Share of the new people of each day: as expected, and as it came (with the day's own luck)."""
    days = np.arange(clock.days)
    expected = np.exp(np.log1p(world.WEEKLY_GROWTH) * days / 7) * np.array(world.WEEKDAY_WEIGHTS)[clock.weekday]
    noise = np.exp(stream(seed, "day-noise", project).normal(0, world.DAY_NOISE, clock.days))
    actual = expected * noise
    return expected / expected.sum(), actual / actual.sum()


def populate(seed: int, project: world.Project, block: int, events: int, clock: Clock) -> People:
    rng = stream(seed, project.id, block, "population")
    arrivals = rng.poisson(events * world.NEW_PEOPLE_PER_EVENT)
    existing = max(4, round(events * world.EXISTING_MEMBERS_PER_EVENT))
    internal = max(2, round(events * world.INTERNAL_PER_EVENT))
    bots = max(2, rng.poisson(events * world.BOTS_PER_EVENT))
    n = arrivals + existing + internal + bots
    kind = np.repeat([0, 1, 2, 3], [arrivals, existing, internal, bots])
    is_existing, is_internal, is_bot = (kind == 1) | (kind == 2), kind == 2, kind == 3

    _, share = traffic(seed, project.id, clock)
    arrival = clock.at(pick(rng, share, n), time_of_day(rng, n))
    arrival[is_existing] = clock.begin

    weights = np.zeros(len(reference.COUNTRIES))
    for code, weight in zip(project.countries, project.country_weights, strict=True):
        weights[reference.COUNTRY_INDEX[code]] = weight
    country = pick(rng, weights, n)
    moves = (rng.random(n) < world.MOVES_COUNTRY) & ~is_bot
    moves_at = np.where(moves, rng.integers(clock.begin, clock.end, n), NEVER)

    device = _devices(rng, project, n, is_bot, reference.APP_SHARE)
    resets = (rng.random(n) < world.COOKIE_RESET) & ~is_bot
    device[:, 2] = np.where(resets, device[:, 0], -1)
    app_first = np.isin(device[:, 0], reference.APP_DEVICES)
    touch = np.where(app_first, pick(rng, marketing.weights("app"), n), pick(rng, marketing.weights("web"), n))
    touch[is_bot] = marketing.DIRECT

    arm = experiments.assign(rng, n)
    signs_up = _signs_up(rng, country, touch, device, arm) & (kind == 0)
    people = People(
        n=n,
        arrival=arrival,
        existing=is_existing,
        bot=is_bot,
        internal=is_internal,
        country=country,
        moves_to=pick(rng, weights, n),
        moves_at=moves_at,
        touch=touch,
        device=device,
        anonymous=np.arange(n * SLOTS).reshape(n, SLOTS),
        reset_at=np.where(resets, rng.integers(clock.begin, clock.end, n), NEVER),
        logs_in_there=rng.random(n) >= world.NEVER_LOGGED_IN_THERE,
        consent=np.zeros(n, dtype=np.int64),
        arm=arm,
        sign_up_visit=np.where(signs_up, pick(rng, world.SIGN_UP_AT_VISIT, n), -1),
        rate=np.exp(rng.normal(np.log(world.MEMBER_VISITS_PER_WEEK), world.ENGAGEMENT_SPREAD, n)),
        errors_per_visit=world.ERRORS_PER_VISIT * np.exp(rng.normal(0, 0.8, n)),
        onboards=rng.random(n) < experiments.onboarding_rate(arm),
        favourite=rng.integers(0, 1 << 30, n),
        company=np.where(rng.random(n) < 0.3, rng.integers(0, max(1, n // 40), n), -1),
        update_lag=rng.integers(0, reference.UPDATE_DAYS, n),
        alias_only=(rng.random(n) < world.ALIAS_ONLY) & ~is_internal,
        always_on=(rng.random(n) < world.ALWAYS_ON) & ~is_internal & ~is_bot,
        skew=_skew(rng, n),
    )
    # An alias ties one anonymous id to the user, so these people have one device.
    people.device[people.alias_only, 1:] = -1
    people.reset_at[people.alias_only] = NEVER
    _refuse_consent(rng, people)
    _share_devices(rng, people)
    return people


def strangers(seed: int, project: world.Project, block: int, arrival: Ints, country: int, touch: int) -> People:
    """People who come once and do nothing of note: the crowds of planted anomalies."""
    rng = stream(seed, project.id, block, "population")
    n = len(arrival)
    # A link on another site opens in a browser: in the app only campaigns are known.
    app_share = reference.APP_SHARE if marketing.TOUCHES[touch].campaign else 0.0
    device = _devices(rng, project, n, np.zeros(n, dtype=np.bool_), app_share)
    device[:, 1:] = -1
    no, zero, never = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.int64), np.full(n, NEVER)
    return People(
        n=n,
        arrival=arrival,
        existing=no,
        bot=no,
        internal=no,
        country=np.full(n, country),
        moves_to=zero,
        moves_at=never,
        touch=np.full(n, touch),
        device=device,
        anonymous=np.arange(n * SLOTS).reshape(n, SLOTS),
        reset_at=never,
        logs_in_there=no,
        consent=np.full(n, CONSENT_YES),
        arm=experiments.assign(rng, n),
        sign_up_visit=np.full(n, -1),
        rate=np.zeros(n),
        errors_per_visit=np.zeros(n),
        onboards=no,
        favourite=zero,
        company=np.full(n, -1),
        update_lag=rng.integers(0, reference.UPDATE_DAYS, n),
        alias_only=no,
        always_on=no,
        skew=np.zeros((n, SLOTS), dtype=np.int64),
    )


def _devices(rng: np.random.Generator, project: world.Project, n: int, is_bot: Bools, app_share: float) -> Ints:
    def draw(indices: tuple[int, ...]) -> Ints:
        return np.array(indices)[pick(rng, tuple(reference.DEVICES[i].weight for i in indices), n)]

    web, app, bots = draw(reference.WEB_DEVICES), draw(reference.APP_DEVICES), draw(reference.BOT_DEVICES)
    first_app = (rng.random(n) < app_share) | project.app_only
    device = np.full((n, SLOTS), -1, dtype=np.int64)
    device[:, 0] = np.where(is_bot, bots, np.where(first_app, app, web))
    # The second device is of the other sort where the project has both: web at work, app on the way.
    other = draw(reference.APP_DEVICES) if project.app_only else np.where(first_app, web, app)
    device[:, 1] = np.where((rng.random(n) < world.SECOND_DEVICE) & ~is_bot, other, -1)
    return device


def _signs_up(rng: np.random.Generator, country: Ints, touch: Ints, device: Ints, arm: Ints) -> Bools:
    by_channel = np.array([marketing.SIGN_UP_FACTOR[name] for name in marketing.CHANNELS])
    by_country = np.array([c.signs_up for c in reference.COUNTRIES])
    by_device = np.array([{"desktop": 1.15, "tablet": 0.9}.get(d.kind, 0.85) for d in reference.DEVICES])
    probability = (
        world.SIGN_UP_RATE
        * by_channel[marketing.CHANNEL_OF_TOUCH[touch]]
        * by_country[country]
        * by_device[device[:, 0]]
        * experiments.sign_up_factor(arm)
    )
    signs_up: Bools = rng.random(len(country)) < probability
    return signs_up


def _skew(rng: np.random.Generator, n: int) -> Ints:
    largest = world.MAX_SKEW_HOURS * 3_600_000
    # Mostly seconds to minutes, now and then hours; both signs.
    size = np.exp(rng.uniform(np.log(2_000), np.log(largest), (n, SLOTS))) * rng.choice((-1, 1), (n, SLOTS))
    return np.where(rng.random((n, SLOTS)) < world.SKEWED_DEVICES, size, 0).astype(np.int64)


def _refuse_consent(rng: np.random.Generator, people: People) -> None:
    luck = rng.random(people.n)
    consent = np.where(
        luck < world.CONSENT_NEVER,
        CONSENT_NEVER,
        np.where(luck < world.CONSENT_NEVER + world.CONSENT_LATER, CONSENT_LATER, CONSENT_YES),
    )
    people.consent = np.where(people.bot | people.internal, CONSENT_YES, consent)


def _share_devices(rng: np.random.Generator, people: People) -> None:
    """The second device of some members is the first device of another one, with its anonymous id.

    Nobody without full consent takes part: a shared id must not hide half of a person from the analytics.
    """
    open_to_it = (people.sign_up_visit >= 0) | people.existing
    open_to_it &= (people.consent == CONSENT_YES) & ~people.internal & (people.device[:, 2] < 0)
    members = np.flatnonzero(open_to_it & ~people.alias_only & ~people.always_on)
    members = rng.permutation(members)
    pairs = round(len(members) * world.SHARED_DEVICE)
    guests, hosts = members[:pairs], members[pairs : 2 * pairs]
    people.device[guests, 1] = people.device[hosts, 0]
    people.anonymous[guests, 1] = people.anonymous[hosts, 0]
    people.skew[guests, 1] = people.skew[hosts, 0]
    people.logs_in_there[guests] = True


def version_index(people: People, clock: Clock, person: Ints, instants: Ints) -> Ints:
    """Which of reference.RELEASES a person's app is at these instants."""
    versions = np.zeros(len(person), dtype=np.int64)
    for index, (_, day) in enumerate(reference.RELEASES):
        out_since = clock.begin + (day + people.update_lag[person]) * DAY_MS
        versions = np.where(instants >= out_since, index, versions)
    return versions
