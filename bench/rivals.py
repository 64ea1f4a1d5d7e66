"""Our journeys and metrics beside what people write: python -m bench.rivals [EVENTS …]; 10 million if none is given.

The same events three times, in one run: in our tables (as bench.journeys makes them), in one table of ClickHouse as a
textbook has it (sorted by time, properties as JSON in a String) and as a Parquet file for DuckDB. The textbook's SQL is
the one that needs no knowledge of either engine: self-joins, and count(distinct). All three must answer the same, or
nothing is printed. Ours reads what a build keeps ready: days of people, active users, metrics per day.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from bench.harness import median_seconds, report
from bench.journeys import LAST, PROJECT, fill, questions
from tests.support import Instance

EVENTS = 10_000_000
WEEK = (LAST - timedelta(days=20), LAST - timedelta(days=14))  # in which people enter the funnel
WINDOW_DAYS = 14
MONTH = LAST - timedelta(days=30)
STEPS = ("product_viewed", "product_added", "checkout_started", "order_completed")
MEMORY = "8GiB"
RUNS = 3

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Question:
    ours: str
    textbook: str  # {events}: where they are; {country}: how that property is read
    read_ours: Callable[[Rows], Any] = lambda rows: sorted(rows)  # into what the textbook's rows say


def funnel() -> str:
    first, last = WEEK
    until = last + timedelta(days=WINDOW_DAYS + 1)
    joined = "".join(
        f"""
        s{n} as (
            select before.user_id as user_id, before.t1 as t1, min(e.timestamp) as t{n}
            from s{n - 1} as before join e on e.user_id = before.user_id
            where e.event = '{step}' and e.timestamp > before.t{n - 1}
                and e.timestamp <= before.t1 + interval {WINDOW_DAYS} day
            group by before.user_id, before.t1
        ),"""
        for n, step in enumerate(STEPS[1:], start=2)
    )
    counted = " union all ".join(f"select {n} as step, count(distinct user_id) as users from s{n}" for n in range(1, 5))
    return f"""
        with e as (
            select user_id, event, timestamp from {{events}}
            where event in {STEPS} and timestamp >= '{first} 00:00:00' and timestamp < '{until} 00:00:00'
        ),
        s1 as (
            select user_id, timestamp as t1 from e
            where event = '{STEPS[0]}' and timestamp < '{last + timedelta(days=1)} 00:00:00'
        ),{joined}
        counted as ({counted})
        select step, users from counted order by step
    """


def retention() -> str:
    return f"""
        with days as (
            select distinct user_id, cast(timestamp as date) as day
            from {{events}} where timestamp >= '{MONTH} 00:00:00'
        )
        select a.day as cohort, b.day as day, count(distinct a.user_id) as users
        from days as a join days as b on a.user_id = b.user_id
        where b.day > a.day
        group by a.day, b.day
    """


def returned(rows: Rows) -> Rows:
    """Ours has a row per cohort, with those who came back after so many days in a list; nobody is no row of a join."""
    return sorted(
        (cohort, cohort + timedelta(days=age), users)
        for _, cohort, _, _, counts in rows
        for age, users in enumerate(counts, start=1)
        if users
    )


def active(days: int, column: str) -> Question:
    since = LAST - timedelta(days=days - 1)
    return Question(
        f"select {column} from marts.agg_active_users where project_id = '{PROJECT}' and local_date = '{LAST}'",
        f"select count(distinct user_id) from {{events}} where timestamp >= '{since} 00:00:00'",
    )


def asked() -> dict[str, Question]:
    ours = questions()
    by_day = f"local_date > toDate('{LAST}') - 90"
    since = LAST - timedelta(days=89)
    return {
        "funnel, 4 steps, entered on 7 days": Question(
            ours["funnel, 4 steps, entered on 7 days"],
            funnel(),
            lambda rows: list(enumerate(rows[0][2], start=1)),
        ),
        "daily retention of 30 days": Question(ours["daily retention of 30 days"], retention(), returned),
        "daily active users of 90 days": Question(
            "select local_date, daily_active_users from marts.agg_active_users "
            f"where project_id = '{PROJECT}' and {by_day}",
            "select cast(timestamp as date) as day, count(distinct user_id) from {events} "
            f"where timestamp >= '{since} 00:00:00' group by cast(timestamp as date)",
        ),
        "weekly active users": active(7, "weekly_active_users"),
        "monthly active users": active(30, "monthly_active_users"),
        "events by day and country, 30 days": Question(
            f"select local_date, country, sum(events) from marts.agg_daily_metrics where project_id = '{PROJECT}' "
            f"and local_date >= '{LAST - timedelta(days=29)}' group by local_date, country",
            "select cast(timestamp as date) as day, {country} as country, count(*) from {events} "
            f"where timestamp >= '{LAST - timedelta(days=29)} 00:00:00' group by cast(timestamp as date), {{country}}",
        ),
    }


def fill_textbook(instance: Instance) -> None:
    client = instance.client()
    client.command("create database textbook")
    client.command(
        "create table textbook.events (event_id String, user_id String, event String, timestamp DateTime64(3, 'UTC'), "
        "properties String) engine = MergeTree order by timestamp"
    )
    client.command(
        "insert into textbook.events select event_id, person_id, event, timestamp, "
        'concat(\'{"country":"\', country, \'","device_type":"\', device_type, \'"}\') from marts.fct_events'
    )


def write_parquet(instance: Instance, path: Path) -> None:
    stream = instance.client().raw_stream(
        "select event_id, person_id as user_id, toString(event) as event, "
        "cast(timestamp as DateTime64(3)) as timestamp, toString(country) as country from marts.fct_events",
        fmt="Parquet",
        settings={"output_format_parquet_string_as_string": 1},
    )
    with path.open("wb") as file:
        while chunk := stream.read(1024**2):
            file.write(chunk)


def in_clickhouse(instance: Instance, sql: str) -> tuple[float, Rows]:
    client = instance.client()
    settings = {"use_query_condition_cache": 0, "use_query_cache": 0}
    seconds = median_seconds(lambda: client.query(sql, settings=settings), runs=RUNS)
    return seconds, [tuple(row) for row in client.query(sql, settings=settings).result_rows]


def in_duckdb(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[float, Rows]:
    seconds = median_seconds(lambda: connection.execute(sql).fetchall(), runs=RUNS)
    return seconds, connection.execute(sql).fetchall()


def beside_each_other(instance: Instance, events: int, connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for name, question in asked().items():
        ours, said = in_clickhouse(instance, question.ours)
        answer = question.read_ours(said)
        country = "JSONExtractString(properties, 'country')"
        theirs, told = in_clickhouse(instance, question.textbook.format(events="textbook.events", country=country))
        assert plain(told) == plain(answer), (name, told[:5], answer[:5])
        there, told = in_duckdb(connection, question.textbook.format(events="events", country="country"))
        assert plain(told) == plain(answer), (name, told[:5], answer[:5])
        rows.append((events, name, ours, theirs, round(theirs / ours, 1), there, round(there / ours, 1)))
    return rows


def plain(rows: Rows) -> list[tuple[str, ...]]:
    return sorted(tuple(value.isoformat() if isinstance(value, date) else str(value) for value in row) for row in rows)


def duckdb_of(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": os.cpu_count() or 1, "memory_limit": MEMORY.replace("i", "")})
    connection.execute(f"create view events as select * from read_parquet('{path}')")
    return connection


def main(sizes: Sequence[int]) -> None:
    rows: list[tuple[Any, ...]] = []
    for events in sizes:
        with (
            tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder,
            Instance(Path(folder) / "millrace", MILLRACE_MEMORY=MEMORY) as instance,
        ):
            instance.up()
            begun = time.perf_counter()
            fill(instance, events)
            fill_textbook(instance)
            parquet = Path(folder) / "events.parquet"
            write_parquet(instance, parquet)
            print(f"{events:,} events made in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
            rows += beside_each_other(instance, events, duckdb_of(parquet))
    columns = ("events", "question", "ours, s", "textbook, s", "times ours", "DuckDB, s", "times ours")
    report("rivals", "The same questions of the same events", columns, rows)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [EVENTS])
