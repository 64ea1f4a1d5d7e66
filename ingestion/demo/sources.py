"""The other sources: what the CRM, the billing system, the ad platforms and the survey tool would hand over."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from ingestion.demo import marketing, reference, shop, world
from ingestion.demo.block import Block
from ingestion.demo.clock import DAY_MS, Clock
from ingestion.demo.event_types import Kind
from ingestion.demo.members import FREE, monthly_invoices
from ingestion.demo.money import MISSING, RATE_UNIT, Rates
from ingestion.demo.population import NEVER
from ingestion.demo.text import instants, join, json_object, money, numbers, padded, take, where
from ingestion.demo.truth_commerce import PlanPeriods

Ints = NDArray[np.int64]

VIP_AFTER_DAYS: Final = 60  # of paying; every tenth member
RETRY_DAYS: Final = 3
_FIRST_INVOICE: Final = 90  # its number within a subscription; the monthly ones have their month's
_INSTANT: Final = pa.timestamp("ms", tz="UTC")
_PRICES: Final = np.array([world.PLAN_PRICES[plan] for plan in reference.PLANS])


@dataclass(frozen=True)
class History:
    """What was true of members from when: rows sorted by person and time."""

    person: Ints
    since: Ints
    plan: Ints
    country: Ints
    tier: Ints

    @property
    def changes(self) -> NDArray[np.bool_]:
        """Rows that differ from the person's row before; the others repeat it (something else was updated)."""
        columns = np.stack([self.person, self.plan, self.country, self.tier])
        differs = (np.diff(columns, axis=1, prepend=-1) != 0).any(axis=0)
        return np.asarray(differs, dtype=np.bool_)


def history(block: Block) -> History:
    """Every row that the CRM has: at the sign-up, and at each update of plan, country, tier or onboarding."""
    people, lives, plans, clock = block.people, block.lives, block.names.history, block.clock
    vip = np.where((np.arange(people.n) % 10 == 0) & (lives.paid_from < NEVER), lives.paid_from, NEVER)
    vip = np.where(vip < NEVER, np.maximum(vip, clock.begin - 30 * DAY_MS) + VIP_AFTER_DAYS * DAY_MS, NEVER)
    everyone = np.arange(people.n)
    before = np.where(lives.paid_from < clock.begin, lives.paid_from, NEVER)
    person = np.concatenate([everyone, everyone, everyone, everyone, everyone, plans.person])
    since = np.concatenate([lives.joined, before, lives.onboarded, people.moves_at, vip, plans.at])
    known = (since >= lives.joined[person]) & (since < clock.end)
    pairs = np.unique(np.stack([person[known], since[known]]), axis=1)
    person, since = pairs[0], pairs[1]
    plan = np.where(since < lives.paid_from[person], FREE, plans.plan_at(person, since))
    country = np.where(since >= people.moves_at[person], people.moves_to[person], people.country[person])
    tier = np.where((since >= vip[person]) & (plan != FREE), len(reference.TIERS) - 1, plan)
    return History(person, since, plan, country, tier)


def plan_periods(block: Block) -> PlanPeriods:
    """Each stretch of time in which a member paid one price."""
    plans, lives = block.names.history, block.lives
    paid_before = np.flatnonzero(lives.paid_from < block.clock.begin)
    person = np.concatenate([paid_before, plans.person])
    since = np.concatenate([lives.paid_from[paid_before], plans.at])
    plan = np.concatenate([lives.first_plan[paid_before], plans.plan])
    order = np.lexsort((since, person))
    person, since, plan = person[order], since[order], plan[order]
    followed = np.r_[person[1:] == person[:-1], False] if len(person) else person == 0
    until = np.where(followed, np.r_[since[1:], 0], NEVER) if len(person) else since
    paid = plan != FREE
    return PlanPeriods(person[paid], since[paid], until[paid], _PRICES[plan[paid]])


def _instant(milliseconds: Ints, known: NDArray[np.bool_] | None = None) -> pa.Array:
    missing = None if known is None else ~known
    return pa.array(milliseconds, mask=missing).cast(_INSTANT)


def customers(block: Block) -> pa.Table:
    names, people, lives, rows = block.names, block.people, block.lives, history(block)
    person = rows.person
    onboarded = lives.onboarded[person]
    return pa.table(
        {
            "project_id": pa.repeat(pa.scalar(block.project.id), len(person)),
            "user_id": names.user_id(person),
            "email": names.email(person),
            "name": names.full_name(person),
            "plan": take(reference.PLANS, rows.plan),
            "country": take([c.code for c in reference.COUNTRIES], rows.country),
            "tier": take(reference.TIERS, rows.tier),
            "company_id": names.company_id(person),
            "is_internal": pa.array(people.internal[person]),
            "created_at": instants(lives.joined[person]),
            "onboarded_at": where(onboarded <= rows.since, instants(np.minimum(onboarded, block.clock.end))),
            "updated_at": instants(rows.since),
        }
    )


def subscriptions(block: Block) -> pa.Table:
    periods, names = plan_periods(block), block.names
    ended = periods.until < NEVER
    plan = np.searchsorted(_PRICES, periods.amount)
    cancelled = ended & (names.plan_at(periods.person, np.where(ended, periods.until, 0)) == FREE)
    status = np.where(cancelled, "cancelled", np.where(ended, "changed", "active"))
    return pa.table(
        {
            "project_id": pa.repeat(pa.scalar(block.project.id), len(plan)),
            "subscription_id": names.subscription_id(periods.person),
            "user_id": names.user_id(periods.person),
            "plan": take(reference.PLANS, plan),
            "amount": pc.cast(money(periods.amount), pa.decimal128(12, 2)),
            "currency": pa.repeat(pa.scalar(block.project.currency), len(plan)),
            "status": pa.array(status, type=pa.string()),
            "started_at": _instant(periods.since),
            "ended_at": _instant(periods.until, ended),
            "updated_at": _instant(np.where(ended, periods.until, periods.since)),
        }
    )


def invoices(block: Block) -> pa.StringArray:
    """JSON lines. A failed payment is tried again three days later."""
    names, lives, clock = block.names, block.lives, block.clock
    person, month, issued = monthly_invoices(lives, clock)
    begun = names.history.person[names.history.plan != FREE]
    starts = names.history.at[names.history.plan != FREE]
    first = np.r_[True, np.diff(begun) != 0] if len(begun) else begun == 0
    first &= lives.paid_from[begun] >= clock.begin
    everybody = np.concatenate([person, begun[first]])
    number = np.concatenate([month, np.full(int(first.sum()), _FIRST_INVOICE)])
    at = np.concatenate([issued, starts[first]])
    failed = np.concatenate([lives.invoice_failed[person, month], np.zeros(int(first.sum()), dtype=np.bool_)])
    recovers = np.concatenate([lives.invoice_recovers[person, month], np.ones(int(first.sum()), dtype=np.bool_)])
    again = at + RETRY_DAYS * DAY_MS
    tried = failed & (again < clock.end)
    paid_at = np.where(failed, again, at)
    paid = ~failed | (tried & recovers)
    state = np.where(paid, "paid", np.where(tried, "uncollectible", "failed"))
    plan = np.where(at < lives.paid_from[everybody], lives.first_plan[everybody], names.plan_at(everybody, at))
    return json_object(
        ("project_id", "text", block.project.id),
        ("invoice_id", "text", names.invoice_id(everybody, number)),
        ("subscription_id", "text", names.subscription_id(everybody)),
        ("user_id", "text", names.user_id(everybody)),
        ("amount", "raw", money(_PRICES[plan])),
        ("currency", "text", block.project.currency),
        ("status", "text", pa.array(state, type=pa.string())),
        ("attempts", "raw", numbers(1 + tried)),
        ("issued_at", "text", instants(at)),
        ("failed_at", "text?", where(failed, instants(at))),
        ("paid_at", "text?", where(paid, instants(paid_at))),
        ("updated_at", "text", instants(np.where(tried, again, at))),
        opening="{",
        closing="}",
    )


def nps(block: Block) -> pa.Table:
    """Every answer, whether or not its event reached the product's analytics."""
    rows = block.happened.take(block.happened.kind == Kind.nps_answered)
    person = block.visits.person[rows.visit]
    return pa.table(
        {
            "project_id": pa.repeat(pa.scalar(block.project.id), len(rows)),
            "user_id": block.names.user_id(person),
            "score": pa.array(rows.a),
            "answered_at": instants(rows.at),
        }
    )


def marketing_spend(project: world.Project, rows: list[marketing.SpendRow], clock: Clock) -> pa.Table:
    touches = [marketing.TOUCHES[row.touch] for row in rows]
    return pa.table(
        {
            "project_id": [project.id] * len(rows),
            "date": [clock.dates[row.day] for row in rows],
            "channel": [touch.channel for touch in touches],
            "source": [touch.source for touch in touches],
            "medium": [touch.medium for touch in touches],
            "campaign": [touch.campaign for touch in touches],
            "impressions": [row.impressions for row in rows],
            "clicks": [row.clicks for row in rows],
            "cost": money(np.array([row.cost for row in rows], dtype=np.int64)),
            "currency": [project.currency] * len(rows),
        }
    )


def products(goods: shop.Catalogue) -> pa.StringArray:
    everything, number = range(shop.PRODUCTS), np.arange(shop.PRODUCTS)
    return json_object(
        ("product_id", "text", take([goods.id(p) for p in everything], number)),
        ("name", "text", take([goods.name(p) for p in everything], number)),
        ("category", "text", take([goods.category(p) for p in everything], number)),
        ("price", "raw", money(goods.price)),
        ("currency", "text", "EUR"),
        opening="{",
        closing="}",
    )


def currency_rates(table: list[tuple[Rates, Clock]]) -> pa.Table:
    """One row per day and pair; the pair and day that has none is left out."""
    parts = []
    for rates, clock in table:
        currency, day = np.nonzero(rates.rate != MISSING)
        rate = rates.rate[currency, day]
        parts.append(
            pa.table(
                {
                    "date": take(clock.dates, day),
                    "from_currency": take(reference.CURRENCIES, currency),
                    "to_currency": pa.repeat(pa.scalar(rates.currency), len(day)),
                    "rate": join(numbers(rate // RATE_UNIT), ".", padded(rate % RATE_UNIT, 6)),
                }
            )
        )
    return pa.concat_tables(parts)


@dataclass
class BlockSources:
    """The rows of one block."""

    customers: pa.Table
    subscriptions: pa.Table
    invoices: pa.StringArray
    nps: pa.Table


def of_block(block: Block) -> BlockSources:
    return BlockSources(customers(block), subscriptions(block), invoices(block), nps(block))


def write(
    folder: Path,
    blocks: list[BlockSources],
    spend: list[pa.Table],
    goods: shop.Catalogue,
    rates: list[tuple[Rates, Clock]],
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _csv(folder / "customers.csv", pa.concat_tables([block.customers for block in blocks]))
    pq.write_table(
        pa.concat_tables([block.subscriptions for block in blocks]),
        folder / "subscriptions.parquet",
        compression="zstd",
    )
    _lines(folder / "invoices.jsonl", [block.invoices for block in blocks])
    _csv(folder / "nps_answers.csv", pa.concat_tables([block.nps for block in blocks]))
    _csv(folder / "marketing_spend.csv", pa.concat_tables(spend))
    _lines(folder / "products.jsonl", [products(goods)])
    _csv(folder / "currency_rates.csv", currency_rates(rates))


def _csv(path: Path, table: pa.Table) -> None:
    pa_csv.write_csv(table, path, pa_csv.WriteOptions(quoting_style="needed"))


def _lines(path: Path, columns: list[pa.StringArray]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for column in columns:
            file.writelines(f"{line}\n" for line in column.to_pylist())
