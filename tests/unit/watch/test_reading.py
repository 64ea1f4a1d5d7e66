"""The series of a watch: its points are days of the project, and its holidays are the project's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from monitoring.watch.declared import Watch
from monitoring.watch.judging import judge
from monitoring.watch.known import Known
from monitoring.watch.reading import read_table
from monitoring.watch.rows import Row
from warehouse.errors import MillraceError
from warehouse.lineage.graph import Graph

FIRST, LAST, MAY_DAY = date(2026, 2, 2), date(2026, 5, 10), date(2026, 5, 1)
WATCH = Watch(name="visits")


def rows(*by: str) -> list[Row]:
    """900 visits and a few on workdays, 300 and a few on weekends and on May Day."""
    found: list[Row] = []
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=number)
        usual = 300 if day.weekday() > 4 or day == MAY_DAY else 900
        found.append((day, *("DE" for _ in by), usual + number * 7919 % 23))
    return found


@pytest.mark.parametrize(("holidays", "told"), [("DE", []), ("", [datetime(2026, 4, 30, 22, tzinfo=UTC)])])
def test_a_holiday_of_the_project_is_no_news(holidays: str, told: list[datetime]) -> None:
    now = datetime(2026, 5, 12, tzinfo=UTC)
    table = read_table(WATCH, rows, "Europe/Berlin", LAST, now, holidays=holidays)
    assert table is not None
    assert [one.started_at for one in judge(WATCH, "demo", table).findings] == told
    by_country = WATCH.model_copy(update={"by": ("session__country",)})
    cut = read_table(by_country, rows, "Europe/Berlin", LAST, now, holidays=holidays)
    assert cut is not None
    assert [one.series.holidays for one in cut.segments] == [holidays]


def test_a_segment_that_is_new_is_looked_at_although_it_is_small_by_all_its_days() -> None:
    """Six older channels have more of all days than the partner's of two days, and two of them have less now."""
    older = {f"channel {n}": 150 + 10 * n for n in range(1, 5)} | {"post": 30, "posters": 30}

    def by_channel(*by: str) -> list[Row]:
        found: list[Row] = []
        for number in range((LAST - FIRST).days + 1):
            day = FIRST + timedelta(days=number)
            sizes = {name: usual + (number * 7919 + usual) % 13 for name, usual in older.items()}
            sizes |= {"partner": 60} if (LAST - day).days < 2 else {}
            found += [(day, name, size) for name, size in sizes.items()] if by else [(day, sum(sizes.values()))]
        return found

    watch = WATCH.model_copy(update={"by": ("session__channel",)})
    table = read_table(watch, by_channel, "Europe/Berlin", LAST, datetime(2026, 5, 12, tzinfo=UTC))
    assert table is not None
    assert {one.dimensions[0][1] for one in table.segments} == {*list(older)[:5], "partner"}
    told = [(one.dimensions, one.points) for one in judge(watch, "demo", table).findings]
    assert told == [((("session__channel", "partner"),), 2)]


def test_the_hour_that_comes_twice_in_autumn_counts_as_one() -> None:
    """The semantic layer tells both by one label, as their sum: twice as many are no news, and nothing is lost."""
    first = datetime(2026, 9, 1)

    def by_hour(*_: str) -> list[Row]:
        found: list[Row] = []
        for number in range(24 * 60):
            at = first + timedelta(hours=number)
            usual = 40 + number * 7919 % 13
            found.append((at, 2 * usual + 1 if at == datetime(2026, 10, 25, 2) else usual))
        return found

    watch = WATCH.model_copy(update={"grain": "hour"})
    table = read_table(watch, by_hour, "Europe/Berlin", date(2026, 10, 30), datetime(2026, 11, 2, tzinfo=UTC))
    assert table is not None
    ((place, start),) = [(n, one) for n, one in enumerate(table.starts) if table.ends[n] - one > timedelta(hours=1)]
    assert (start, table.ends[place]) == (datetime(2026, 10, 25, 0, tzinfo=UTC), datetime(2026, 10, 25, 2, tzinfo=UTC))
    assert table.whole.series.values[place] == by_hour()[place][1] // 2 + 1
    assert [one.started_at for one in judge(watch, "demo", table).findings] == []


@pytest.mark.parametrize(
    ("until", "ends_with_rows", "last"),
    [
        (datetime(2026, 5, 12, tzinfo=UTC), False, LAST),
        (datetime(2026, 5, 9, 21, 59, tzinfo=UTC), False, LAST - timedelta(days=2)),  # 23:59 of the 9th in Berlin
        (datetime(2026, 5, 9, 22, 0, tzinfo=UTC), False, LAST - timedelta(days=1)),
        (datetime(2026, 5, 12, tzinfo=UTC), True, LAST - timedelta(days=3)),
    ],
)
def test_what_is_not_whole_yet_is_not_nothing(until: datetime, ends_with_rows: bool, last: date) -> None:
    """The last three days have no row: 0 of a shop whose events go on, not known of spend that is not loaded yet."""

    def without_the_end(*by: str) -> list[Row]:
        return [row for row in rows(*by) if row[0] <= LAST - timedelta(days=3)]

    table = read_table(WATCH, without_the_end, "Europe/Berlin", LAST, until, ends_with_rows=ends_with_rows)
    assert table is not None
    assert table.whole.series.times[-1].item().date() == last
    assert table.whole.series.values[-1] == (0 if last > LAST - timedelta(days=3) else rows()[-4][1])


def test_until_when_numbers_are_whole_follows_from_what_they_are_made_of() -> None:
    sources = {"source.m.events": ("raw", "events"), "source.m.spend": ("raw", "spend")}
    models = {"model.m.orders": ("marts", "orders"), "model.m.costs": ("marts", "costs")}
    manifest = {
        "sources": {id: {"unique_id": id, "schema": s, "identifier": t} for id, (s, t) in sources.items()},
        "nodes": {
            id: {"unique_id": id, "resource_type": "model", "schema": s, "alias": t} for id, (s, t) in models.items()
        },
        "metrics": {"metric.m.revenue": {"name": "revenue"}},
        "parent_map": {
            "metric.m.revenue": ["semantic_model.m.orders"],
            "semantic_model.m.orders": ["model.m.orders"],
            "model.m.orders": ["source.m.events"],
            "model.m.costs": ["source.m.spend"],
        },
        "child_map": {},
    }
    last = datetime(2026, 5, 10, 21, 30, tzinfo=UTC)
    known = Known(Graph(manifest), {"demo": last}, frozenset())
    assert known.until(Watch(name="revenue"), "demo") == last + timedelta(hours=1)
    assert known.until(Watch(name="revenue", grain="hour"), "demo") == last + timedelta(minutes=5)
    assert known.until(Watch(name="revenue"), "nobody") is None
    assert known.until(Watch(kind="table", name="costs"), "demo") is None
    behind = Known(Graph(manifest), {"demo": last}, frozenset({"marts.orders"}))
    with pytest.raises(MillraceError, match=r"marts\.orders waits for a check that fails"):
        behind.until(Watch(name="revenue"), "demo")
    assert behind.until(Watch(kind="table", name="costs"), "demo") is None
