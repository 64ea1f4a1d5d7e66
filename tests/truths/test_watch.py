"""What is watched is what plain SQL counts, and what happened in the world is a possible cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitoring.watch.causes import read_causes
from monitoring.watch.declared import Watch, read_watches
from monitoring.watch.rows import Row, rows_of
from semantic_layer.metrics.catalogue import load_catalogue
from semantic_layer.reader import Reader
from tests.truths.conftest import LoadedWorld
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def settings(built: LoadedWorld) -> Iterator[Settings]:
    with built.instance.active() as own:
        yield own


def rows(settings: Settings, series: str, project: str, *by: str) -> list[Row]:
    catalogue = load_catalogue(settings)
    (watch,) = [one for one in read_watches(settings, catalogue) if one.series == series]
    return rows_of(settings, catalogue, watch, project, Reader(settings))(*by)


def test_metrics_a_table_and_a_funnel_are_watched_as_shipped(settings: Settings) -> None:
    series = {one.series for one in read_watches(settings, load_catalogue(settings))}
    assert {"metric:sessions", "metric:events:hour", "table:fct_marketing_spend"} <= series
    assert sum(one.startswith("funnel:funnel_purchase/") for one in series) == 4


def test_of_a_table_rows_of_each_day_are_counted(settings: Settings, built: LoadedWorld) -> None:
    found = dict(rows(settings, "table:fct_marketing_spend", "demo"))
    sql = "SELECT local_date FROM marts.fct_marketing_spend WHERE project_id = 'demo'"
    assert found == Counter(day for (day,) in built.instance.rows(sql))


def test_of_a_funnel_people_are_counted_on_the_day_of_the_step(settings: Settings, built: LoadedWorld) -> None:
    sql = """
        SELECT person_key, entered_at, step_seconds FROM marts.funnel_purchase
        WHERE project_id = 'demo' AND steps_reached = 4
    """
    people: dict[date, set[int]] = {}
    for person, entered, seconds in built.instance.rows(sql):
        # To the millisecond, as seconds are told.
        taken = entered + timedelta(milliseconds=int(1000 * sum(seconds)))
        day = taken.astimezone(ZoneInfo("Europe/Berlin")).date()
        people.setdefault(day, set()).add(person)
    assert people
    found = dict(rows(settings, "funnel:funnel_purchase/4 Ordered", "demo"))
    assert found == {day: len(own) for day, own in people.items()}


def test_by_a_column_and_by_weeks_all_are_there(settings: Settings, built: LoadedWorld) -> None:
    catalogue = load_catalogue(settings)
    watch = Watch(kind="table", name="fct_orders", grain="week")
    by_currency = rows_of(settings, catalogue, watch, "demo", Reader(settings))("currency")
    assert {day.weekday() for day, _, _ in by_currency} == {0}
    ((orders,),) = built.instance.rows("SELECT count() FROM marts.fct_orders WHERE project_id = 'demo'")
    assert sum(number for _, _, number in by_currency) == orders > 0


def test_releases_are_possible_causes_and_what_was_always_there_is_none(settings: Settings, built: LoadedWorld) -> None:
    causes = read_causes(settings, load_catalogue(settings), "demo", Reader(settings))
    releases = [cause.name for cause in causes if cause.kind == "release"]
    (broken,) = [one for one in built.truths["projects"]["demo"]["anomalies"] if one["kind"] == "broken_release"]
    assert broken["dimensions"]["app_version"] in releases
    assert "5.0.0" not in releases  # of the first day
    # Of its plan the last day is 2026-06-21, in Berlin.
    (ended,) = [one for one in causes if (one.kind, one.name) == ("experiment ended", "onboarding_checklist")]
    assert ended.at == datetime(2026, 6, 21, 22, tzinfo=UTC)
    assert [cause.at for cause in causes] == sorted(cause.at for cause in causes)
