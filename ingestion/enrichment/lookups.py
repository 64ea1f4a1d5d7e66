"""Lookup tables beside raw.events: what a user agent, a referrer's host and an address mean, once per distinct value.

Filled after a load with the values that are not known yet, and again with all of them when the rules have changed;
staging joins them. docs/decisions has the reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.enrichment import geo, referrers, user_agents
from warehouse.connection import insert_rows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

BATCH = 50_000
_FEW = "LowCardinality(String)"


@dataclass(frozen=True)
class Lookup:
    """`key` is the column of the distinct value; `expression` is what raw.events has for it, '' for none."""

    table: str
    key: str
    expression: str
    described: tuple[str, ...]
    rules_version: str
    describe: Callable[[Sequence[str]], Iterable[tuple[str, ...]]]

    @property
    def columns(self) -> Mapping[str, str]:
        """Column -> type of the table; `described_at` is set by its default."""
        return {self.key: "String", **dict.fromkeys((*self.described, "rules_version"), _FEW)}


def lookups(geo_database: Path | None = None) -> list[Lookup]:
    """The lookups of this installation; places only where there is a file of them."""
    found = [
        Lookup(
            table="user_agents",
            key="user_agent",
            expression="context.user_agent",
            described=_names(user_agents.UserAgent),
            rules_version=user_agents.rules_version(),
            describe=lambda values: (astuple(user_agents.parse_user_agent(value)) for value in values),
        ),
        Lookup(
            table="referrers",
            key="host",
            expression=referrers.referrer_host("context.page.referrer"),
            described=_names(referrers.Referrer),
            rules_version=referrers.rules_version(),
            describe=lambda values: (astuple(referrers.classify_referrer(value)) for value in values),
        ),
    ]
    if geo_database is not None:
        found.append(
            Lookup(
                table="places",
                key="ip",
                # Hashes of addresses have no place.
                expression="if(isNull(toIPv6OrNull(context.ip)), '', context.ip)",
                described=_names(geo.Place),
                rules_version=geo.database_version(geo_database),
                describe=lambda values: (astuple(place) for place in geo.locate(values, geo_database)),
            )
        )
    return found


def fill_lookups(
    client: Client,
    geo_database: Path | None = None,
    since: datetime | None = None,
    database: str = "raw",
    events: str = "",
) -> dict[str, int]:
    """Describe every value that raw.events has and the lookups do not know; returns rows written by table.

    `since` spares a look at older rows: the time when the load began. `events`: what has those of all shards.
    """
    written = {}
    for lookup in lookups(geo_database):
        columns = [lookup.key, *lookup.described, "rules_version"]
        written[lookup.table] = 0
        for values in _unknown_values(client, lookup, since, database, events or f"{database}.events"):
            described = lookup.describe(values)
            rows = [(value, *words, lookup.rules_version) for value, words in zip(values, described, strict=True)]
            insert_rows(client, f"{database}.{lookup.table}", rows, columns)
            written[lookup.table] += len(rows)
    return written


def _unknown_values(
    client: Client, lookup: Lookup, since: datetime | None, database: str, events: str
) -> Iterator[list[str]]:
    """Batches; each is written before the next is asked for, and so is not found again."""
    table = f"{database}.{lookup.table}"
    recent = "loaded_at >= {since:DateTime64(3, 'UTC')}" if since else "1"
    sql = f"""
        SELECT DISTINCT value FROM (
            SELECT toString({lookup.expression}) AS value FROM {events} WHERE {recent}
            UNION ALL
            SELECT {lookup.key} AS value FROM {table} WHERE rules_version != {{version:String}}
        )
        WHERE value != '' AND value NOT IN (SELECT {lookup.key} FROM {table} WHERE rules_version = {{version:String}})
        ORDER BY value LIMIT {BATCH}
    """
    parameters: dict[str, Any] = {"version": lookup.rules_version, "since": since}
    while rows := client.query(sql, parameters=parameters).result_rows:
        yield [str(row[0]) for row in rows]


def _names(record: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record))
