"""What happens in a visit: the entry, looking around, signing up, working, buying, leaving."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingestion.demo import experiments, reference, world
from ingestion.demo.clock import Clock
from ingestion.demo.event_types import Kind
from ingestion.demo.members import ENTERPRISE, FREE, PRO, Lives, monthly_invoices
from ingestion.demo.population import CONSENT_LATER, CONSENT_NEVER, People
from ingestion.demo.reference import PAGE_INDEX
from ingestion.demo.script import Script
from ingestion.demo.shop import MAX_VIEWED, Carts
from ingestion.demo.streams import pick, stream
from ingestion.demo.visits import BOT, CANCEL, DOWNGRADE, MEMBER, NO_TASK, PROSPECT, SIGN_UP, SUBSCRIBE, UPGRADE, Visits

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SIGNED_UP_AT = 50.0  # position of signed_up; from there on the visitor is known
LOGGED_IN_AT = 2.0
TASK_AT = 80.0
NOT_KNOWN = 1e9
ALWAYS_KNOWN = -1.0


@dataclass
class Setting:
    """What the parts of a visit need to know about it (arrays by visit)."""

    app: Bools
    known_from: Floats  # position from which the user id is sent
    first_as_member: Bools
    next_visit: Ints  # of the same person, -1: none
    consent_given: Bools
    visit_number: Ints  # of the person's visits, from 0


def set_the_stage(seed: int, project: str, block: int, people: People, visits: Visits) -> Setting:
    rng = stream(seed, project, block, "stage")
    n = len(visits)
    order = np.lexsort((visits.start, visits.person))
    person = visits.person[order]
    new_person = np.r_[True, person[1:] != person[:-1]] if n else np.zeros(0, dtype=np.bool_)
    follows = np.r_[~new_person[1:], False] if n else np.zeros(0, dtype=np.bool_)
    next_visit = np.full(n, -1)
    next_visit[order[:-1]] = np.where(follows[:-1], order[1:], -1)
    number = np.empty(n, dtype=np.int64)
    number[order] = np.arange(n) - np.maximum.accumulate(np.where(new_person, np.arange(n), 0))

    member = visits.role == MEMBER
    first_on_device = _first_of(member, visits, visits.person * 4 + visits.slot)
    first_as_member = _first_of(member, visits, visits.person)
    # Before the world a member has used the first device, never the others.
    must_log_in = first_on_device & ((visits.slot > 0) | ~people.existing[visits.person])
    must_log_in &= ~(first_as_member & (visits.slot == 0) & ~people.existing[visits.person])
    luck = rng.random(n)
    in_already = (luck < world.STARTS_LOGGED_IN) & ~must_log_in
    logs_in = must_log_in | (luck < world.STARTS_LOGGED_IN + (1 - world.STARTS_LOGGED_IN) * world.LOGS_IN)
    logs_in |= (visits.task != NO_TASK) | visits.ticket
    known_from = np.where(in_already, ALWAYS_KNOWN, np.where(logs_in, LOGGED_IN_AT, NOT_KNOWN))
    known_from = np.where(member, known_from, np.where(visits.role == SIGN_UP, SIGNED_UP_AT, NOT_KNOWN))
    consent = people.consent[visits.person]
    return Setting(
        app=np.isin(people.device[visits.person, visits.slot], reference.APP_DEVICES),
        known_from=known_from,
        first_as_member=first_as_member,
        next_visit=next_visit,
        consent_given=(consent != CONSENT_NEVER) & ((consent != CONSENT_LATER) | (number > 0)),
        visit_number=number,
    )


def _first_of(among: Bools, visits: Visits, key: Ints) -> Bools:
    """The earliest visit of each key, among these visits."""
    rows = np.flatnonzero(among)
    order = rows[np.lexsort((visits.start[rows], key[rows]))]
    first = np.zeros(len(visits), dtype=np.bool_)
    _, position = np.unique(key[order], return_index=True)
    first[order[position]] = True
    return first


def write_script(
    seed: int,
    project: str,
    block: int,
    people: People,
    lives: Lives,
    visits: Visits,
    setting: Setting,
    carts: Carts,
    clock: Clock,
) -> Script:
    script = Script()
    rng = stream(seed, project, block, "script")
    _enter(rng, script, people, visits, setting)
    _look_around(rng, script, visits, setting)
    _sign_up(rng, script, people, lives, visits, setting)
    _be_known(rng, script, people, visits, setting)
    _work(rng, script, visits, setting)
    _manage_the_plan(rng, script, lives, visits, setting)
    _meet_trouble(rng, script, lives, visits, setting, clock)
    _buy(rng, script, visits, setting, carts)
    return script


def _view(script: Script, setting: Setting, visit: Ints, position: float | Floats, page: int | Ints) -> None:
    kind = np.where(setting.app[visit], Kind.screen_viewed, Kind.page_viewed)
    script.add(kind, visit, position, a=page)


def _enter(rng: np.random.Generator, script: Script, people: People, visits: Visits, setting: Setting) -> None:
    everyone = np.arange(len(visits))
    public = pick(rng, tuple(page.public for page in reference.PAGES), len(visits))
    inside = np.where(setting.known_from < 0, PAGE_INDEX["/app"], PAGE_INDEX["/login"])
    landing = np.where(visits.role == MEMBER, inside, public)
    app = everyone[setting.app]
    script.add(Kind.app_opened, app, 0.0, a=visits.first[app], b=rng.random(len(app)) < 0.2)
    _view(script, setting, everyone, 0.1, landing)
    new = everyone[visits.first]
    script.add(
        Kind.experiment_viewed, new, 0.3, a=experiments.LANDING, b=_arm(people, visits, new, experiments.LANDING)
    )
    consent = people.consent[visits.person]
    banner = (visits.first & (rng.random(len(visits)) < 0.3)) | (visits.first & (consent != 0))
    banner |= (consent == CONSENT_LATER) & (setting.visit_number == 1)
    banner &= visits.role != BOT
    asked = everyone[banner]
    script.add(Kind.consent_updated, asked, 0.5, a=setting.consent_given[asked], b=rng.random(len(asked)) < 0.5)


def _arm(people: People, visits: Visits, visit: Ints, experiment: int) -> Ints:
    arms: Ints = people.arm[visits.person[visit], experiment]
    return arms


def _look_around(rng: np.random.Generator, script: Script, visits: Visits, setting: Setting) -> None:
    n = len(visits)
    stranger = (visits.role != MEMBER) | (setting.known_from == NOT_KNOWN)
    bounces = rng.random(n) < 0.38
    views = np.where(stranger, np.where(bounces, 0, 1 + rng.poisson(1.9, n)), 1 + rng.poisson(1.6, n))
    views = np.where(visits.role == BOT, 1 + rng.poisson(7, n), views)
    visit = np.repeat(np.arange(n), views)
    public = pick(rng, tuple(page.public for page in reference.PAGES), len(visit))
    member = pick(rng, tuple(page.member for page in reference.PAGES), len(visit))
    _view(script, setting, visit, rng.uniform(6, 95, len(visit)), np.where(stranger[visit], public, member))

    curious = np.flatnonzero((visits.role == PROSPECT) & ~bounces)
    for kind, chance in ((Kind.search_performed, 0.08), (Kind.newsletter_subscribed, 0.04), (Kind.video_played, 0.06)):
        some = curious[rng.random(len(curious)) < chance]
        script.add(kind, some, rng.uniform(6, 95, len(some)))


def _sign_up(
    rng: np.random.Generator, script: Script, people: People, lives: Lives, visits: Visits, setting: Setting
) -> None:
    prospects = np.flatnonzero(visits.role == PROSPECT)
    looks = prospects[rng.random(len(prospects)) < 0.12]
    gives_up = looks[rng.random(len(looks)) < 0.35]
    visit = np.flatnonzero(visits.role == SIGN_UP)
    method = pick(rng, (0.6, 0.3, 0.1), len(visits))

    reaches = np.concatenate([visit, looks])
    _view(script, setting, reaches, 40.0, PAGE_INDEX["/pricing"])
    chooses = reaches[rng.random(len(reaches)) < 0.6]
    script.add(Kind.plan_selected, chooses, 41.0, a=pick(rng, (0.6, 0.34, 0.06), len(chooses)))
    starts = np.concatenate([visit, gives_up])
    _view(script, setting, starts, 42.0, PAGE_INDEX["/signup"])
    script.add(Kind.signup_started, starts, 43.0, a=method[starts])

    person = visits.person[visit]
    script.add(Kind.signed_up, visit, SIGNED_UP_AT, a=method[visit], b=rng.random(len(visit)) < 0.1, c=person)
    script.add(Kind.identify, visit, SIGNED_UP_AT + 0.1)
    alias = visit[people.alias_only[person] | (rng.random(len(visit)) < 0.25)]
    script.add(Kind.alias, alias, SIGNED_UP_AT + 0.2)
    script.add(Kind.group, visit[people.company[person] >= 0], SIGNED_UP_AT + 0.3)
    arm = _arm(people, visits, visit, experiments.ONBOARDING)
    script.add(Kind.experiment_viewed, visit, SIGNED_UP_AT + 0.4, a=experiments.ONBOARDING, b=arm)
    _view(script, setting, visit, SIGNED_UP_AT + 1, PAGE_INDEX["/app/welcome"])
    trial = visit[lives.trial[person]]
    script.add(Kind.trial_started, trial, SIGNED_UP_AT + 12)
    _onboard(rng, script, people, visits, setting, visit)


def _onboard(
    rng: np.random.Generator, script: Script, people: People, visits: Visits, setting: Setting, sign_up: Ints
) -> None:
    finishes = people.onboards[visits.person[sign_up]]
    starts = sign_up[finishes | (rng.random(len(sign_up)) < 0.6)]
    script.add(Kind.onboarding_started, starts, SIGNED_UP_AT + 2)
    steps = np.where(people.onboards[visits.person[starts]], 4, rng.integers(0, 4, len(starts)))
    for step in range(4):
        script.add(Kind.onboarding_step_completed, starts[steps > step], SIGNED_UP_AT + 3 + step, a=step + 1)
    done = sign_up[finishes]
    # Three in ten come back for the last click; who never comes back does it at once.
    later = setting.next_visit[done]
    postpones = (rng.random(len(done)) < 0.3) & (later >= 0)
    postpones &= setting.known_from[np.maximum(later, 0)] < 0
    for visit, position in ((done[~postpones], SIGNED_UP_AT + 8), (later[postpones], 5.5)):
        script.add(Kind.onboarding_completed, visit, position, c=visits.person[visit])


def _be_known(rng: np.random.Generator, script: Script, people: People, visits: Visits, setting: Setting) -> None:
    logs_in = np.flatnonzero(setting.known_from == LOGGED_IN_AT)
    script.add(Kind.logged_in, logs_in, LOGGED_IN_AT, a=pick(rng, (0.6, 0.3, 0.1), len(logs_in)))
    known = (setting.known_from <= LOGGED_IN_AT) & (visits.role == MEMBER)
    internal = people.internal[visits.person]
    existing = people.existing[visits.person]
    says_who = (setting.known_from == LOGGED_IN_AT) & (rng.random(len(visits)) < 0.6)
    says_who |= known & (internal | (setting.first_as_member & existing & (rng.random(len(visits)) < 0.85)))
    script.add(Kind.identify, np.flatnonzero(says_who), LOGGED_IN_AT + 0.1)
    in_company = people.company[visits.person] >= 0
    script.add(Kind.group, np.flatnonzero(known & setting.first_as_member & existing & in_company), LOGGED_IN_AT + 0.2)
    exposed = np.flatnonzero(known & setting.first_as_member)
    arm = _arm(people, visits, exposed, experiments.BUNDLE)
    script.add(Kind.experiment_viewed, exposed, 5.0, a=experiments.BUNDLE, b=arm)
    leaves = np.flatnonzero(known & (rng.random(len(visits)) < world.LOGS_OUT))
    script.add(Kind.logged_out, leaves, 99.0)


def _work(rng: np.random.Generator, script: Script, visits: Visits, setting: Setting) -> None:
    shares = {
        Kind.feature_used: 38,
        Kind.report_viewed: 18,
        Kind.search_performed: 9,
        Kind.file_exported: 6,
        Kind.comment_added: 9,
        Kind.video_played: 2,
        Kind.notification_clicked: 6,
        Kind.file_uploaded: 4,
        Kind.project_created: 5,
        Kind.teammate_invited: 1.5,
        Kind.integration_connected: 1.5,
    }
    known = np.flatnonzero((setting.known_from < NOT_KNOWN) & (visits.role != BOT))
    visit = np.repeat(
        known, np.where(visits.role[known] == MEMBER, rng.poisson(4.2, len(known)), rng.poisson(1.2, len(known)))
    )
    kind = np.array(list(shares))[pick(rng, tuple(shares.values()), len(visit))]
    begin = np.where(visits.role[visit] == SIGN_UP, SIGNED_UP_AT + 13, 6)
    script.add(kind, visit, rng.uniform(begin, 95))
    answers = known[(rng.random(len(known)) < world.NPS_RATE) & (visits.role[known] == MEMBER)]
    errors = visits.errors[answers]
    score = np.clip(np.rint(rng.normal(8.4, 1.8, len(answers)) - 1.5 * errors), 0, 10).astype(np.int64)
    script.add(Kind.nps_answered, answers, 97.0, a=score, b=rng.random(len(answers)) < 0.4)


def _manage_the_plan(rng: np.random.Generator, script: Script, lives: Lives, visits: Visits, setting: Setting) -> None:
    busy = np.flatnonzero(visits.task != NO_TASK)
    task, person = visits.task[busy], visits.person[busy]
    _view(script, setting, busy, TASK_AT - 2, PAGE_INDEX["/app/billing"])
    first = lives.first_plan[person]
    before = np.select([task == SUBSCRIBE, task == UPGRADE, task == DOWNGRADE], [FREE, PRO, ENTERPRISE], 0)
    after = np.select([task == SUBSCRIBE, task == UPGRADE, task == DOWNGRADE], [first, ENTERPRISE, PRO], FREE)
    cancels = task == CANCEL
    before = np.where(cancels, _plan_before(lives, person), before)
    kinds = np.array([0, Kind.subscription_started, Kind.subscription_upgraded, Kind.subscription_downgraded,
                      Kind.subscription_cancelled])  # fmt: skip
    chooses = busy[~cancels]
    script.add(Kind.plan_selected, chooses, TASK_AT - 1, a=after[~cancels])
    script.add(
        kinds[task],
        busy,
        TASK_AT,
        a=person,
        b=after,
        c=np.where(cancels, 8 * rng.integers(0, 4, len(busy)), 0) + before,
    )
    script.add(Kind.identify, busy, TASK_AT + 0.1)


def _plan_before(lives: Lives, person: Ints) -> Ints:
    """The paid plan of those who cancel: the last one that was not free."""
    plan = lives.first_plan.copy()
    for change in lives.changes:
        paid = change.plan != FREE
        plan[change.person[paid]] = change.plan[paid]
    result: Ints = plan[person]
    return result


def _meet_trouble(
    rng: np.random.Generator, script: Script, lives: Lives, visits: Visits, setting: Setting, clock: Clock
) -> None:
    visit = np.repeat(np.arange(len(visits)), visits.errors)
    kind = pick(rng, (0.4, 0.3, 0.2, 0.1), len(visit))
    script.add(Kind.error_occurred, visit, rng.uniform(6, 95, len(visit)), a=kind, b=rng.random(len(visit)) < 0.08)
    script.add(Kind.support_ticket_opened, np.flatnonzero(visits.ticket), 96.0)
    script.add(*_failed_payments(lives, visits, setting, clock))


def _failed_payments(
    lives: Lives, visits: Visits, setting: Setting, clock: Clock
) -> tuple[int, Ints, float, Ints, Ints]:
    """A failed payment is seen in the first visit after it in which the member is logged in from the start."""
    person, month, instant = monthly_invoices(lives, clock)
    failed = lives.invoice_failed[person, month]
    person, month, instant = person[failed], month[failed], instant[failed]
    rows = np.flatnonzero((setting.known_from <= LOGGED_IN_AT) & (visits.role == MEMBER))
    rows = rows[np.lexsort((visits.start[rows], visits.person[rows]))]
    span = clock.end - clock.begin + 1
    visit_key = visits.person[rows] * span + visits.start[rows] - clock.begin
    place = np.searchsorted(visit_key, person * span + instant - clock.begin)
    found = place < len(rows)
    found[found] = visits.person[rows[place[found]]] == person[found]
    return Kind.payment_failed, rows[place[found]], 4.0, person[found], month[found]


def _buy(rng: np.random.Generator, script: Script, visits: Visits, setting: Setting, carts: Carts) -> None:
    begin = rng.uniform(10, 70, len(carts.visit))
    rows = np.arange(len(carts.visit))
    _view(script, setting, carts.visit, begin - 0.5, PAGE_INDEX["/shop"])
    for place in range(MAX_VIEWED):
        seen = rows[carts.product[:, place] >= 0]
        script.add(Kind.product_viewed, carts.visit[seen], begin[seen] + place, a=seen, b=place)
        added = rows[carts.added[:, place]]
        script.add(Kind.product_added, carts.visit[added], begin[added] + place + 0.3, a=added, b=place)
        removed = rows[carts.removed[:, place]]
        script.add(Kind.product_removed, carts.visit[removed], begin[removed] + 7 + place / 10, a=removed, b=place)
    script.add(Kind.experiment_viewed, carts.visit, begin + 0.1, a=experiments.BUTTON, b=carts.arm)
    for kind, which, place_in_order in (
        (Kind.checkout_started, carts.checkout, 10.0),
        (Kind.coupon_applied, carts.coupon, 10.5),
        (Kind.order_completed, carts.ordered, 11.0),
    ):
        some = rows[which]
        script.add(kind, carts.visit[some], begin[some] + place_in_order, a=some)
    ordered = rows[carts.ordered]
    again = setting.next_visit[carts.visit[ordered]]
    refunded = (again >= 0) & (rng.random(len(ordered)) < world.REFUNDS)
    script.add(Kind.order_refunded, again[refunded], 5.7, a=ordered[refunded])
