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

from tests.integration.arrivals import BOOKKEEPING, HALF_A_YEAR, arrive, build, contents, start_anew, world_aside
from tests.support import Instance
from warehouse.connection import connect
from warehouse.dbt import NodeResult, Watcher, build_arguments, run

# What a mart shows: a checksum and the rows, of each day or of the whole.
Shown = dict[tuple[str, str], tuple[int, int]]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with world_aside(tmp_path_factory.mktemp("readers"), since=HALF_A_YEAR) as own:
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


def test_a_build_of_what_is_new_shows_each_day_before_or_after(warehouse: Instance) -> None:
    start_anew(warehouse)
    arrive(warehouse, "cityHash64(event_id) % 3 > 0")
    build(warehouse)
    arrive(warehouse, "cityHash64(event_id) % 3 = 0")
    with Reader(warehouse) as reader:
        build(warehouse)
    assert len(reader.seen) > 10
    assert sum(reader.seen[0].get(key) != reader.seen[-1][key] for key in reader.seen[-1]) > 100
    assert reader.in_between() == []


def test_a_full_refresh_shows_nothing_but_what_there_is(warehouse: Instance) -> None:
    build(warehouse)
    with Reader(warehouse) as reader:
        build(warehouse, full_refresh=True)
    assert len(reader.seen) > 10
    assert reader.seen[0] == reader.seen[-1]
    assert reader.in_between() == []


AFTER = ("stg_millrace__events", "int_identity_links", "int_changed_days", "int_events_sessionised", "fct_events")


def test_what_is_loaded_in_the_middle_of_a_build_belongs_to_the_next(warehouse: Instance) -> None:
    """A part arrives whenever one of these models is done."""
    start_anew(warehouse)
    arrive(warehouse, f"cityHash64(event_id, 1) % {len(AFTER) + 1} = 0")
    arrived: list[str] = []
    one_by_one = threading.Lock()

    class Loader(Watcher):
        def finished(self, node: NodeResult) -> None:
            with one_by_one:
                if node.name in AFTER:
                    arrived.append(node.name)
                    arrive(warehouse, f"cityHash64(event_id, 1) % {len(AFTER) + 1} = {len(arrived)}")

    with warehouse.active() as settings:
        assert not run(settings, build_arguments(), Loader()).failed
    assert sorted(arrived) == sorted(AFTER)
    assert len(warehouse.rows("SELECT DISTINCT event_id FROM marts.fct_events")) < 3_000
    build(warehouse)
    grown = contents(warehouse)
    assert grown["marts.fct_events"][0] > 5_000
    build(warehouse, full_refresh=True)
    assert contents(warehouse) == grown


def test_an_insert_that_goes_on_while_a_build_begins_is_not_lost(warehouse: Instance) -> None:
    """Its rows carry the time when it began, which is before the build."""
    start_anew(warehouse)
    arrive(warehouse, "cityHash64(event_id, 2) % 100 > 0")
    late = "cityHash64(event_id, 2) % 100 = 0"
    slow = threading.Thread(target=arrive, args=(warehouse, late, 0.05))
    watching = connect(warehouse.settings, "admin")
    running = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO raw.events%'"
    slow.start()
    try:
        while watching.query(running).result_rows == [(0,)]:
            time.sleep(0.05)
        build(warehouse)
    finally:
        slow.join()
        watching.close()
    assert warehouse.rows(
        f"SELECT count() > 50, min(loaded_at) >= (SELECT max(horizon) FROM ops.builds) FROM raw.events WHERE {late}"
    ) == [(True, True)]
    build(warehouse)
    grown = contents(warehouse)
    build(warehouse, full_refresh=True)
    assert contents(warehouse) == grown
