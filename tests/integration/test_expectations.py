"""Each kind of expectation finds the defect that is planted for it, in the project that has it, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from expectations.runner import Report, run
from expectations.suites import read_suites
from tests.support import Instance
from warehouse.observability.records import CheckResult

# 84 days from a Monday, 60 rows a day and project, 20 minutes apart: 5,040 rows of each project.
GOOD = """
SELECT project_id, concat(toString(day), '-', toString(i)) AS id, concat('p', toString(i % 20)) AS person,
    toDecimal64(10 + i, 4)::Nullable(Decimal(18, 4)) AS amount, 'EUR' AS currency,
    toDateTime64('2026-01-05 00:00:00', 3, 'UTC') + toIntervalDay(day) + toIntervalMinute(20 * i) AS started_at,
    (started_at + toIntervalMinute(5))::Nullable(DateTime64(3, 'UTC')) AS ended_at,
    toDate(started_at) AS local_date, toUInt32(i) AS seconds
FROM (SELECT arrayJoin(['demo', 'demo_mobile']) AS project_id, intDiv(number, 60) AS day, number % 60 AS i
    FROM numbers(5040))
"""
# The same until yesterday, and one row by a clock that is nearly a day ahead.
AHEAD = """
INSERT INTO marts.ahead
WITH dateDiff('day', toDate('2026-03-29'), toDate(now('UTC')) - 1) AS since
SELECT * REPLACE (started_at + toIntervalDay(since) AS started_at, local_date + since AS local_date) FROM marts.good
UNION ALL
SELECT * REPLACE (now64(3, 'UTC') + INTERVAL 23 HOUR AS started_at, toDate(now('UTC') + INTERVAL 23 HOUR) AS local_date)
FROM marts.good LIMIT 1
"""
# What a browser would fetch by itself from another host. Links are none.
FETCHED = re.compile(r"<(link|script|img|iframe)\b[^>]*https?://|url\([\s\"']*https?://|@import", re.IGNORECASE)
EXPECTED: dict[str, dict[str, Any]] = {
    "schema": {"columns": {"amount": "Nullable(Decimal(18, 4))", "seconds": "UInt32"}},
    "between": {"column": "amount", "min": 0, "max": 100},
    "matches": {"column": "currency", "regex": "^[A-Z]{3}$"},
    "one_of": {"column": "currency", "values": ["EUR", "USD"]},
    "filled": {"column": "person", "mostly": 0.9},
    "references": {"column": "person", "to": "marts.people.person"},
    "rows": {"that": "seconds < 100 AND id != ':x %'"},
    "ordered": {"first": "started_at", "then": "ended_at"},
    "unique": {"columns": ["project_id", "id"]},
    "psi": {"kind": "distribution", "column": "currency", "statistic": "psi", "at_most": 0.25},
    "ks": {"kind": "distribution", "column": "amount", "statistic": "ks", "at_most": 0.2},
    "volume": {"spreads": 5},
    "freshness": {"moment": "started_at"},
}
DEMO = "project_id = 'demo'"


@dataclass(frozen=True)
class Defect:
    planted: str  # a statement on the table {t}
    observed: str
    failures: int | None = None


def update(change: str, where: str) -> str:
    return f"ALTER TABLE {{t}} UPDATE {change} WHERE {DEMO} AND {where}"


DEFECTS = {
    "schema": Defect("ALTER TABLE {t} MODIFY COLUMN seconds UInt64", "1 column differs", 1),
    "between": Defect(update("amount = -1", "id IN ('3-7', '4-7')"), "2 of 5,040 rows", 2),
    "matches": Defect(update("currency = 'eur'", "id IN ('3-7', '4-7', '5-7')"), "3 of 5,040 rows", 3),
    "one_of": Defect(update("currency = 'XXX'", "id = '3-7'"), "1 of 5,040 rows", 1),
    "filled": Defect(update("person = ''", "local_date < '2026-01-15'"), "600 of 5,040 rows", 600),
    "references": Defect(update("person = 'q0'", "id IN ('1-1', '1-2', '1-3', '1-4')"), "4 of 5,040 rows", 4),
    "rows": Defect(update("seconds = 500", "id IN ('1-1', '1-2', '1-3', '1-4', '1-5')"), "5 of 5,040 rows", 5),
    "ordered": Defect(update("ended_at = started_at - 1", "id = '3-7'"), "1 of 5,040 rows", 1),
    "unique": Defect(
        f"INSERT INTO {{t}} SELECT * FROM {{t}} WHERE {DEMO} AND seconds < 6 AND local_date = '2026-02-01'",
        "6 of 5,046 rows",
        6,
    ),
    # Of the last 7 days half is another currency. With half a row for what is missing: 0.3456 + 3.7162.
    "psi": Defect(
        update("currency = 'USD'", "local_date > '2026-03-21' AND seconds < 30"),
        "PSI of currency in the last 7 days is 4.062",
    ),
    # 10 to 69, each as often as the others, became 40 to 99: half of them lies above all of the others' lower half.
    "ks": Defect(
        update("amount = amount + 30", "local_date > '2026-03-21'"), "KS of amount in the last 7 days is 0.500"
    ),
    # 60 rows are usual; the least spread of a tenth is less than the square root of 60, which five times is 38.7.
    "volume": Defect(
        f"ALTER TABLE {{t}} DELETE WHERE {DEMO} AND local_date = '2026-03-28' AND seconds >= 6",
        "6 rows on the last whole day; expected 21 to 99",
    ),
    # Rows pause five hours in a night: less than a day may be.
    "freshness": Defect(
        f"ALTER TABLE {{t}} DELETE WHERE {DEMO} AND local_date > '2026-03-25'",
        "the newest row is 96.0 hours behind; expected at most 24.0",
    ),
}


def expectation(name: str) -> dict[str, Any]:
    against = {"psi": "local_date", "ks": "local_date", "volume": "local_date", "freshness": "started_at"}
    return {
        "kind": name,
        "why": f"It is {name}.",
        "severity": "error",
        **EXPECTED[name],
        **({"against": f"marts.good.{against[name]}"} if name in against else {}),
    }


def write_suite(folder: Path, name: str, expectations: dict[str, Any], table: str = "", **more: Any) -> None:
    declared = {"table": table or f"marts.{name}", "owner": "testers", "description": "Planted.", **more}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump({**declared, "expectations": expectations}))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("expectations") / "millrace") as instance:
        instance.up()
        admin = instance.client()
        admin.command("CREATE DATABASE IF NOT EXISTS marts")
        admin.command(f"CREATE TABLE marts.good ORDER BY (project_id, started_at) AS {GOOD}")
        admin.command(
            "CREATE TABLE marts.people ORDER BY person AS SELECT DISTINCT project_id, person FROM marts.good "
            "UNION ALL SELECT 'demo_mobile', 'q0'"  # known, but to the other project
        )
        admin.command("CREATE TABLE marts.empty AS marts.good")
        admin.command("CREATE TABLE marts.ahead AS marts.good")
        admin.command(AHEAD)
        admin.command("CREATE TABLE marts.broken AS marts.good")
        admin.command("INSERT INTO marts.broken SELECT * FROM marts.good")
        for name, defect in DEFECTS.items():
            admin.command(f"CREATE TABLE marts.bad_{name} AS marts.good")
            admin.command(f"INSERT INTO marts.bad_{name} SELECT * FROM marts.good")
            admin.command(defect.planted.format(t=f"marts.bad_{name}"))
        yield instance


@pytest.fixture(scope="module")
def report(own: Instance, tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("suites")
    everything = {name: expectation(name) for name in EXPECTED}
    write_suite(folder, "good", everything)
    write_suite(folder, "empty", everything)
    for name in DEFECTS:
        projects = {"projects": "together"} if name == "schema" else {}
        write_suite(folder, f"bad_{name}", {name: expectation(name)}, **projects)
    broken = {
        "fine": expectation("between"),
        "fine_too": {"kind": "unique", "columns": ["project_id", "id"], "why": "x"},
        "no_function": {"kind": "rows", "that": "no_such_function(id)", "why": "x"},
        "no_column": {"kind": "filled", "column": "amuont", "why": "x"},
        "only_mobile": {"kind": "rows", "that": "throwIf(project_id = 'demo', 'boom') = 0", "why": "x"},
        "no_day": {**expectation("volume"), "against": "marts.good.id"},
        "no_events": {"kind": "volume", "severity": "error", "why": "x"},  # of marts.fct_events, which is not there
    }
    write_suite(folder, "broken", broken)
    day_and_moment = {"volume": "local_date", "freshness": "started_at"}
    of_now = {name: {**expectation(name), "against": f"marts.ahead.{at}"} for name, at in day_and_moment.items()}
    write_suite(folder, "ahead", of_now)
    write_suite(folder, "missing", {"fine": expectation("between")}, table="marts.no_such_table")
    return run(own.settings, suites=list(read_suites(folder).values()))


def found(report: Report, table: str, project: str) -> dict[str, CheckResult]:
    return {one.check_name: one for one in report.results if (one.asset, one.project_id) == (f"marts.{table}", project)}


@pytest.mark.parametrize("project", ["demo", "demo_mobile"])
def test_what_is_right_passes(report: Report, project: str) -> None:
    results = found(report, "good", project)
    assert {name: one.status for name, one in results.items()} == dict.fromkeys(EXPECTED, "pass")
    assert {one.checked for name, one in results.items() if name in ("between", "unique", "rows")} == {5040}


@pytest.mark.parametrize("kind", DEFECTS)
def test_a_planted_defect_is_found_where_it_is(report: Report, kind: str) -> None:
    together = kind == "schema"
    bad = found(report, f"bad_{kind}", "" if together else "demo")[kind]
    defect = DEFECTS[kind]
    assert (bad.status, bad.failures) == ("fail", defect.failures)
    assert defect.observed in bad.observed
    assert bad.blocks
    assert f"marts.bad_{kind}{'' if together else ' of demo'}, {kind}: " in bad.message
    if not together:
        other = found(report, f"bad_{kind}", "demo_mobile")[kind]
        assert (other.status, other.message) == ("pass", "")


def test_what_failed_is_told_with_a_query_that_shows_it(own: Instance, report: Report) -> None:
    message = found(report, "bad_between", "demo")["between"].message
    assert "2 rows of 5,040 (0.04%): amount outside 0 to 100" in message
    query = message.partition('millrace sql "')[2].rstrip('"')
    assert {row[1] for row in own.rows(query, "analyst")} == {"3-7", "4-7"}


@pytest.mark.parametrize("project", ["demo", "demo_mobile"])
def test_of_an_empty_table_nothing_is_said(report: Report, project: str) -> None:
    results = found(report, "empty", project)
    judged = {name for name, one in results.items() if one.status == "skipped"}
    assert judged == {"psi", "ks", "volume", "freshness"}
    assert {one.status for name, one in results.items() if name not in judged} == {"pass"}


def test_a_clock_that_is_ahead_makes_no_whole_day(report: Report) -> None:
    for project in ("demo", "demo_mobile"):
        results = found(report, "ahead", project)
        assert {one.status for one in results.values()} == {"pass"}
        assert "60 rows on the last whole day" in results["volume"].observed


def test_what_cannot_be_checked_takes_nothing_with_it(report: Report) -> None:
    demo, mobile = found(report, "broken", "demo"), found(report, "broken", "demo_mobile")
    errors = dict.fromkeys(("no_function", "no_column", "no_day", "no_events"), "error")
    assert {name: one.status for name, one in demo.items()} == {
        **{"fine": "pass", "fine_too": "pass", "only_mobile": "error"},
        **errors,
    }
    assert {name: one.status for name, one in mobile.items()} == {
        **{"fine": "pass", "fine_too": "pass", "only_mobile": "pass"},
        **errors,
    }
    assert "did you mean 'amount'?" in demo["no_column"].message
    assert "no_such_function" in demo["no_function"].message
    assert "boom" in demo["only_mobile"].message
    assert "it cannot be checked: " in demo["no_day"].message
    assert "the table marts.fct_events does not exist" in demo["no_events"].message
    assert found(report, "no_such_table", "demo")["fine"].status == "error"


def test_results_are_written_down(own: Instance, report: Report) -> None:
    assert own.rows("SELECT kind, status FROM ops.runs") == [("expectations", "failed")]
    written = own.rows("SELECT asset, project_id, check_name, status FROM ops.check_results ORDER BY ALL", "engineer")
    assert written == sorted((one.asset, one.project_id, one.check_name, one.status) for one in report.results)


def test_numbers_are_brought_here_and_never_rows(own: Instance, report: Report) -> None:
    client = own.client()
    client.command("SYSTEM FLUSH LOGS")
    asked = client.query(
        "SELECT count(), max(result_rows) FROM system.query_log "
        "WHERE user = 'engineer' AND type = 'QueryFinish' AND arrayExists(name -> name LIKE 'marts.%', tables)"
    ).result_rows
    assert report.results
    assert asked[0][0] > 50
    assert asked[0][1] == 1


def test_the_pages_need_no_network_and_tell_no_secret(own: Instance, report: Report) -> None:
    assert report.docs is not None
    pages = {page: page.read_text() for page in report.docs.parent.rglob("*.html")}
    assert len(pages) > 30
    password = own.settings.passwords["engineer"].get_secret_value()
    for page, text in pages.items():
        assert "<script" not in text, page
        assert not FETCHED.search(text), page
        assert password not in text
        assert page.stat().st_mode & 0o077 == 0
    index = pages[report.docs]
    assert "marts.bad_volume of demo, volume: 6 rows" in index
    linked = index.partition('<a href="')[2].partition('"')[0]
    assert (report.docs.parent / linked).is_file()


def test_the_command_fails_where_something_blocks_and_says_what_to_do(own: Instance) -> None:
    done = own.run("expectations", "run", "orders", "--project", "demo")
    assert done.returncode == 1
    assert "marts.fct_orders of demo, amount_is_sane: it cannot be checked" in done.stdout
    assert "`millrace build`" in done.stdout
    unknown = own.run("expectations", "run", "ordres")
    assert unknown.returncode == 2
    assert "did you mean 'orders'?" in unknown.stderr


def test_an_incident_of_an_expectation_that_is_taken_away_ends(own: Instance, tmp_path: Path) -> None:
    def resolutions(*names: str) -> dict[str, str]:
        write_suite(tmp_path, "bad_between", {name: expectation("between") for name in names})
        run(own.settings, suites=list(read_suites(tmp_path).values()))
        found = own.rows(
            "SELECT check_name, resolution FROM ops.incidents FINAL WHERE check_name IN ('kept', 'given_up')"
        )
        return {str(name): str(why) for name, why in found}

    assert resolutions("kept", "given_up") == {"kept": "", "given_up": ""}
    assert resolutions("kept") == {"kept": "", "given_up": "there is no such check any more"}
