"""Advice on slow queries: each rule where it applies, and not where it does not."""

from __future__ import annotations

from datetime import datetime

import pytest

from warehouse.observability.slow_queries import SlowQuery

DAY = " where local_date >= ?"


def advice(query: str, asset: str = "", times: int = 1, failed: int = 0, memory: int = 0, rows: int = 10**7) -> str:
    one = SlowQuery(query, ("analyst",), asset, times, failed, 2.0, 1.0, rows, 1, memory, datetime(2026, 1, 1))
    return "; ".join(one.advice)


@pytest.mark.parametrize(
    ("words", "slow", "well"),
    [
        ("reads raw", {"query": "select n from raw.events" + DAY}, {"query": "insert into raw.events select 1"}),
        (
            "names no days",
            {"query": "select count() from fct_events where event = ?"},
            {"query": "select count() from fct_events" + DAY},
        ),
        (
            "names no days",
            {"query": "with a as (select event from marts.fct_events) select 1"},
            {"query": "select 1 from fct_events", "rows": 10},
        ),
        ("all columns", {"query": "select * from fct_orders"}, {"query": "select count(*) from fct_orders"}),
        ("as text", {"query": "select JSONExtractString(line, ?) from x"}, {"query": "select properties.plan from x"}),
        ("distinct values exactly", {"query": "select count(distinct a) from x"}, {"query": "select uniq(a) from x"}),
        (
            "wrote to disk",
            {"query": "select a from x", "memory": 3 * 1024**3},
            {"query": "select a from x", "memory": 1},
        ),
        ("again and again", {"query": "select a from x", "times": 10}, {"query": "insert into y", "times": 10}),
        (
            "again and again",
            {"query": "select a from x", "times": 10},
            {"query": "select a", "times": 10, "asset": "marts.x"},
        ),
        ("failed", {"query": "select a from x", "failed": 1}, {"query": "select a from x"}),
    ],
)
def test_a_rule_says_so_where_it_applies(words: str, slow: dict[str, object], well: dict[str, object]) -> None:
    assert words in advice(**slow)  # type: ignore[arg-type]
    assert words not in advice(**well)  # type: ignore[arg-type]
