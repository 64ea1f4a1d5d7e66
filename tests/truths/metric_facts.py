"""Rows of the facts as plain Python, and what is counted of them by month: no SQL of metrics is used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from tests.truths.conftest import SCORES, LoadedWorld

Row = Any
Months = dict[str, Any]


class Facts:
    """Of one project. Rows have the columns of their table as attributes."""

    def __init__(self, built: LoadedWorld, project: str) -> None:
        self._instance, self.project = built.instance, project
        self._zone = ZoneInfo(built.truths["projects"][project]["timezone"])

    def _rows(self, table: str, columns: str = "*") -> list[Row]:
        result = self._instance.client().query(f"SELECT {columns} FROM {table} WHERE project_id = '{self.project}'")
        return [SimpleNamespace(**dict(zip(result.column_names, row, strict=True))) for row in result.result_rows]

    def day(self, instant: datetime) -> date:
        return instant.astimezone(self._zone).date()

    @cached_property
    def events(self) -> list[Row]:
        columns = "event, person_id, person_key, session_key, timestamp, local_date, app_version"
        return self._rows("marts.fct_events", columns)

    @cached_property
    def sessions(self) -> list[Row]:
        return self._rows("marts.fct_sessions")

    @cached_property
    def views(self) -> list[Row]:
        return self._rows("marts.fct_page_views")

    @cached_property
    def errors(self) -> list[Row]:
        return self._rows("marts.fct_errors")

    @cached_property
    def orders(self) -> list[Row]:
        return self._rows("marts.fct_orders")

    @cached_property
    def items(self) -> list[Row]:
        return self._rows("marts.fct_order_items")

    @cached_property
    def refunds(self) -> list[Row]:
        return self._rows("marts.fct_refunds")

    @cached_property
    def spend(self) -> list[Row]:
        return self._rows("marts.fct_marketing_spend")

    @cached_property
    def answers(self) -> list[Row]:
        return self._rows("marts.fct_nps_answers")

    @cached_property
    def subscriptions(self) -> list[Row]:
        return [row for row in self._rows("marts.fct_subscriptions") if row.monthly_revenue]

    @cached_property
    def exposures(self) -> list[Row]:
        experiment = "ifNull(properties.experiment_id::Nullable(String), '') AS experiment"
        columns = f"event, person_key, timestamp, local_date, {experiment}"
        seen: dict[tuple[int, str], Row] = {}
        for row in self._rows("marts.fct_events", columns):
            key = (row.person_key, row.experiment)
            if row.event == "experiment_viewed" and (key not in seen or row.timestamp < seen[key].timestamp):
                seen[key] = row
        return list(seen.values())

    @cached_property
    def received(self) -> list[Row]:
        columns = "event_id, received_at, loaded_at, timestamp"
        rows = sorted(self._rows("raw.events", columns), key=lambda r: (r.loaded_at, r.received_at, r.timestamp))
        known: set[str] = set()
        for row in rows:
            row.local_date, row.is_first = self.day(row.received_at), row.event_id not in known
            known.add(row.event_id)
        return rows

    @cached_property
    def rejected(self) -> list[Row]:
        rows = self._rows("raw.events_rejected", "received_at, reason")
        for row in rows:
            row.local_date = self.day(row.received_at)
        return rows

    @property
    def scores(self) -> list[Row]:
        """What was found of a table as a whole is of each project."""
        return [
            SimpleNamespace(local_date=date.fromisoformat(day), score=score)
            for day, _, project, score in SCORES
            if project in ("", self.project)
        ]

    @cached_property
    def last_day(self) -> date:
        return max(event.local_date for event in self.events)

    @cached_property
    def active_on(self) -> dict[date, set[int]]:
        """The people of each day, days without anybody included."""
        found: dict[date, set[int]] = defaultdict(set)
        for event in self.events:
            if event.person_id:
                found[event.local_date].add(event.person_key)
        day = min(found)
        while day <= self.last_day:
            found[day] |= set()
            day += timedelta(days=1)
        return dict(sorted(found.items()))

    @cached_property
    def first_day_of(self) -> dict[int, date]:
        return {key: day for day in reversed(self.active_on) for key in self.active_on[day]}

    def times_of(self, event: str) -> dict[int, list[datetime]]:
        """When each person did it, in order."""
        found: dict[int, list[datetime]] = defaultdict(list)
        for row in self.events:
            if row.event == event and row.person_id:
                found[row.person_key].append(row.timestamp)
        return {person: sorted(times) for person, times in found.items()}


def month(day: date) -> str:
    return day.replace(day=1).isoformat()


def by_month(rows: Iterable[Row], value: Callable[[list[Row]], Any], day: str = "local_date") -> Months:
    """Of the rows of each month one value."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[month(getattr(row, day))].append(row)
    return {name: value(those) for name, those in found.items()}


def divided(above: Mapping[str, Any], below: Mapping[str, Any], times: int = 1) -> Months:
    return {name: float(above.get(name) or 0) * times / float(of) for name, of in below.items() if of}


def mean(values: Iterable[Any]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return sum(known) / len(known) if known else None


def percentile(values: Iterable[Any], share: float) -> float | None:
    """Between two neighbours by the distance to each."""
    known = sorted(float(value) for value in values if value is not None)
    if not known:
        return None
    place = share * (len(known) - 1)
    low = int(place)
    high = min(low + 1, len(known) - 1)
    return known[low] + (known[high] - known[low]) * (place - low)


def people(rows: Iterable[Row]) -> int:
    return len({row.person_key for row in rows})
