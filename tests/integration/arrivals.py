"""A world whose events arrive in the order that a test wants, builds of it, and what is in the tables after them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from ingestion.demo import World, generate
from tests.support import Instance
from warehouse.dbt import build_arguments, run

# What each model says, where the rows themselves also say how they came about.
MEANING = {
    "intermediate.int_identity_links": "SELECT * FROM intermediate.int_anonymous_users",
    "intermediate.int_identity_days": "SELECT DISTINCT * FROM intermediate.int_identity_days",
    "intermediate.int_internal_statements": "SELECT * FROM intermediate.int_internal_users",
    "intermediate.int_event_id_sketches": (
        "SELECT local_date, arraySort(bitmapToArray(groupBitmapMergeState(ids))) "
        "FROM intermediate.int_event_id_sketches GROUP BY local_date"
    ),
    "intermediate.int_first_seen": (
        "SELECT project_id, is_user, id, min(first_at) FROM intermediate.int_first_seen GROUP BY ALL"
    ),
    "intermediate.int_order_days": "SELECT DISTINCT * FROM intermediate.int_order_days",
    "intermediate.int_user_state_changes": (
        "SELECT project_id, person_key, from_day, state FROM intermediate.int_user_state_changes "
        "GROUP BY ALL HAVING sum(sign) > 0"
    ),
}
PERSONAL_IDS = ("event_id", "user_id", "anonymous_id", "session_id", "group_id")
# A table of days costs by its days: from the first on there are the nights in which the clocks of both projects are put
# forward (March 8th and 29th), and 40 days are enough for whatever looks back on 30.
FROM_DAY, FORTY_DAYS, UNTIL_DAY = date(2026, 3, 1), date(2026, 4, 10), date(2026, 4, 30)
HALF_A_YEAR = date(2025, 1, 1)  # all there is
LAST_WEEK = f"timestamp > (SELECT max(timestamp) - INTERVAL 7 DAY FROM ops.arrivals WHERE timestamp < '{UNTIL_DAY}')"
# What builds tell of themselves: another one has more to tell.
BOOKKEEPING = ("intermediate.int_changed_days", "marts.agg_daily_table_quality")


@contextmanager
def world_aside(folder: Path, since: date = FROM_DAY, until: date | None = None) -> Iterator[Instance]:
    """A world in a table aside (ops.arrivals): events are put into raw.events from there, which is empty."""
    generate(World(size=12_000, end=UNTIL_DAY), folder / "world")
    with Instance(folder / "millrace") as own:
        own.up()
        own.json("load", str(folder / "world" / "events"))
        client = own.client()
        client.command("CREATE TABLE ops.arrivals AS raw.events")
        until_then = f" AND timestamp < '{until}'" if until else ""
        client.command(f"INSERT INTO ops.arrivals SELECT * FROM raw.events WHERE timestamp >= '{since}'{until_then}")
        client.command("TRUNCATE TABLE raw.events")
        yield own


def arrive(own: Instance, condition: str, pause: float = 0) -> None:
    """Events of the world into raw; with a pause at each of them, where an insert shall take its time."""
    listed = ", ".join(columns_of_events(own))
    own.client().command(
        f"INSERT INTO raw.events ({listed}) SELECT {listed} "
        f"FROM (SELECT * FROM ops.arrivals WHERE {condition} LIMIT 1000000) WHERE sleepEachRow({pause}) = 0 "
        "SETTINGS function_sleep_max_microseconds_per_block = 600000000"
    )


def columns_of_events(own: Instance) -> list[str]:
    """Those that whoever sends an event fills."""
    columns = "SELECT name FROM system.columns WHERE database = 'raw' AND table = 'events' AND name != 'loaded_at'"
    return [name for (name,) in own.rows(columns)]


def build(own: Instance, *select: str, full_refresh: bool = False, tests: bool = False) -> None:
    """As `millrace build` does it, without a process for each: all models or those selected, and their data tests where
    they are asked for."""
    with own.active() as settings:
        done = run(settings, build_arguments(select, full_refresh=full_refresh, tests=tests))
    assert done.nodes and not done.failed, done.failed


def contents(own: Instance) -> dict[str, tuple[Any, ...]]:
    found = {}
    for database, table in own.rows(
        "SELECT database, name FROM system.tables "
        "WHERE database IN ('intermediate', 'marts') AND engine LIKE '%MergeTree' ORDER BY ALL"
    ):
        name = f"{database}.{table}"
        if name not in BOOKKEEPING:
            rows = MEANING.get(name, f"SELECT * FROM {name}")
            found[name] = own.rows(f"SELECT count(), groupBitXor(cityHash64(toString(tuple(*)))) FROM ({rows})")[0]
    return found


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The names of what differs: of a hundred checksums nobody sees which."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def start_anew(own: Instance) -> None:
    for database, table in own.rows(
        "SELECT database, name FROM system.tables WHERE database IN ('staging', 'intermediate', 'marts')"
    ):
        own.client().command(f"DROP TABLE {database}.{table}")
    own.client().command("TRUNCATE TABLE raw.events")
    for table in ("builds", "built_models"):
        own.client().command(f"DROP TABLE IF EXISTS ops.{table}")


def grow(own: Instance, copies: int) -> None:
    """As many worlds beside each other, of other people and other events each."""
    renamed = ", ".join(f"if({name} = '', '', concat({name}, '~', toString(n))) AS {name}" for name in PERSONAL_IDS)
    own.client().command(
        f"INSERT INTO ops.arrivals SELECT * EXCEPT (n) REPLACE ({renamed}) "
        f"FROM ops.arrivals ARRAY JOIN range(1, {copies}) AS n"
    )


def last_week(own: Instance, part: float) -> str:
    """A condition: so many of all events, spread over the last 7 days."""
    ((share,),) = own.rows(f"SELECT countIf({LAST_WEEK}) / count() FROM ops.arrivals")
    return f"{LAST_WEEK} AND cityHash64(event_id, 3) % 10000 < {round(10000 * part / share)}"


@contextmanager
def reading(own: Instance) -> Iterator[dict[str, int]]:
    """What queries of the engineer read inside: rows and queries, filled in at the end."""
    found: dict[str, int] = {}
    ((begun,),) = own.rows("SELECT toString(now64(6))")
    yield found
    own.client().command("SYSTEM FLUSH LOGS query_log")
    ((found["rows"], found["queries"]),) = own.rows(
        "SELECT sum(read_rows), count() FROM system.query_log WHERE type = 'QueryFinish' AND user = 'engineer' "
        f"AND event_time_microseconds >= '{begun}'"
    )
