"""Is what builds made part by part what a full build would make? Each table that is built in parts is compared, on a
sample of days, with what its SQL gives of the tables that it is made from: as a whole, from raw on."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from warehouse.alone import alone
from warehouse.connection import connect
from warehouse.days import days_with_events, must_have_events
from warehouse.dbt import Run, as_one_line, environment, invoke
from warehouse.errors import MillraceError, WrongUsage
from warehouse.observability.records import CheckResult, RunRecord
from warehouse.settings import Settings

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

CHECK = "incremental_equals_full"
IN_PARTS = ("by_day", "collected")
NOT_COMPARED = ("int_changed_days",)  # how the tables came to be, not what is in them
SAMPLE_DAYS = 7
LATEST_DAYS = 3  # they change most; of the others it is by chance which are looked at
SHOWN_DAYS = 5
AROUND = timedelta(days=31)  # also days without events have rows: a Monday that stands for its week
ALL_ROWS = "select * from rows"
DRIFTED = r"""
SELECT toString(asset), extractAll(argMax(observed, checked_at), '\d{4}-\d{2}-\d{2}') FROM ops.check_results
WHERE check_name = {check:String} AND status = 'fail'
    AND asset IN (SELECT asset FROM ops.incidents FINAL WHERE status = 'open' AND check_name = {check:String})
GROUP BY asset
"""


@dataclass(frozen=True)
class Table:
    """A model that is built in parts."""

    name: str
    schema: str
    is_of_days: bool
    sql: str  # compiled, with its placeholders
    means: str  # of a table that also says how it came about: what its `rows` say

    @property
    def asset(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Difference:
    """Of a table, or one of its days."""

    where: str
    too_many: int
    missing: int

    def __str__(self) -> str:
        counts = [*(f"{n:,} too many" for n in [self.too_many] if n), *(f"{n:,} missing" for n in [self.missing] if n)]
        return f"{self.where}: rows {' and '.join(counts)}"


@dataclass
class Reconciliation:
    days: list[date]
    checks: list[CheckResult] = field(default_factory=list)

    @property
    def drifted(self) -> list[CheckResult]:
        return [check for check in self.checks if check.failed]


def reconcile(
    settings: Settings,
    days: int = SAMPLE_DAYS,
    between: tuple[date, date] | None = None,
    record: RunRecord | None = None,
    *,
    build_all: Callable[[Settings, RunRecord, bool], Run],
) -> Reconciliation:
    """Bring the models up to date, compare, and note what was found. `between`: all days of a range, no sample.
    `build_all`: how models are built and judged."""
    if days < 1:
        raise WrongUsage("At least one day must be compared.")
    if between:
        must_have_events(settings, between)
    record = record or RunRecord("reconcile")
    waits = record.started_by != "command line"
    _bring_up_to_date(build_all, settings, record, waits)
    with alone(settings, waits):
        sample = _sample(settings, days, between)
        tables, known = _tables(settings), _days_that_drifted(settings)
        days_of = {table.asset: sorted({*sample, *known.get(table.asset, ())}) for table in tables}
        found = Reconciliation(sample, [_check(settings, table, days_of[table.asset]) for table in tables])
    if found.drifted:
        # What was loaded after that build is no drift.
        differing = {check.asset for check in found.drifted}
        again = [table for table in tables if table.asset in differing]
        _bring_up_to_date(build_all, settings, record, waits)
        with alone(settings, waits):
            second = {table.asset: _check(settings, table, days_of[table.asset]) for table in again}
        found.checks = [second.get(check.asset, check) for check in found.checks]
    message = "; ".join(f"{check.asset}: {check.message}" for check in found.drifted)
    declared = {"reconcile": {(table.asset, CHECK, "") for table in tables}}
    record.write(settings, "failed" if found.drifted else "success", message, checks=found.checks, declared=declared)
    return found


def _bring_up_to_date(
    build_all: Callable[[Settings, RunRecord, bool], Run], settings: Settings, record: RunRecord, waits: bool
) -> None:
    """What was refused stays refused: a build that judged nothing would let it through to everybody."""
    done = build_all(settings, RunRecord("build", record.started_by, record.dagster_run_id), waits)
    if done.has_failed:
        raise MillraceError(
            f"Nothing was compared: the build before it failed: {done.sentence()}",
            hint="Mend that, then run `millrace reconcile` again.",
        )


def _tables(settings: Settings) -> list[Table]:
    quiet = ("--log-level", "none", "--log-level-file", "debug")
    which = ("--indirect-selection", "empty", "--select", *(f"config.materialized:{how}" for how in IN_PARTS))
    outcome = invoke([*quiet, "compile", *which], environment(settings))
    if outcome.exception is not None:
        raise MillraceError(f"dbt: {as_one_line(str(outcome.exception))}") from outcome.exception
    compiled: Any = outcome.result
    return [_table(result) for result in compiled.results if result.node.name not in NOT_COMPARED]


def _table(result: Any) -> Table:
    node = result.node
    if node.compiled_code is None:
        raise MillraceError(f"dbt: {node.name}: {as_one_line(result.message or '')}")
    is_of_days = node.config.materialized == "by_day"
    return Table(node.name, node.schema, is_of_days, node.compiled_code, node.config.meta.get("means", ALL_ROWS))


def _sample(settings: Settings, days: int, between: tuple[date, date] | None) -> list[date]:
    """The latest days, and others that differ from night to night."""
    known = days_with_events(settings)
    if between is not None:
        first, last = max(between[0], known[0] - AROUND), min(between[1], known[-1] + AROUND)
        return [first + timedelta(n) for n in range((last - first).days + 1)]
    if len(known) <= days:
        return known
    latest = min(LATEST_DAYS, days)
    chance = random.Random(date.today().toordinal())  # noqa: S311 - a sample, no secret
    return sorted([*known[-latest:], *chance.sample(known[:-latest], days - latest)])


def _days_that_drifted(settings: Settings) -> dict[str, list[date]]:
    """Of each table with an open incident the days of it: it would end by a comparison of others."""
    with closing(connect(settings, "engineer")) as client:
        found = client.query(DRIFTED, parameters={"check": CHECK}).result_rows
    return {asset: [date.fromisoformat(day) for day in days] for asset, days in found}


def _check(settings: Settings, table: Table, days: list[date]) -> CheckResult:
    begun = time.monotonic()
    parts: list[tuple[date, date] | None] = [*ranges_of(days)] if table.is_of_days else [None]
    checked, differences = 0, list[Difference]()
    with closing(connect(settings, "engineer")) as client:
        columns, horizon = _columns(client, table), _horizon(client, table)
        for part in parts:
            rows, found = _compare(client, table, both_sides(table, columns, horizon, part))
            checked, differences = checked + rows, differences + found
    told = [str(one) for one in differences[:SHOWN_DAYS]]
    more = len(differences) - len(told)
    return CheckResult(
        asset=table.asset,
        check_name=CHECK,
        kind="reconcile",
        dimension="consistency",
        severity="error",
        status="fail" if differences else "pass",
        seconds=time.monotonic() - begun,
        checked=checked,
        failures=sum(one.too_many + one.missing for one in differences),
        # All of them: the next comparison looks there as well.
        observed=f"differs: {', '.join(one.where for one in differences)}" if differences else "",
        message="; ".join([*told, *([f"{more} more days"] if more else [])]),
    )


def _columns(client: Client, table: Table) -> dict[str, str]:
    found = client.query(
        "SELECT name, type FROM system.columns WHERE (database, table) = ({d:String}, {t:String}) ORDER BY position",
        parameters={"d": table.schema, "t": table.name},
    ).result_rows
    return dict(map(tuple, found))


def _horizon(client: Client, table: Table) -> str:
    """How far the table's last build read raw."""
    found = client.query(
        "SELECT toString(argMax(through, built_at)) FROM ops.built_models WHERE model = {m:String} HAVING count() > 0",
        parameters={"m": table.asset},
    ).result_rows
    if not found:
        raise MillraceError(f"{table.asset} was never built.", hint="`millrace build` builds it.")
    return str(found[0][0])


def _compare(client: Client, table: Table, both: str) -> tuple[int, list[Difference]]:
    """How many rows stand; and where they are not those that the SQL gives."""
    where = "toString(local_date)" if table.is_of_days else "'in all'"
    ((stand, differing),) = client.query(
        f"{both} SELECT sum(stand), groupArrayIf(place, differs) FROM ("
        f"SELECT {where} AS place, countIf(stands) AS stand, "
        "(sumIf(hash, stands), stand) != (sumIf(hash, not stands), countIf(not stands)) AS differs "
        "FROM both GROUP BY place)"
    ).result_rows
    if not differing:
        return stand, []
    counted = client.query(
        f"{both} SELECT place, sumIf(surplus, surplus > 0), -sumIf(surplus, surplus < 0) FROM ("
        f"SELECT {where} AS place, hash, sum(if(stands, 1, -1)) AS surplus FROM both "
        "WHERE place IN {places:Array(String)} GROUP BY place, hash) GROUP BY place ORDER BY place",
        parameters={"places": differing},
    ).result_rows
    return stand, [Difference(*row) for row in counted]


def both_sides(table: Table, columns: Mapping[str, str], horizon: str, part: tuple[date, date] | None) -> str:
    """`both`: a hash of each row that stands, and of each that the SQL gives, as the table would take it."""
    values, stands = {"horizon": horizon}, f"SELECT * FROM {table.asset}"
    if part:
        values |= {"first day": part[0].isoformat(), "last day": part[1].isoformat()}
        stands += f" WHERE local_date BETWEEN '{part[0]}' AND '{part[1]}'"
    given = fill_in(table.sql, values, table.asset if table.is_of_days else None)
    taken = ", ".join(f"CAST(`{name}`, '{_escaped(kind)}') AS `{name}`" for name, kind in columns.items())
    hashed = f"SELECT {'local_date, ' if table.is_of_days else ''}cityHash64(toString(tuple(*))) AS hash"
    return (
        f"WITH both AS ({hashed}, true AS stands FROM (WITH rows AS ({stands}) {table.means}) UNION ALL "
        f"{hashed}, false AS stands FROM (WITH rows AS (SELECT {taken} FROM ({given})) {table.means}))"
    )


def fill_in(sql: str, values: Mapping[str, str], table: str | None) -> str:
    """As the materializations do it (macros/build/placeholders.sql); without a table what is so far is empty."""
    filled = re.sub(r"\S+/\*so far: (.*?)\*/", table or (lambda found: f"null('{found[1]}')"), sql, flags=re.DOTALL)
    for name, value in values.items():
        filled = re.sub(rf"'[^']*'(, 3, 'UTC')?\)/\*{name}\*/", rf"'{value}'\1)", filled)
    return filled


def ranges_of(days: Iterable[date]) -> list[tuple[date, date]]:
    """Consecutive days together: each range is a query."""
    ranges: list[tuple[date, date]] = []
    for day in sorted(days):
        if ranges and (day - ranges[-1][1]).days == 1:
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
