"""The truths that are tables: one row per anonymous id, session, change of a plan, or paying member at a cut-off."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ingestion.demo import marketing, reference, world
from ingestion.demo.block import Block
from ingestion.demo.event_types import Kind
from ingestion.demo.observed import Observed, Sessions
from ingestion.demo.population import CONSENT_YES
from ingestion.demo.shop import BUNDLES
from ingestion.demo.sources import history
from ingestion.demo.text import take, where

Ints = NDArray[np.int64]

_INSTANT = pa.timestamp("ms", tz="UTC")


def tables(block: Block, seen: Observed, visits: Sessions) -> dict[str, pa.Table]:
    return {
        "identities": _identities(block, seen),
        "sessions": _sessions(block, visits),
        "user_history": _user_history(block),
        "churn": _churn(block),
        "tastes": _tastes(block),
    }


def _of_project(block: Block, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(block.project.id), rows)


def _instant(milliseconds: Ints) -> pa.Array:
    return pa.array(milliseconds).cast(_INSTANT)


def person_ids(block: Block, person: Ints) -> pa.StringArray:
    """The canonical id of people: their user id, or the anonymous id of a stranger."""
    users = block.people.n
    user = block.names.user_id(np.where(person < users, person, -1))
    return where(person < users, user, block.names.anonymous_id(np.where(person < users, -1, person - users)))


def _identities(block: Block, seen: Observed) -> pa.Table:
    anonymous = np.unique(seen.events.anonymous[seen.events.anonymous >= 0])
    owner = seen.owner[anonymous]
    person = np.where(owner >= 0, owner, block.people.n + anonymous)
    return pa.table(
        {
            "project_id": _of_project(block, len(anonymous)),
            "anonymous_id": block.names.anonymous_id(anonymous),
            "person_id": person_ids(block, person),
            "is_known": pa.array(owner >= 0),
        }
    )


def _sessions(block: Block, visits: Sessions) -> pa.Table:
    channel = marketing.CHANNEL_OF_TOUCH[visits.touch]
    return pa.table(
        {
            "project_id": _of_project(block, len(visits.start)),
            "person_id": person_ids(block, visits.person),
            "started_at": _instant(visits.start),
            "ended_at": _instant(visits.end),
            "local_date": take(block.clock.dates, block.clock.day(visits.start)),
            "events": pa.array(visits.events),
            "views": pa.array(visits.views),
            "conversions": pa.array(visits.conversions),
            "channel": take(marketing.CHANNELS, channel),
            "campaign": take([touch.campaign for touch in marketing.TOUCHES], visits.touch),
            "device_type": take([device.kind for device in reference.DEVICES], visits.device),
            "country": take([country.code for country in reference.COUNTRIES], visits.country),
            "has_sdk_session_id": pa.array(visits.named),
        }
    )


def _user_history(block: Block) -> pa.Table:
    rows = history(block)
    changes = rows.changes
    person = rows.person[changes]
    return pa.table(
        {
            "project_id": _of_project(block, len(person)),
            "user_id": block.names.user_id(person),
            "valid_from": _instant(rows.since[changes]),
            "plan": take(reference.PLANS, rows.plan[changes]),
            "country": take([country.code for country in reference.COUNTRIES], rows.country[changes]),
            "tier": take(reference.TIERS, rows.tier[changes]),
        }
    )


def _churn(block: Block) -> pa.Table:
    """Paying members whose events count, at each cut-off."""
    parts = []
    for row in block.lives.churn:
        day = (row.epoch + 1) * world.EPOCH_DAYS
        counts = (block.people.consent[row.person] == CONSENT_YES) & ~block.people.internal[row.person]
        person = row.person[counts]
        n = len(person)
        label = pa.nulls(n, pa.bool_()) if row.churned is None else pa.array(row.churned[counts])
        parts.append(
            pa.table(
                {
                    "project_id": _of_project(block, n),
                    "user_id": block.names.user_id(person),
                    "cut_off": _instant(np.full(n, block.clock.midnights[day])),
                    **{name: pa.array(values[counts].astype(np.float64)) for name, values in row.features.items()},
                    "probability": pa.array(row.probability[counts]),
                    "churned": label,
                }
            )
        )
    return pa.concat_tables(parts)


def _tastes(block: Block) -> pa.Table:
    """The favourite bundle of everybody who put something into a cart while known."""
    table = block.table
    buyers = np.unique(table.user[(table.kind == Kind.product_added) & (table.user >= 0)])
    return pa.table(
        {
            "project_id": _of_project(block, len(buyers)),
            "user_id": block.names.user_id(buyers),
            "favourite_bundle": take(BUNDLES, block.people.favourite[buyers] % len(BUNDLES)),
        }
    )
