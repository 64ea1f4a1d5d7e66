"""A small shop in Python: rows with everything that goes wrong in joins, months and clocks."""

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
    site: str

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
    site: str

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
            ("north", "south")[n % 5 // 3],
        )
        for n in range(420)
    ]
    for k, text in enumerate(
        (
            "2024-03-31T00:59:59",  # Berlin has no hour between these two
            "2024-03-31T01:00:00",
            "2024-03-31T21:59:59",  # the last second of a day there and, below, here
            "2024-02-29T22:59:59",
            "2024-03-31T23:59:59",
            "2024-03-30T21:30:00",  # the last hour of a day in Beirut, whose next day begins at one
            "2024-03-30T22:00:00",
            "2024-03-24T02:30:00",  # 23:30 in Asuncion, and 23:30 once more
            "2024-03-24T03:30:00",
            "2024-02-10T12:00:00",  # as p1 changes the plan
        )
    ):
        found.append(Visit(f"w{k}", "p1", datetime.fromisoformat(text).replace(tzinfo=UTC), "ads", 5, "south"))
    found.append(Visit("x", "p2", datetime(2024, 3, 9, 8, tzinfo=UTC), "it's \\ {odd}", 77, "north"))
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
                ("north", "south")[n % 2],
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


def plan_of(visit: Visit) -> str | None:
    """What held at the instant of the visit."""
    for plan in PLANS:
        if plan.person == visit.person and plan.begins <= visit.at and (plan.ends is None or visit.at < plan.ends):
            return plan.plan
    return None
