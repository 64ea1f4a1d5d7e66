"""A small shop in Python: rows with everything that goes wrong in joins, months and clocks, and the tables of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")
FIRST, LAST = date(2024, 1, 29), date(2024, 4, 2)


@dataclass(frozen=True)
class Visit:
    id: str
    person: str | None
    at: datetime
    channel: str | None
    seconds: int | None

    @property
    def day(self) -> date:
        return self.at.astimezone(BERLIN).date()


@dataclass(frozen=True)
class Purchase:
    id: str
    person: str | None
    at: datetime
    product: str | None
    amount: Decimal
    rebate: Decimal
    pieces: int

    @property
    def day(self) -> date:
        return self.at.astimezone(BERLIN).date()


@dataclass(frozen=True)
class Plan:
    person: str
    plan: str
    begins: datetime
    ends: datetime | None


def _visits() -> list[Visit]:
    moment = datetime(2024, 1, 29, 22, 30, tzinfo=UTC)  # half an hour before midnight in Berlin
    found = [
        Visit(
            f"v{n}",
            # Some by nobody, some by people that the table of people does not have.
            None if n % 29 == 0 else f"p{n % 13}",
            moment + timedelta(minutes=211 * n),
            None if n % 17 == 0 else ("ads", "search", "mail")[n % 3],
            None if n % 11 == 0 else (n * 37) % 240,
        )
        for n in range(420)
    ]
    # The hour that Berlin has not, and the two instants around it; the last second of a day there and here.
    for k, text in enumerate(
        (
            "2024-03-31T00:59:59",
            "2024-03-31T01:00:00",
            "2024-03-31T21:59:59",
            "2024-02-29T22:59:59",
            "2024-03-31T23:59:59",
        )
    ):
        found.append(Visit(f"w{k}", "p1", datetime.fromisoformat(text).replace(tzinfo=UTC), "ads", 5))
    return found


def _purchases() -> list[Purchase]:
    found = []
    for n in range(90):
        at = datetime(2024, 1, 30, 9, 15, tzinfo=UTC) + timedelta(hours=16 * n + n % 5)
        amount = Decimal(n * 7919 % 10000) / 100
        found.append(
            Purchase(
                f"b{n}",
                f"p{n * 5 % 14}",
                at,
                None if n % 9 == 0 else ("tea", "coffee")[n % 2],
                amount,
                Decimal(n * 31 % 700) / 100,
                1 + n % 3,
            )
        )
    return found


VISITS, PURCHASES = _visits(), _purchases()
COUNTRIES: dict[str, str | None] = {**{f"p{n}": ("DE", "FR", "US")[n % 3] for n in range(10)}, "p10": None}
PLANS = [
    Plan("p1", "free", datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 10, 12, tzinfo=UTC)),
    Plan("p1", "pro", datetime(2024, 2, 10, 12, tzinfo=UTC), None),
    Plan("p2", "free", datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)),
    Plan("p2", "team", datetime(2024, 3, 5, tzinfo=UTC), None),  # a gap, in which nothing is known
    Plan("p3", "pro", datetime(2024, 1, 1, tzinfo=UTC), None),
]


def statements(database: str, nullable: bool) -> list[str]:
    """What makes and fills the tables, with columns that take NULL or, where nothing is missing, do not."""

    def of(type_: str) -> str:
        return f"Nullable({type_})" if nullable else type_

    def text(value: str | None) -> str:
        return "NULL" if value is None else f"'{value}'"

    def instant(value: datetime | None) -> str:
        return "NULL" if value is None else f"toDateTime64('{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}', 3, 'UTC')"

    low = "LowCardinality(Nullable(String))"
    tables = {
        "visits": (
            f"project_id String, visit_id {of('String')}, person_id Nullable(String), at {of('DateTime64(3)')}, "
            f"on_day {of('Date')}, channel {low}, seconds Nullable(UInt32)",
            [
                f"({text(project)}, {text(v.id)}, {text(v.person)}, {instant(v.at)}, '{v.day}', {text(v.channel)}, "
                f"{'NULL' if v.seconds is None else v.seconds})"
                for project, rows in (("demo", VISITS), ("other", VISITS[:50]))
                for v in rows
            ],
        ),
        "purchases": (
            f"project_id String, purchase_id {of('String')}, person_id {of('String')}, at {of('DateTime64(3)')}, "
            f"on_day {of('Date')}, product {low}, amount {of('Decimal(12, 2)')}, rebate {of('Decimal(12, 2)')}, "
            f"pieces {of('UInt8')}",
            [
                f"('demo', {text(p.id)}, {text(p.person)}, {instant(p.at)}, '{p.day}', {text(p.product)}, "
                f"{p.amount}, {p.rebate}, {p.pieces})"
                for p in PURCHASES
            ],
        ),
        "people": (
            f"project_id String, person_id {of('String')}, country {low}",
            [f"('demo', {text(person)}, {text(country)})" for person, country in COUNTRIES.items()],
        ),
        "plans": (
            f"project_id String, person_id {of('String')}, plan {of('String')}, valid_from {of('DateTime64(3)')}, "
            "valid_to Nullable(DateTime64(3))",
            [f"('demo', {text(p.person)}, {text(p.plan)}, {instant(p.begins)}, {instant(p.ends)})" for p in PLANS],
        ),
        # Each project has days of its own: those of another one must not count again.
        "days": (
            "project_id String, date_day Date",
            [
                f"('{project}', '{FIRST + timedelta(days=n)}')"
                for project in ("demo", "other")
                for n in range((LAST - FIRST).days + 1)
            ],
        ),
        "hours": (
            "project_id String, date_hour DateTime('UTC')",
            [
                f"('{project}', '{datetime(2024, 1, 29) + timedelta(hours=n):%Y-%m-%d %H:%M:%S}')"
                for project in ("demo", "other")
                for n in range(24 * 66)
            ],
        ),
    }
    made = [f"CREATE DATABASE {database} ENGINE = Atomic"]
    for name, (columns, rows) in tables.items():
        made.append(f"CREATE TABLE {database}.{name} ({columns}) ENGINE = MergeTree ORDER BY tuple()")
        made.append(f"INSERT INTO {database}.{name} VALUES {', '.join(rows)}")
    return made
