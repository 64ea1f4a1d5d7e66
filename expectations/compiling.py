"""From what is declared to what Great Expectations checks, with the SQL that shows what failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from expectations import kinds, windows
from expectations.suites import Suite
from warehouse.errors import nearest

Columns = Mapping[str, Mapping[str, str]]  # of each table: name and type of each column
OVER_TIME = kinds.Volume | kinds.Freshness | kinds.Distribution


@dataclass(frozen=True)
class Check:
    """One expectation of one project; `found` says what is wrong with a number of rows, `show` finds them."""

    suite: Suite
    name: str
    project: str
    expected: kinds.Expectation
    wrong: str = ""
    show: str = ""
    cannot: str = ""  # why it cannot be checked
    newest: windows.Newest | None = None  # of what newest_for() names, before it is compiled


def text(value: str | int | float) -> str:
    """A value as ClickHouse reads it."""
    if not isinstance(value, str):
        return repr(value)
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def of_project(table: str, project: str, columns: Columns) -> str:
    """The rows of a project; of a table that knows none, all."""
    return f"WHERE project_id = {text(project)}" if project and "project_id" in columns.get(table, {}) else ""


def check_of(suite: Suite, name: str, project: str, columns: Columns) -> Check:
    expected = suite.expectations[name]
    cannot = _missing(suite, expected, project, columns)
    if cannot:
        return Check(suite, name, project, expected, cannot=cannot)
    wrong, condition = _wrong(expected, columns)
    where = of_project(suite.table, project, columns)
    show = f"SELECT * FROM {suite.table} {where + ' AND' if where else 'WHERE'} {condition} LIMIT 20"
    return Check(suite, name, project, expected, wrong, show if condition else "")


def _missing(suite: Suite, expected: kinds.Expectation, project: str, columns: Columns) -> str:
    if suite.table not in columns:
        return f"the table {suite.table} does not exist; `millrace build` makes those of the models"
    if project and "project_id" not in columns[suite.table]:
        return f"{suite.table} has no column project_id: its suite needs projects: together"
    for _, table, column in reads(suite.table, expected):
        if table not in columns:
            return f"the table {table} does not exist"
        if column not in columns[table]:
            return f"{table} has no column {column!r}{nearest(column, columns[table]) or ''}"
    return ""


def reads(table: str, expected: kinds.Expectation) -> Iterator[tuple[str, str, str]]:
    """All that an expectation of a table looks at: the key that names it, the table and the column."""
    for key, column in expected.columns_used:
        yield key, table, column
    elsewhere = []
    if isinstance(expected, OVER_TIME):
        elsewhere = [("against", windows.against_of(expected))]
    elif isinstance(expected, kinds.References):
        elsewhere = [("to", expected.to)]
    for key, place in elsewhere:
        other, _, column = place.rpartition(".")
        yield key, other, column


def tables_read(table: str, expected: kinds.Expectation) -> set[str]:
    """With the table itself."""
    return {table, *(other for _, other, _ in reads(table, expected))}


def newest_for(check: Check, columns: Columns) -> str:
    """The query that tells what a check must know before it is compiled; empty: nothing."""
    if check.cannot or not isinstance(check.expected, OVER_TIME):
        return ""
    place = windows.against_of(check.expected)
    return windows.newest_sql(place, of_project(place.rpartition(".")[0], check.project, columns))


def _wrong(expected: Any, columns: Columns) -> tuple[str, str]:
    """What a row that fails is like, in words and as a condition."""
    match expected:
        case kinds.Between():
            low, high = expected.min, expected.max
            parts = [f"{expected.column} < {low}"] if low is not None else []
            parts += [f"{expected.column} > {high}"] if high is not None else []
            return f"{expected.column} outside {_range(low, high)}", f"({' OR '.join(parts)})"
        case kinds.Matches():
            return (
                f"{expected.column} not like {expected.regex}",
                f"NOT match(toString({expected.column}), {text(expected.regex)})",
            )
        case kinds.OneOf():
            values = ", ".join(map(text, expected.values))
            return f"{expected.column} not one of {values}", f"{expected.column} NOT IN ({values})"
        case kinds.Filled():
            return f"{expected.column} missing", f"ifNull(toString({expected.column}), '') = ''"
        case kinds.References():
            return f"{expected.column} unknown in {expected.to}", ""
        case kinds.Rows():
            return f"not: {expected.that}", f"NOT ({expected.that})"
        case kinds.Ordered():
            return f"{expected.then} before {expected.first}", f"{expected.then} < {expected.first}"
        case kinds.Unique():
            return f"{', '.join(expected.columns)} as another row has", ""
    return "", ""


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"


def as_gx(check: Check, columns: Columns) -> Any:
    """The expectation as an object of Great Expectations."""
    from expectations import custom

    expected: Any = check.expected
    common: dict[str, Any] = {
        "severity": "critical" if expected.severity == "error" else "warning",
        "description": f"{check.name}: {expected.why}",
        "meta": {"name": check.name, "project": check.project, "dimension": expected.dimension},
    }
    mostly: dict[str, Any] = {**common, "mostly": getattr(expected, "mostly", 1.0)}
    match expected:
        case kinds.Between():
            return custom.ExpectColumnToBeBetween(
                column=expected.column, min_value=expected.min, max_value=expected.max, **mostly
            )
        case kinds.Matches():
            return custom.ExpectColumnToMatchRegex(column=expected.column, regex=expected.regex, **mostly)
        case kinds.OneOf():
            return custom.ExpectColumnToBeInSet(column=expected.column, value_set=expected.values, **mostly)
        case kinds.Filled() | kinds.Rows() | kinds.Ordered() | kinds.References() | kinds.Unique():
            return custom.ExpectRowsToPass(failing=_failing(check, columns), **mostly)
    return custom.ExpectMeasureToBeAsUsual(measure=_measure(check, columns), **common)


def _failing(check: Check, columns: Columns) -> str:
    match check.expected:
        case kinds.Unique(columns=names):
            return f"count() - uniqExact({', '.join(names)})"
        case kinds.References() as reference:
            table, _, column = reference.to.rpartition(".")
            known = f"SELECT {column} FROM {table} {of_project(table, check.project, columns)}"
            if "WHERE" in known:
                known += " OR project_id = ''"  # the row of a dimension that stands for what is unknown
            judged = f"isNotNull({reference.column})"
            if reference.unless is not None:
                judged += f" AND {reference.column} != {text(reference.unless)}"
            return f"countIf({judged} AND {reference.column} NOT IN ({known}))"
    return f"countIf({_wrong(check.expected, columns)[1]})"


def _measure(check: Check, columns: Columns) -> str:
    expected, table = check.expected, check.suite.table
    where = of_project(table, check.project, columns)
    match expected, check.newest:
        case kinds.Schema(), _:
            return _schema(expected, table)
        case kinds.Volume(), windows.Newest() as newest:
            return windows.volume_sql(expected, table, where, newest)
        case kinds.Freshness(), windows.Newest() as newest:
            return windows.freshness_sql(expected, table, where, newest)
        case kinds.Distribution(), windows.Newest() as newest:
            return windows.distribution_sql(expected, table, where, newest, columns[table][expected.column])
    raise ValueError(f"{check.name} is of no kind that is known")


def _schema(expected: kinds.Schema, table: str) -> str:
    """How many columns differ from what is declared."""
    database, _, name = table.partition(".")
    declared = ", ".join(f"({text(column)}, {text(kind)})" for column, kind in expected.columns.items())
    others = f"countIf(name NOT IN ({', '.join(map(text, expected.columns))}))" if expected.others == "refused" else "0"
    return f"""
SELECT toFloat64({len(expected.columns)} - countIf((name, type) IN ({declared})) + {others}) AS measured, 0. AS lower,
    0. AS upper, count() AS checked_rows
FROM system.columns WHERE database = {text(database)} AND table = {text(name)}"""
