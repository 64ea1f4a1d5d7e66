"""Each expectation of expectations/suites finds the defect that it is there for, in a copy of its table that has it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from expectations import kinds
from expectations.compiling import check_of
from expectations.runner import judge, read_columns
from expectations.suites import Suite, read_suites
from tests.truths.conftest import LoadedWorld
from warehouse.observability.records import CheckResult

SUITES = read_suites()
OVER_TIME = ("distribution", "volume", "freshness")
TWICE = "UNION ALL"
# What is wrong with the rows: columns as they may not be, or every row twice.
DEFECTS = {
    "events.is_not_of_the_future": "loaded_at + INTERVAL 1 DAY AS timestamp",
    "events.arrived_before_it_was_loaded": "loaded_at + INTERVAL 1 HOUR AS received_at",
    "events.session_contains_it": "timestamp + INTERVAL 1 SECOND AS session_started_at",
    "events.country_is_a_code": "'Germany' AS country",
    "events.has_a_person": "'' AS person_id",
    "orders.amount_is_sane": "-1 AS amount",
    "orders.currency_is_a_code": "'eur' AS currency",
    "orders.revenue_is_of_the_amount": "-1 AS revenue",
    "orders.discount_is_no_surcharge": "-1 AS discount",
    "orders.converted": "NULL AS revenue",
    "orders.day_is_that_of_the_moment": "local_date + 2 AS local_date",
    "page_views.load_time_is_sane": "120001 AS load_time_ms",
    "page_views.time_on_page_is_sane": "-1 AS time_on_page_ms",
    "page_views.entry_is_the_first": "NOT is_entry AS is_entry",
    "page_views.path_is_a_path": "'/orders?id=7' AS page_path",
    "sessions.ends_after_it_begins": "started_at - INTERVAL 1 SECOND AS ended_at",
    "sessions.lasts_as_long_as_it_says": "duration_ms + 1 AS duration_ms",
    "sessions.lasts_a_day_at_most": "86400001 AS duration_ms",
    "sessions.bounces_did_nothing": "true AS is_bounce, 2 AS views",
    "sessions.landed_on_a_known_page": "1 AS entry_page_key",
    "sessions.converted_for_a_reason": "NOT is_converted AS is_converted",
    "subscriptions.ends_after_it_begins": "started_at - INTERVAL 1 DAY AS ended_at",
    "subscriptions.amount_is_sane": "-1 AS monthly_amount",
    "subscriptions.stretches_do_not_repeat": TWICE,
    "subscriptions.currency_is_a_code": "'€' AS currency",
    "users.versions_do_not_overlap": "valid_from - INTERVAL 1 SECOND AS valid_to",
    "users.signed_up_before_onboarded": "valid_from AS signed_up_at, valid_from - INTERVAL 1 DAY AS onboarded_at",
    "users.country_is_a_code": "'Germany' AS country",
    "users.versions_do_not_repeat": TWICE,
}
# Of others the last days are unlike those before. Ninety days up to the newest event, five rows in each hour.
REGULAR = """
FROM (
    SELECT intDiv(number, 120) AS ago, number % 24 AS hour, number % 5 AS one_of_five,
        (SELECT max(local_date) FROM marts.fct_events WHERE project_id = 'demo') - ago AS day
    FROM numbers(90 * 120)
)
"""
FEWER = {"volume": "(ago != 1 OR hour < 2)", "freshness": "ago >= 10"}


def name_of(suite: Suite, expectation: str) -> str:
    return f"{suite.name}.{expectation}"


EVERY = {name_of(suite, name): (suite, name) for suite in SUITES.values() for name in suite.expectations}


def as_select(suite: Suite, name: str) -> str:
    defect = DEFECTS[name_of(suite, name)]
    rows = f"FROM {suite.table} WHERE project_id = 'demo'"
    return f"SELECT * {rows} {TWICE} SELECT * {rows}" if defect == TWICE else f"SELECT * REPLACE ({defect}) {rows}"


def as_rows_over_time(suite: Suite, name: str, has_defect: bool) -> str:
    expected = suite.expectations[name]
    values = {"project_id": "'demo'"}
    where = FEWER.get(expected.kind, "") if has_defect else ""
    if isinstance(expected, kinds.Freshness):
        values[expected.moment] = "toDateTime(day, 'UTC') + INTERVAL hour HOUR"
    elif isinstance(expected, kinds.Volume):
        values[expected.day] = "day"
    else:
        assert isinstance(expected, kinds.Distribution)
        values[expected.day] = "day"
        shifted = f"one_of_five + if(ago < {expected.days + 1}, 5, 0)" if has_defect else "one_of_five"
        values[expected.column] = f"toString({shifted})" if expected.statistic == "psi" else shifted
    return f"({', '.join(values)}) SELECT {', '.join(values.values())} {REGULAR} {where and 'WHERE ' + where}"


@pytest.fixture(scope="module")
def found(built: LoadedWorld) -> Iterator[dict[tuple[str, bool], CheckResult]]:
    """Of each expectation, by its name and whether there is a defect. Nothing is written down."""
    admin, tables = built.instance.client(), {}
    for suite, name in EVERY.values():
        over_time = suite.expectations[name].kind in OVER_TIME
        for has_defect in (True, False) if over_time else (True,):
            table = tables[name_of(suite, name), has_defect] = f"marts.judged_{len(tables)}"
            admin.command(f"CREATE TABLE {table} ORDER BY tuple() AS SELECT * FROM {suite.table} LIMIT 0")
            rows = as_rows_over_time(suite, name, has_defect) if over_time else as_select(suite, name)
            admin.command(f"INSERT INTO {table} {rows}")
    with built.instance.active() as settings:
        columns = read_columns(settings)
        checks = []
        for (full_name, has_defect), table in tables.items():
            suite, name = EVERY[full_name]
            copied = suite.model_copy(update={"table": table, "name": f"{suite.name}-{name}-{has_defect}"})
            checks.append(check_of(copied, name, "demo", columns))
        results, _ = judge(settings, checks, columns)
    yield dict(zip(tables, results, strict=True))
    for table in tables.values():
        admin.command(f"DROP TABLE {table}")


def test_each_has_a_defect_here() -> None:
    rows = {name for name, (suite, own) in EVERY.items() if suite.expectations[own].kind not in OVER_TIME}
    assert set(DEFECTS) == rows


@pytest.mark.parametrize("name", EVERY)
def test_its_defect_is_found(found: dict[tuple[str, bool], CheckResult], name: str) -> None:
    suite, own = EVERY[name]
    bad = found[name, True]
    assert bad.status == "fail", bad
    assert bad.checked
    assert bad.blocks == (suite.expectations[own].severity == "error")
    if (name, False) in found:
        assert found[name, False].status == "pass", found[name, False]
