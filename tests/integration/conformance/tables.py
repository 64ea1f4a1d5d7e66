"""The shop's tables in ClickHouse: with columns that take NULL or, where nothing is missing, do not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.integration.conformance.shop import COUNTRIES, FIRST, LAST, PLANS, PURCHASES, VISITS

DATABASE = "marts"  # which analysts read
HOURS = 24 * ((LAST - FIRST).days + 1)
# Rows of another project everywhere, with the same ids: none of them may count, or be joined to.
OTHER_VISITS, OTHER_PURCHASES = VISITS[:50], PURCHASES[10:40]
TEXT = "LowCardinality(Nullable(String))"


def statements(prefix: str, nullable: bool, filled: bool) -> list[str]:
    def of(type_: str) -> str:
        return f"Nullable({type_})" if nullable else type_

    columns = {
        "visits": f"visit_id {of('String')}, person_id Nullable(String), at {of('DateTime64(3)')}, "
        f"on_day {of('Date')}, channel {TEXT}, seconds Nullable(UInt32), site {of('String')}",
        "purchases": f"purchase_id {of('String')}, person_id {of('String')}, at {of('DateTime64(3)')}, "
        f"on_day {of('Date')}, product {TEXT}, amount {of('Decimal(12, 2)')}, rebate {of('Decimal(12, 2)')}, "
        f"pieces {of('UInt8')}, site {of('String')}",
        "people": f"person_id {of('String')}, country {TEXT}",
        "plans": f"person_id {of('String')}, plan {of('String')}, valid_from {of('DateTime64(3)')}, "
        "valid_to Nullable(DateTime64(3))",
        "days": "date_day Date",
        "hours": "date_hour DateTime('UTC')",
    }
    made = []
    for table, declared in columns.items():
        name = f"{DATABASE}.{prefix}_{table}"
        made.append(f"CREATE TABLE {name} (project_id String, {declared}) ENGINE = MergeTree ORDER BY tuple()")
        if filled or table in ("days", "hours"):
            rows = (_row(project, row) for project in ("demo", "other") for row in _rows(table, project))
            made.append(f"INSERT INTO {name} VALUES {', '.join(rows)}")
    return made


def removed(prefix: str) -> list[str]:
    return [
        f"DROP TABLE {DATABASE}.{prefix}_{table} SYNC"
        for table in ("visits", "purchases", "people", "plans", "days", "hours")
    ]


def _rows(table: str, project: str) -> Iterable[tuple[Any, ...]]:
    own = project == "demo"
    match table:
        case "visits":
            for v in VISITS if own else OTHER_VISITS:
                yield v.id, v.person, v.at, v.day, v.channel, v.seconds, v.site
        case "purchases":
            for p in PURCHASES if own else OTHER_PURCHASES:
                yield p.id, p.person, p.at, p.day, p.product, p.amount, p.rebate, p.pieces, p.site
        case "people":
            for person, country in COUNTRIES.items():
                yield person, country if own else "XX"
        case "plans":
            for plan in PLANS:
                yield plan.person, plan.plan if own else "foreign", plan.begins, plan.ends
        case "days":
            yield from ((FIRST + timedelta(days=n),) for n in range((LAST - FIRST).days + 1))
        case "hours":
            midnight = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC)
            yield from ((midnight + timedelta(hours=n),) for n in range(HOURS))


def _row(project: str, values: Iterable[Any]) -> str:
    return "(" + ", ".join(map(_literal, (project, *values))) + ")"


def _literal(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case str():
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        case datetime():
            return f"toDateTime64('{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}', 3, 'UTC')"
        case date():
            return f"'{value}'"
    return str(value)
