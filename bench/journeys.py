"""Journeys on many events, as the analyst asks: python -m bench.journeys [EVENTS …]; 10 million if none is given.

The events are made in ClickHouse, straight into the tables of the models: sessions of eight events, of people who come
often and people who come once. How long a query takes is the median of three runs, its memory what the server says was
its peak.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.harness import median_seconds, report
from semantic_layer.journeys import rendering
from semantic_layer.journeys.grammar import parse_step
from semantic_layer.journeys.models import Funnel, Kind, Lifecycle, Period, Retention
from tests.support import Instance
from warehouse.dbt import run

EVENTS = 10_000_000
EVENTS_PER_SESSION = 8
EVENTS_PER_PERSON = 100
DAYS = 120
FIRST = date(2026, 1, 1)
LAST = FIRST + timedelta(days=DAYS - 1)
PROJECT = "demo"
EVENTS_PER_PART = 5_000_000
# Per mille of all events.
SHARES = {
    "page_viewed": 400,
    "screen_viewed": 240,
    "feature_used": 130,
    "report_viewed": 70,
    "product_viewed": 70,
    "product_added": 35,
    "search_performed": 25,
    "checkout_started": 15,
    "order_completed": 10,
    "signed_up": 5,
}
MODELS = ("fct_events", "agg_person_days", "agg_active_users", "agg_daily_metrics")
PARTITION_PER_DAY = {"max_partitions_per_insert_block": 0}


def columns_of_events() -> dict[str, str]:
    """The columns that journeys read; the others keep their defaults."""
    edges = [sum(list(SHARES.values())[: n + 1]) for n in range(len(SHARES) - 1)]
    kinds = ", ".join(f"dice < {edge}, '{name}'" for edge, name in zip(edges, SHARES, strict=False))
    return {
        "project_id": f"'{PROJECT}'",
        "event_id": "lower(hex(number))",
        "event": f"multiIf({kinds}, '{list(SHARES)[-1]}')",
        "message_type": "'track'",
        "person_id": "toString(person)",
        "person_key": "cityHash64(person)",
        "session_key": "cityHash64(session)",
        "timestamp": (
            f"toDateTime64('{FIRST}', 3, 'UTC') + toIntervalDay(day) + toIntervalSecond(moment % 85000)"
            f" + toIntervalMillisecond(number % {EVENTS_PER_SESSION} * 137731)"
        ),
        "local_date": f"toDate('{FIRST}') + day",
        "country": "['DE', 'FR', 'GB', 'US', 'ES'][person % 5 + 1]",
        "device_type": "['desktop', 'mobile', 'tablet'][person % 3 + 1]",
    }


def events_sql(events: int, first: int, last: int) -> str:
    """The events of the days from the first to before the last: one after another by day, in sessions."""
    sessions = events // EVENTS_PER_SESSION
    begin, end = (-(-sessions * day // DAYS) * EVENTS_PER_SESSION for day in (first, last))
    people = max(events // EVENTS_PER_PERSON, 1)
    return f"""
        select {", ".join(columns_of_events().values())}
        from (
            select
                number,
                intDiv(number, {EVENTS_PER_SESSION}) as session,
                intDiv(session * {DAYS}, {sessions}) as day,
                cityHash64(session, 1) as moment,
                cityHash64(number, 2) % 1000 as dice,
                /* A square: the few who come often, the many who come once. */
                toUInt32({people} * pow(cityHash64(session, 3) / pow(2, 64), 2)) as person
            from numbers({begin}, {end - begin})
        )
    """


def fill(instance: Instance, events: int) -> None:
    """Tables as dbt makes them, with rows that no event in raw has told of."""
    with instance.active() as settings:
        done = run(settings, ["run", "--select", *(f"+{model}" for model in MODELS)])
    assert done.nodes and not done.failed, done.failed
    client = instance.client()
    per_part = max(DAYS * EVENTS_PER_PART // events, 1)
    for first in range(0, DAYS, per_part):
        client.command(
            f"insert into marts.fct_events ({', '.join(columns_of_events())}) "
            + events_sql(events, first, min(first + per_part, DAYS)),
            settings=PARTITION_PER_DAY,
        )
    for first in range(0, DAYS, per_part):
        client.command(
            made_of_days(instance, "agg_person_days", first, first + per_part - 1), settings=PARTITION_PER_DAY
        )
    client.command(
        "insert into intermediate.int_changed_days (project_id, local_date, reason) "
        f"values ('{PROJECT}', '{LAST}', 'arrived')"
    )
    client.command(made_of_days(instance, "agg_active_users", 0, DAYS - 1), settings=PARTITION_PER_DAY)
    # Its other columns come from sessions, which are not made here.
    client.command(
        "insert into marts.agg_daily_metrics (project_id, local_date, country, device_type, events) "
        "select project_id, local_date, country, device_type, count() from marts.fct_events group by all",
        settings=PARTITION_PER_DAY,
    )


def made_of_days(instance: Instance, model: str, first: int, last: int) -> str:
    """What a build inserts for these days."""
    manifest = json.loads((instance.data_dir / "dbt" / "target" / "manifest.json").read_text())
    sql = manifest["nodes"][f"model.millrace.{model}"]["compiled_code"]
    for name, day in (("first", first), ("last", last)):
        sql = re.sub(rf"'[\d-]+'\)(?=/\*{name} day)", f"'{FIRST + timedelta(days=day)}')", sql)
    return f"insert into marts.{model} {sql}"


def questions() -> dict[str, str]:
    steps = tuple(
        parse_step(event) for event in ("product_viewed", "product_added", "checkout_started", "order_completed")
    )
    week = {"first_day": LAST - timedelta(days=20), "last_day": LAST - timedelta(days=14)}
    month = LAST - timedelta(days=30)
    anything = parse_step("*")
    cohorts = {
        kind: Retention(
            project=PROJECT,
            start=anything,
            returning=anything,
            period=Period.DAY,
            periods=30,
            kind=kind,
            first_day=month,
        )
        for kind in (Kind.RECURRING, Kind.FIRST_EVER)
    }
    ninety = f"project_id = '{PROJECT}' and local_date > toDate('{LAST}') - 90"
    of_events = f"(select * from {rendering.EVENTS} where project_id = '{PROJECT}')"
    last, first = f"toDate('{LAST}')", f"toDate('{month}')"
    return {
        "funnel, 4 steps, entered on 7 days": rendering.funnel_sql(Funnel(project=PROJECT, steps=steps, **week)),
        "funnel within a day": rendering.funnel_sql(Funnel(project=PROJECT, steps=steps, within_seconds=86400, **week)),
        "funnel by country, with trend": rendering.funnel_sql(
            Funnel(project=PROJECT, steps=steps, by="country", trend=Period.DAY, **week)
        ),
        "daily retention of 30 days": rendering.retention_sql(cohorts[Kind.RECURRING], month, LAST),
        "daily retention, first ever": rendering.retention_sql(cohorts[Kind.FIRST_EVER], month, LAST),
        "daily retention, from the events": str(
            rendering._macros().retention_cohorts(of_events, "true", "true", "day", first, last)
        ),
        "lifecycle by week": rendering.lifecycle_sql(
            Lifecycle(project=PROJECT, event=anything, period=Period.WEEK), FIRST, LAST
        ),
        "active users of 90 days": (
            f"select local_date, uniqExact(person_key) from marts.fct_events where {ninety} group by local_date"
        ),
        "active users, from the days of people": (
            f"select local_date, count() from marts.agg_person_days where {ninety} group by local_date"
        ),
    }


def measured(instance: Instance, sql: str) -> tuple[float, float, int, float]:
    """Seconds, seconds of all cores together, rows read, and the peak of memory in GiB."""
    client = instance.client()
    # Every question is asked again and again: none may be answered from a cache.
    settings = {"use_query_condition_cache": 0, "use_query_cache": 0}
    seconds = median_seconds(lambda: client.query(sql, settings=settings), runs=3)
    query = client.query(sql, settings=settings).query_id
    client.command("system flush logs query_log")
    ((cores, rows, memory),) = instance.rows(
        "select ProfileEvents['OSCPUVirtualTimeMicroseconds'] / 1e6, read_rows, memory_usage / pow(1024, 3) "
        f"from system.query_log where query_id = '{query}' and type = 'QueryFinish'"
    )
    return seconds, cores, rows, memory


def main(sizes: Sequence[int]) -> None:
    rows: list[tuple[Any, ...]] = []
    for events in sizes:
        with (
            tempfile.TemporaryDirectory(prefix="millrace-bench-") as folder,
            Instance(Path(folder) / "millrace", MILLRACE_MEMORY="8GiB") as instance,
        ):
            instance.up()
            begun = time.perf_counter()
            fill(instance, events)
            print(f"{events:,} events made in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
            rows += [(events, question, *measured(instance, sql)) for question, sql in questions().items()]
    columns = ("events", "question", "seconds", "of all cores", "rows read", "memory, GiB")
    report("journeys", "Journeys over 120 days of events", columns, rows)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [EVENTS])
