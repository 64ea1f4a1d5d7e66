"""Who reads while a build runs sees each day, or each small table, as it was before or as it is after; and what is
loaded while a build runs is the next build's."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from tests.integration.arrivals import BOOKKEEPING, FORTY_DAYS, arrive, build, changed, contents, world_aside
from tests.support import Instance
from warehouse.connection import connect
from warehouse.dbt import NodeResult, Watcher, build_arguments, run

# What a mart shows: a checksum and the rows, of each day or of the whole.
Shown = dict[tuple[str, str], tuple[int, int]]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with world_aside(tmp_path_factory.mktemp("readers"), until=FORTY_DAYS) as own:
        yield own


def marts(own: Instance) -> dict[str, str]:
    """Every mart that is made of events, and what its rows are compared by."""
    found = own.rows(
        "SELECT name, if(has((SELECT groupArray(concat(table, '.', name)) FROM system.columns "
        "WHERE database = 'marts'), concat(name, '.local_date')), 'toString(local_date)', '''all''') "
        "FROM system.tables WHERE database = 'marts' ORDER BY name"
    )
    return {name: part for name, part in found if f"marts.{name}" not in BOOKKEEPING}


def shown(client: Client, tables: dict[str, str]) -> Shown:
    found: Shown = {}
    for table, part in tables.items():
        rows = client.query(
            f"SELECT {part}, count(), groupBitXor(cityHash64(toString(tuple(*)))) FROM marts.{table} GROUP BY 1"
        ).result_rows
        found |= {(table, str(day)): (count, checksum) for day, count, checksum in rows}
    return found


class Reader(threading.Thread):
    """An analyst who looks at every mart again and again."""

    def __init__(self, own: Instance) -> None:
        super().__init__()
        self.client, self.tables = connect(own.settings, "analyst"), marts(own)
        self.seen: list[Shown] = [shown(self.client, self.tables)]
        self.stop = threading.Event()
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                self.seen.append(shown(self.client, self.tables))
        except (ClickHouseError, OSError) as error:
            self.error = error

    def __enter__(self) -> Reader:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.join()
        self.seen.append(shown(self.client, self.tables))
        self.client.close()

    def in_between(self) -> list[Any]:
        """What was neither as before nor as after, or was as before when it had been as after already."""
        assert self.error is None, self.error
        first, last = self.seen[0], self.seen[-1]
        wrong = []
        for key in sorted(set().union(*self.seen)):
            allowed = [first.get(key), last.get(key)]
            for looks in self.seen:
                while allowed and looks.get(key) != allowed[0]:
                    allowed.pop(0)
                if not allowed:
                    wrong.append((key, looks.get(key), first.get(key), last.get(key)))
                    break
        return wrong


# What each step of the chain below leaves to a later one: so much of every day.
AFTER = ("stg_millrace__events", "int_identity_links", "int_changed_days", "int_events_sessionised", "fct_events")
NEXT = f"cityHash64(event_id, 1) % {3 * len(AFTER)}"  # a number for each that arrives when one of these models is done
SLOW = "(timestamp >= '2026-04-01' AND cityHash64(event_id, 2) % 10 = 0)"  # the days before are what others left
IN_THE_MIDDLE = f"(NOT {SLOW} AND {NEXT} < {len(AFTER)})"
OTHERS = f"NOT {SLOW} AND NOT {IN_THE_MIDDLE}"
COUNTED = "SELECT count(), uniqExact(event_id) FROM marts.fct_events"


def test_who_reads_sees_before_or_after_and_what_is_loaded_meanwhile_is_the_next_builds(warehouse: Instance) -> None:
    arrive(warehouse, f"{OTHERS} AND cityHash64(event_id) % 3 > 0")
    build(warehouse)
    arrive(warehouse, f"{OTHERS} AND cityHash64(event_id) % 3 = 0")
    with Reader(warehouse) as reader:
        build(warehouse)
    assert len(reader.seen) > 10
    assert sum(reader.seen[0].get(key) != reader.seen[-1][key] for key in reader.seen[-1]) > 100
    assert reader.in_between() == []

    _what_arrives_in_the_middle_is_the_next_builds(warehouse)
    _what_is_being_inserted_when_a_build_begins_is_not_lost(warehouse)

    grown = contents(warehouse)
    assert grown["marts.fct_events"][0] > 2_500
    with Reader(warehouse) as reader:
        build(warehouse, full_refresh=True)
    assert len(reader.seen) > 10
    assert changed(grown, contents(warehouse)) == []
    assert reader.seen[0] == reader.seen[-1]
    assert reader.in_between() == []


def _what_arrives_in_the_middle_is_the_next_builds(own: Instance) -> None:
    """A part arrives whenever one of these models is done."""
    arrived: list[str] = []
    one_by_one = threading.Lock()

    class Loader(Watcher):
        def finished(self, node: NodeResult) -> None:
            with one_by_one:
                if node.name in AFTER:
                    arrive(own, f"NOT {SLOW} AND {NEXT} = {len(arrived)}")
                    arrived.append(node.name)

    before = own.rows(COUNTED)
    with own.active() as settings:
        assert not run(settings, build_arguments(), Loader()).failed
    assert sorted(arrived) == sorted(AFTER)
    assert own.rows(COUNTED) == before
    assert own.rows(f"SELECT uniqExact(event_id) > 500 FROM raw.events WHERE {IN_THE_MIDDLE}") == [(True,)]


def _what_is_being_inserted_when_a_build_begins_is_not_lost(own: Instance) -> None:
    """Its rows carry the time when it began, which is before the build."""
    slow = threading.Thread(target=arrive, args=(own, SLOW, 0.1))
    watching = connect(own.settings, "admin")
    running = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO raw.events%'"
    slow.start()
    try:
        while watching.query(running).result_rows == [(0,)]:
            time.sleep(0.05)
        build(own)
    finally:
        slow.join()
        watching.close()
    assert own.rows(
        f"SELECT count() > 50, min(loaded_at) >= (SELECT max(horizon) FROM ops.builds) FROM raw.events WHERE {SLOW}"
    ) == [(True, True)]
    told = "SELECT count() FROM marts.fct_events WHERE "
    assert own.rows(told + IN_THE_MIDDLE) > [(500,)]
    assert own.rows(told + SLOW) == [(0,)]
    build(own)
    assert own.rows(told + SLOW) > [(50,)]
