"""The truths of one block, in a form that adds up: dictionaries of numbers and arrays, lists of rows."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingestion.demo import marketing, reference, tally_business, truth_activity, truth_funnels, truth_rows
from ingestion.demo.block import Block
from ingestion.demo.clock import DAY_MS, HOUR_MS
from ingestion.demo.event_types import NAMES, Kind
from ingestion.demo.money import Rates
from ingestion.demo.observed import Observed, Sessions, observe, summarise
from ingestion.demo.sdk import arrival_is_known
from ingestion.demo.truth_funnels import Exclusion, Stream

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Tally = dict[str, Any]

WINDOW_MS: Final = 14 * DAY_MS
RETENTION_DAYS: Final = (120, 151)  # the range of days of the daily retention tables
FUNNELS: Final[dict[str, tuple[str, ...]]] = {
    "signup": ("page_viewed", "signup_started", "signed_up"),
    "pricing_signup": ("page_viewed[page.path=/pricing]", "signup_started", "signed_up"),
    "purchase": ("product_viewed", "product_added", "checkout_started", "order_completed"),
    "activation": ("signed_up", "onboarding_completed", "project_created"),
    "subscription": ("signed_up", "trial_started", "subscription_started"),
}
VARIANTS: Final[dict[str, dict[str, Any]]] = {
    "ordered": {},
    "ordered_1_hour": {"window": HOUR_MS},
    "strict": {"order": truth_funnels.STRICT},
    "unordered": {"order": truth_funnels.UNORDERED},
}
# purchase with `product_removed` excluded: between any two steps, and between the second and the third.
EXCLUSIONS: Final[dict[str, tuple[str, int, int]]] = {
    "without_product_removed": ("product_removed", 1, 4),
    "without_product_removed_2_3": ("product_removed", 2, 3),
}


def add(total: Tally, more: Tally) -> None:
    """Adds the numbers and arrays of `more` to those of `total`, and its lists to the lists."""
    for key, value in more.items():
        if key not in total:
            total[key] = value
        elif isinstance(value, dict):
            add(total[key], value)
        else:
            total[key] = total[key] + value


def tally(block: Block, rates: Rates) -> tuple[Tally, dict[str, pa.Table]]:
    """The block's truths, and its rows for the Parquet files of truths."""
    seen = observe(block)
    visits = summarise(seen)
    counted: Tally = {
        "events": _events(block, seen),
        "identity": _identity(seen),
        "sessions": _sessions(block, visits),
        "activity": _activity(block, seen),
        "funnels": _funnels(block, seen),
        "orders": tally_business.orders(block, seen, rates),
        "subscriptions": tally_business.subscriptions(block),
        "acquisition": tally_business.acquisition(block, seen, visits),
        "experiments": tally_business.experiments(block, seen),
        "quality": tally_business.quality(block, seen),
        "planned_visits": tally_business.planned_visits(block),
        "expected_member_visits": block.lives.expected_visits,
    }
    return counted, truth_rows.tables(block, seen, visits)


def per_day(block: Block, at: Ints) -> Ints:
    return np.bincount(block.clock.day(at), minlength=block.clock.days)


def _events(block: Block, seen: Observed) -> Tally:
    clock, events = block.clock, seen.events
    day = clock.day(events.at)
    hours = (clock.end - clock.begin) // HOUR_MS
    by_type = np.bincount(events.kind * clock.days + day, minlength=len(NAMES) * clock.days)
    return {
        "distinct": len(block.table),
        "no_consent": seen.refused,
        "bots": seen.bots,
        "internal": seen.internal,
        "counted": len(events),
        "by_type_distinct": np.bincount(block.table.kind[block.table.consent != 0], minlength=len(NAMES)),
        "by_type_and_day": by_type.reshape(len(NAMES), clock.days),
        "by_hour": np.bincount((events.at - clock.begin) // HOUR_MS, minlength=hours),
        "late": int((arrival_is_known(block.table.dialect) & (block.table.received - block.table.at > HOUR_MS)).sum()),
        "skewed": int(((block.table.sent >= 0) & (abs(block.table.original - block.table.at) > 5_000)).sum()),
    }


def _identity(seen: Observed) -> Tally:
    events = seen.events
    anonymous = np.unique(events.anonymous[events.anonymous >= 0])
    known = np.unique(seen.person[seen.person < seen.users])
    owned = seen.owner[anonymous] >= 0
    # An id that two people used: it belongs to the first of them.
    pairs = np.unique(
        np.stack([events.anonymous, events.user])[:, (events.anonymous >= 0) & (events.user >= 0)], axis=1
    )
    shared = int((np.unique(pairs[0], return_counts=True)[1] > 1).sum())
    several = np.unique(seen.owner[anonymous][owned], return_counts=True)[1]
    return {
        "people": len(np.unique(seen.person)),
        "known_users": len(known),
        "strangers": len(np.unique(seen.person[seen.person >= seen.users])),
        "anonymous_ids": len(anonymous),
        "anonymous_ids_of_users": int(owned.sum()),
        "users_with_several_anonymous_ids": int((several > 1).sum()),
        "shared_anonymous_ids": shared,
    }


def _sessions(block: Block, visits: Sessions) -> Tally:
    seconds = visits.end - visits.start
    converted = visits.conversions > 0
    channel = marketing.CHANNEL_OF_TOUCH[visits.touch]
    return {
        "count": len(visits.start),
        "with_sdk_id": int(visits.named.sum()),
        "per_day": per_day(block, visits.start),
        "per_channel": np.bincount(channel, minlength=len(marketing.CHANNELS)),
        "converted_per_channel": np.bincount(channel, converted, minlength=len(marketing.CHANNELS)).astype(np.int64),
        "bounced": int(((visits.views <= 1) & ~converted).sum()),
        "engaged": int(((seconds >= 10_000) | (visits.views >= 2) | converted).sum()),
        "converted": int(converted.sum()),
        "one_event": int((visits.events == 1).sum()),
        "duration_ms": int(seconds.sum()),
        "views": int(visits.views.sum()),
        "events_per_session": np.bincount(np.minimum(visits.events, 100), minlength=101),
    }


def _activity(block: Block, seen: Observed) -> Tally:
    clock, events = block.clock, seen.events
    people, person = np.unique(seen.person, return_inverse=True)
    day = clock.day(events.at)
    daily = truth_activity.activity(person, day, len(people), clock.days)
    weekly = truth_activity.activity(person, clock.week_of_day[day], len(people), len(clock.weeks))
    signed_up = seen.of(Kind.signed_up)
    sign_up_day = truth_activity.activity(person[signed_up], day[signed_up], len(people), clock.days)
    sign_up_week = truth_activity.activity(
        person[signed_up], clock.week_of_day[day[signed_up]], len(people), len(clock.weeks)
    )
    weeks, days = _whole_weeks(block), RETENTION_DAYS
    cases: dict[str, tuple[Bools, Bools, tuple[int, int]]] = {
        "weekly_any": (weekly, weekly, weeks),
        "weekly_sign_up": (sign_up_week, weekly, weeks),
        "daily_any": (daily, daily, days),
        "daily_sign_up": (sign_up_day, daily, days),
    }
    kinds = (truth_activity.RECURRING, truth_activity.FIRST_TIME, truth_activity.FIRST_EVER)
    modes = (truth_activity.ON, truth_activity.ON_OR_AFTER)
    return {
        "dau": truth_activity.active_users(daily, 1),
        "wau": truth_activity.active_users(daily, 7),
        "mau": truth_activity.active_users(daily, 30),
        "lifecycle": truth_activity.lifecycle(weekly),
        "active_days": truth_activity.stickiness(daily[:, -30:]),
        "retention": {
            f"{name}_{kind}_{mode}": _padded(truth_activity.retention(starts, returns, kind, mode, *span))
            for name, (starts, returns, span) in cases.items()
            for kind in kinds
            for mode in modes
        },
    }


def _whole_weeks(block: Block) -> tuple[int, int]:
    """The first whole week of the world, and the one after the last whole week."""
    start = block.clock.start.weekday()
    return (1 if start else 0), (start + block.clock.days) // 7


def _padded(cohorts: list[list[int]]) -> Ints:
    """Cohorts as a square of numbers, so that those of several blocks add up; below the diagonal there is nothing."""
    square = np.zeros((len(cohorts), len(cohorts)), dtype=np.int64)
    for cohort, counts in enumerate(cohorts):
        square[cohort, : len(counts)] = counts
    return square


def matches(seen: Observed, step: str) -> Bools:
    """The events that match a step: a name, or page_viewed[page.path=...]."""
    name, _, path = step.partition("[page.path=")
    found = seen.of(Kind[name])
    if path:
        pages = [page.path for page in reference.PAGES]
        found &= seen.events.page == pages.index(path.removesuffix("]"))
    return found


def _funnels(block: Block, seen: Observed) -> Tally:
    stream = Stream(seen.person, seen.events.at)
    found: Tally = {}
    for name, steps in FUNNELS.items():
        masks = [matches(seen, step) for step in steps]
        for variant, options in VARIANTS.items():
            found[f"{name}_{variant}"] = _funnel(block, seen, stream, masks, **options)
    masks = [matches(seen, step) for step in FUNNELS["purchase"]]
    for name, (event, after, before) in EXCLUSIONS.items():
        exclusion = Exclusion(matches(seen, event), after, before)
        found[f"purchase_{name}"] = _funnel(block, seen, stream, masks, exclusions=(exclusion,))
    return found


def _funnel(
    block: Block,
    seen: Observed,
    stream: Stream,
    steps: list[Bools],
    window: int = WINDOW_MS,
    order: str = truth_funnels.ORDERED,
    exclusions: tuple[Exclusion, ...] = (),
) -> Tally:
    tries = truth_funnels.attempts(stream, steps, window, order, exclusions)
    chosen = truth_funnels.best(stream, tries)
    n = len(steps)
    result: Tally = {"users": truth_funnels.users_per_step(chosen.reached, n)}
    if order == truth_funnels.UNORDERED:
        return result
    events = seen.events
    devices = [device.kind for device in reference.DEVICES]
    for dimension, value in (
        ("by_country", [c.code for c in reference.COUNTRIES]),
        ("by_device", devices),
    ):
        column = events.country if dimension == "by_country" else events.device
        values = np.array(value)[column[chosen.first_event]]
        result[dimension] = {
            str(one): truth_funnels.users_per_step(chosen.reached[values == one], n) for one in np.unique(values)
        }
    result["seconds_between"] = [
        [((chosen.times[:, k] - chosen.times[:, k - 1])[chosen.reached > k] / 1000) for k in range(1, n)]
    ]
    result["seconds_to_convert"] = [(chosen.times[:, -1] - chosen.times[:, 0])[chosen.reached == n] / 1000]
    day = block.clock.day(events.at[tries.first_event])
    entry = np.unique(np.stack([stream.person[tries.first_event], day]), axis=1)
    done = tries.reached == n
    converted = np.unique(np.stack([stream.person[tries.first_event], day])[:, done], axis=1)
    result["entered_per_day"] = np.bincount(entry[1], minlength=block.clock.days)
    result["converted_per_day"] = np.bincount(converted[1], minlength=block.clock.days)
    return result
