"""The truths of one block about money, experiments and quality, in a form that adds up."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ingestion.demo import marketing, reference
from ingestion.demo.block import Block
from ingestion.demo.clock import DAY_MS
from ingestion.demo.event_types import Kind
from ingestion.demo.experiments import ARMS, EXPERIMENTS
from ingestion.demo.money import Rates
from ingestion.demo.observed import VIEWS, Observed, Sessions
from ingestion.demo.population import NEVER
from ingestion.demo.shop import PRODUCTS
from ingestion.demo.sources import plan_periods
from ingestion.demo.table import NONE
from ingestion.demo.truth_commerce import movements, recurring_revenue

Ints = NDArray[np.int64]
Tally = dict[str, Any]

GOAL_WINDOW_MS: Final = 14 * DAY_MS


def orders(block: Block, seen: Observed, rates: Rates) -> Tally:
    """Orders and refunds that count, by local day; revenue as sent, and in the project's currency where there is a
    rate for the day."""
    events, carts, clock = seen.events, block.facts.carts, block.clock
    found: Tally = {}
    for name, kind in (("completed", Kind.order_completed), ("refunded", Kind.order_refunded)):
        rows = events.take(seen.of(kind))
        day = clock.day(rows.at)
        cents = (carts.subtotal - carts.discount)[rows.a]
        currency = carts.currency[rows.a]
        converted, has_rate = rates.convert(cents, currency, day)
        by_currency = np.zeros((len(reference.CURRENCIES), clock.days), dtype=np.int64)
        np.add.at(by_currency, (currency, day), cents)
        own = np.zeros(clock.days, dtype=np.int64)
        np.add.at(own, day, converted)
        found[name] = {
            "per_day": np.bincount(day, minlength=clock.days),
            "cents_per_currency_and_day": by_currency,
            "converted_per_day": own,
            "without_rate": int((~has_rate).sum()),
            "per_currency": np.bincount(currency, minlength=len(reference.CURRENCIES)),
        }
    bought = carts.product[events.a[seen.of(Kind.order_completed)]]
    kept = carts.kept[events.a[seen.of(Kind.order_completed)]]
    found["product_orders"] = np.bincount(bought[kept], minlength=PRODUCTS)
    together = np.zeros((PRODUCTS, PRODUCTS), dtype=np.int64)
    for left in range(bought.shape[1]):
        for right in range(left + 1, bought.shape[1]):
            both = kept[:, left] & kept[:, right]
            np.add.at(together, (bought[both, left], bought[both, right]), 1)
    found["bought_together"] = together + together.T
    return found


def subscriptions(block: Block) -> Tally:
    """From the billing system: nothing is left out, and lost events do not matter."""
    periods, clock = plan_periods(block), block.clock
    found: Tally = {}
    previous = clock.begin
    for month, instant in clock.month_ends.items():
        paid = recurring_revenue(periods, block.people.n, instant)
        found[month] = {
            "start": int(recurring_revenue(periods, block.people.n, previous).sum()),
            "end": int(paid.sum()),
            "subscribers": int((paid > 0).sum()),
            **movements(periods, block.people.n, previous, instant),
        }
        previous = instant
    return found


def acquisition(block: Block, seen: Observed, visits: Sessions) -> Tally:
    """New paying customers per month, by the channel of their first session that counts (unknown: none does)."""
    clock, lives = block.clock, block.lives
    months = list(clock.month_ends)
    ends = np.array(list(clock.month_ends.values()))
    order = np.lexsort((visits.start, visits.person))
    person, first = np.unique(visits.person[order], return_index=True)
    unknown = len(marketing.CHANNELS)
    channel = np.full(seen.people, unknown, dtype=np.int64)
    channel[person] = marketing.CHANNEL_OF_TOUCH[visits.touch[order[first]]]
    plans = block.names.history
    starts = plans.plan > 0
    buyer, earliest = np.unique(plans.person[starts], return_index=True)
    at = plans.at[starts][earliest]
    new = (lives.paid_from[buyer] >= clock.begin) & (lives.paid_from[buyer] < NEVER)
    counts = np.zeros((len(months), unknown + 1), dtype=np.int64)
    month = np.searchsorted(ends, at, side="right")
    whole = new & (month < len(months))
    np.add.at(counts, (month[whole], channel[buyer[whole]]), 1)
    strangers = np.bincount(channel[person], minlength=unknown + 1)
    return {"new_customers": counts, "people_by_first_channel": strangers}


def experiments(block: Block, seen: Observed) -> Tally:
    """People exposed to each arm (by their first exposure), and how many reached the goal afterwards."""
    events, found = seen.events, {}
    exposures = seen.of(Kind.experiment_viewed)
    for number, experiment in enumerate(EXPERIMENTS):
        rows = np.flatnonzero(exposures & (events.a == number))
        person, first = np.unique(seen.person[rows], return_index=True)  # rows are by person and time
        arm, since = events.b[rows[first]], events.at[rows[first]]
        both = np.unique(np.stack([seen.person[rows], events.b[rows]]), axis=1)[0]
        goals = np.flatnonzero(seen.of(experiment.goal))
        keys = seen.person[goals] * 2**43 + events.at[goals]
        place = np.searchsorted(keys, person * 2**43 + since)
        reached = np.zeros(len(person), dtype=np.bool_)
        soon = np.zeros(len(person), dtype=np.bool_)
        inside = place < len(keys)
        goal = goals[place[inside]] if len(goals) else goals
        reached[inside] = seen.person[goal] == person[inside]
        soon[inside] = reached[inside] & (events.at[goal] - since[inside] <= GOAL_WINDOW_MS)
        found[experiment.id] = {
            "exposed": np.bincount(arm, minlength=len(ARMS)),
            "reached_goal": np.bincount(arm[reached], minlength=len(ARMS)),
            "reached_goal_in_14_days": np.bincount(arm[soon], minlength=len(ARMS)),
            "exposed_to_both": int((np.unique(both, return_counts=True)[1] > 1).sum()),
        }
    return found


def quality(block: Block, seen: Observed) -> Tally:
    """Errors and page loads per day."""
    events, clock = seen.events, block.clock
    errors = seen.of(Kind.error_occurred)
    loads = seen.of(*VIEWS) & (events.load_ms != NONE)
    day = clock.day(events.at)
    return {
        "errors_per_day": np.bincount(day[errors], minlength=clock.days),
        "loads_per_day": np.bincount(day[loads], minlength=clock.days),
        "load_ms_per_day": np.bincount(day[loads], events.load_ms[loads], minlength=clock.days).astype(np.int64),
    }


def planned_visits(block: Block) -> Ints:
    """Visits by campaign (touch) and day as they came about, before any anomaly: what the campaigns are paid for."""
    day = block.clock.day(block.visits.start)
    inside = (day >= 0) & (day < block.clock.days)
    counts = np.zeros((len(marketing.TOUCHES), block.clock.days), dtype=np.int64)
    np.add.at(counts, (block.visits.touch[inside], day[inside]), 1)
    return counts
