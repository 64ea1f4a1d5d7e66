"""After a few new events a build reads a small part of what a full build reads, by ClickHouse's own account."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.arrivals import HALF_A_YEAR, arrive, build, grow, last_week, reading, world_aside
from tests.support import Instance

COPIES = 27


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    # A half year: of ten weeks the last one is a tenth by itself.
    with world_aside(tmp_path_factory.mktemp("reading"), since=HALF_A_YEAR) as own:
        grow(own, COPIES)
        yield own


def test_one_percent_of_new_events_costs_a_tenth_of_a_full_build(warehouse: Instance) -> None:
    late = last_week(warehouse, 0.01)
    arrive(warehouse, f"NOT ({late})")
    build(warehouse, tests=True)
    ((before,),) = warehouse.rows("SELECT count() FROM marts.fct_events")
    assert before > 100_000
    arrive(warehouse, late)
    with reading(warehouse) as incremental:
        build(warehouse, tests=True)
    ((after,),) = warehouse.rows("SELECT count() FROM marts.fct_events")
    assert 0.008 < (after - before) / after < 0.012
    with reading(warehouse) as full:
        build(warehouse, full_refresh=True, tests=True)
    assert full["rows"] > 5 * after
    assert incremental["rows"] <= full["rows"] / 10
