"""A cluster: several ClickHouse servers, each a shard with the whole schema of raw.

The one of the settings is the first shard, and the one that is asked: on it stand the tables that are small, and beside
each table that is kept on all shards one that reads them all. What is loaded goes to a shard by the token of its piece;
tables of days that say so (shard_by) lie by person. docs/decisions/063 has the reasons.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from warehouse.connection import connect, failures_as_sentences
from warehouse.errors import MillraceError
from warehouse.settings import PREFIX, Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Tables of raw that a load fills where its pieces are, and what reads those of all shards.
SPREAD = ("events", "events_rejected", "events_withheld", "hourly_events", "load_counts")
EVERYWHERE = "_everywhere"
SHARD = "__shard"  # of a model's table that lies on all shards: the part of one
# In a statement of dbt: it is meant for all shards, or for all but the first.
ON_EVERY_SHARD, ON_OTHER_SHARDS = "/*on every shard*/", "/*on the other shards*/"

One = TypeVar("One")


def shards(settings: Settings) -> list[Settings]:
    """The settings of each shard, that of the settings themselves first. Without a cluster that is all."""
    if not settings.cluster:
        return [settings]
    _ = settings.passwords  # read once, and kept with each copy: the users are the same everywhere
    return [settings, *(_of_another(settings, url) for url in settings.shards_listed)]


def _of_another(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"clickhouse_url": url, "cluster": "", "shards": ""})


def shard_of(token: str, among: Sequence[One]) -> One:
    """The same one each time: only that shard knows whether what carries this token is in."""
    return among[int(hashlib.sha256(token.encode()).hexdigest()[:8], 16) % len(among)]


def everywhere(settings: Settings, table: str) -> str:
    """What reads a table of raw on all shards."""
    return f"raw.{table}{EVERYWHERE if settings.cluster else ''}"


@contextmanager
def clients(settings: Settings, role: str) -> Iterator[list[Client]]:
    """A connection to each shard: all of them answer, or nothing is begun."""
    opened: list[Client] = []
    try:
        for number, shard in enumerate(shards(settings), start=1):
            try:
                opened.append(connect(shard, role))
            except MillraceError as error:
                if number == 1:
                    raise
                raise MillraceError(
                    f"Shard {number} of the cluster {settings.cluster!r} cannot be used: {error.message}",
                    hint="When it is back, repeat the command: what is in stays in; nothing is doubled.",
                ) from error
        yield opened
    finally:
        for client in opened:
            client.close()


def make_everywhere(settings: Settings) -> list[str]:
    """On the first shard the tables that read raw on all of them; returns those that were made or changed."""
    if not settings.cluster:
        return []
    with closing(connect(settings, "admin")) as client, failures_as_sentences("to join the shards"):
        _check(settings, client)
        return [table for table in SPREAD if _make(settings, client, table)]


def _check(settings: Settings, client: Client) -> None:
    known = client.query(
        "SELECT shard_num, max(is_local) FROM system.clusters WHERE cluster = {name:String} GROUP BY ALL ORDER BY 1",
        parameters={"name": settings.cluster},
    ).result_rows
    if not known:
        raise MillraceError(
            f"The server knows no cluster {settings.cluster!r} ({PREFIX}CLUSTER).",
            hint="Declare it under remote_servers in the configuration of the server; docs/cluster.md has an example.",
        )
    listed = 1 + len(settings.shards_listed)
    if len(known) != listed:
        raise MillraceError(
            f"The cluster {settings.cluster!r} has {len(known)} shards, and {PREFIX}SHARDS makes {listed}.",
            hint=f"List in {PREFIX}SHARDS the HTTP address of each shard but the one that is asked.",
        )
    if not known[0][1]:
        raise MillraceError(
            f"The server is not the first shard of its cluster {settings.cluster!r}.",
            hint="Ask the first one: that is where the small tables are.",
        )


def _make(settings: Settings, client: Client, table: str) -> bool:
    wanted = (
        f"CREATE OR REPLACE TABLE raw.{table}{EVERYWHERE} AS raw.{table} "
        f"ENGINE = Distributed('{settings.cluster}', 'raw', '{table}')"
    )
    columns = (
        "SELECT groupArray((name, type)) FROM (SELECT name, type FROM system.columns WHERE database = 'raw' "
        "AND table = {table:String} ORDER BY position)"
    )
    here, there = (
        client.query(columns, parameters={"table": name}).result_rows[0][0] for name in (table, f"{table}{EVERYWHERE}")
    )
    if here == there:
        return False
    client.command(wanted)
    return True


@contextmanager
def on_shards(settings: Settings) -> Iterator[None]:
    """While dbt runs: it knows the first shard alone, and a statement that is meant for others goes to them as well.
    ClickHouse's own ON CLUSTER would need a Keeper."""
    if not settings.cluster:
        yield
        return
    from dbt.adapters.clickhouse import connections

    manager_class: Any = connections.ClickHouseConnectionManager
    others, execute = shards(settings)[1:], manager_class.execute

    def executed(manager: Any, sql: str, *arguments: Any, **options: Any) -> Any:
        here = "select 1" if ON_OTHER_SHARDS in sql else sql
        if here == sql and ON_EVERY_SHARD not in sql:
            return execute(manager, sql, *arguments, **options)
        with ThreadPoolExecutor(len(others)) as senders:
            sent = [senders.submit(_send, shard, sql) for shard in others]
            answer = execute(manager, here, *arguments, **options)
            for one in sent:
                one.result()
        return answer

    manager_class.execute = executed
    try:
        yield
    finally:
        manager_class.execute = execute


def _send(shard: Settings, sql: str) -> None:
    with closing(connect(shard, "engineer")) as client:
        client.command(sql, settings={"max_partitions_per_insert_block": 10_000})
