"""What to open of an anomaly, as a terminal reads it."""

from __future__ import annotations

import shlex
from typing import Any

from monitoring.watch.links import to_open

# One day of Berlin in summer.
ANOMALY: dict[str, Any] = {
    "series": "metric:sessions",
    "project_id": "demo",
    "grain": "day",
    "dimensions": {},
    "explanation": [],
    "started_at": "2026-06-28 22:00:00.000",
    "ended_at": "2026-06-29 22:00:00.000",
}


def words(**other: Any) -> list[list[str]]:
    return [shlex.split(command) for command in to_open({**ANOMALY, **other}, "Europe/Berlin")]


def test_of_a_metric_the_series_from_weeks_before_in_days_of_the_project() -> None:
    assert to_open(ANOMALY, "Europe/Berlin") == [
        "millrace metrics query --project demo --metric sessions --by day --from 2026-06-01 --to 2026-06-29"
    ]
    ((*_, grain, _, first, _, last),) = words(series="metric:events:hour", grain="hour", ended_at="2026-06-28 23:00:00")
    assert (grain, first, last) == ("hour", "2026-06-26", "2026-06-29")


def test_a_segment_by_itself_and_one_that_explains_the_whole() -> None:
    (text,) = to_open({**ANOMALY, "dimensions": {"session__country": "DE"}}, "Europe/Berlin")
    assert text.endswith(""" --where "session__country = 'DE'\"""")
    (own,) = words(dimensions={"session__country": "Côte d'Ivoire"})
    assert own[-2:] == ["--where", "session__country = 'Côte d''Ivoire'"]
    both = [{"dimensions": {"session__country": "DE", "session__device": "phone"}}, {"dimensions": {}}]
    whole, part = words(explanation=both)
    assert "--where" not in whole
    assert part[-2:] == ["--where", "session__country = 'DE' and session__device = 'phone'"]


def test_nothing_in_a_value_means_anything_to_a_shell() -> None:
    for value in ("$HOME", "`id`", 'a "b"', "back\\slash", "now!", "it's"):
        (own,) = words(dimensions={"session__country": value})
        doubled = value.replace("'", "''")
        assert own[-1] == f"session__country = '{doubled}'"


def test_of_a_table_its_rows_and_what_hangs_on_it() -> None:
    rows, impact = words(series="table:fct_orders:week", grain="week", dimensions={"currency": "EUR"})
    assert rows[:2] == ["millrace", "sql"]
    assert "marts.fct_orders" in rows[2]
    assert "toMonday(local_date)" in rows[2]
    assert rows[2].endswith("WHERE moment BETWEEN '2025-12-29' AND '2026-06-29' AND currency = 'EUR' ORDER BY moment")
    assert impact == ["millrace", "impact", "fct_orders"]


def test_of_a_funnel_the_step() -> None:
    rows, impact = words(series="funnel:funnel_shop/2 Paid: at once")
    assert "steps_reached >= 2" in rows[2]
    assert impact[-1] == "funnel_shop"
