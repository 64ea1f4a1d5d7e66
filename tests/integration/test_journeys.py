"""Journeys on a real server, against the same rules by trying everything (journeys_by_hand), and the commands."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from semantic_layer.journeys import rendering
from semantic_layer.journeys.answers import ask
from semantic_layer.journeys.grammar import parse_step
from semantic_layer.journeys.models import Exclusion, Funnel, Lifecycle, Paths, Retention
from semantic_layer.reader import Reader
from tests.integration import journeys_by_hand as by_hand
from tests.integration.journeys_by_hand import DAY, FIRST_DAY, Event, Matches
from tests.support import Instance

HOUR = 3_600_000
TABLE = """CREATE TABLE marts.fct_events (
    project_id LowCardinality(String), event_id String, event LowCardinality(String),
    message_type Enum8('track' = 1, 'page' = 2, 'screen' = 3, 'identify' = 4, 'group' = 5, 'alias' = 6),
    person_key UInt64, user_id String, group_id String, session_key UInt64,
    timestamp DateTime64(3, 'UTC'), local_date Date,
    page_host String, page_path String, page_title String, referrer_host String, referrer_kind Nullable(String),
    campaign_source String, campaign_medium String, campaign_name String, campaign_term String, campaign_content String,
    device_type Nullable(String), browser String, os String, country String, region LowCardinality(String), city String,
    app_version String, library String, properties JSON(price Nullable(Float64), products Array(JSON))
) ENGINE = MergeTree PARTITION BY toMonday(local_date) ORDER BY (project_id, event, timestamp)"""
# What a build makes of the events; tests/truths hold the mart itself against the truths.
DAYS_OF_PEOPLE = """CREATE VIEW marts.agg_person_days AS
SELECT project_id, person_key, local_date, groupUniqArray(toString(event)) AS event_names
FROM marts.fct_events GROUP BY ALL"""
WRITTEN: dict[str, Matches] = {
    "a": lambda e: e.name == "a",
    "b": lambda e: e.name == "b",
    "c": lambda e: e.name == "c",
    "*": lambda e: True,
    "a[x=1]": lambda e: e.name == "a" and e.x == 1,
    "*[x>=2]": lambda e: e.x >= 2,
    "b[x!=0]": lambda e: e.name == "b" and e.x != 0,
}


class World:
    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.projects = count(1)
        self.reader = Reader(instance.settings)

    def insert(self, events: list[Event]) -> str:
        """Into a project of their own."""
        project = f"p{next(self.projects)}"
        self.insert_into(
            project,
            [
                {
                    **{"event": e.name, "person_key": e.person + 1, "session_key": e.session, "local_date": str(e.day)},
                    "event_id": f"{number:06}",
                    "timestamp": f"{FIRST_DAY + timedelta(days=e.at // DAY)} {clock(e.at % DAY)}",
                    "country": e.country,
                    "properties": {"x": e.x},
                }
                for number, e in enumerate(events)
            ],
        )
        return project

    def insert_into(self, project: str, rows: list[dict[str, Any]]) -> None:
        lines = "\n".join(json.dumps({"project_id": project, "message_type": "track", **row}) for row in rows)
        self.instance.client().command(f"INSERT INTO marts.fct_events FORMAT JSONEachRow\n{lines}")


def clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Instance(tmp_path_factory.mktemp("journeys") / "millrace") as own:
        own.up()
        own.client().command("CREATE DATABASE IF NOT EXISTS marts")
        own.client().command(TABLE)
        own.client().command(DAYS_OF_PEOPLE)
        yield World(own)


PEOPLE = 30  # per example: a query takes longer than trying everything for all of them
seeds = st.integers(0, 10**6)


def crowd(seed: int, instants: list[int]) -> list[Event]:
    """People with a few events each."""
    of = random.Random(seed)
    return [
        Event(person, of.choice(instants), of.choice("abc"), of.randrange(3))
        for person in range(PEOPLE)
        for _ in range(of.randint(1, 9))
    ]


# Few, so that ties are common and windows end exactly at one.
INSTANTS = [slot * 8 * HOUR - 7_000 * slot**2 + (500 if slot > 2 else 0) for slot in range(6)]
# With whole months and weeks in them, parts of some, and a single day.
ranges = st.sampled_from([(0, 75), (4, 60), (18, 45), (31, 58), (40, 47), (9, 9)])
DAYS = [day * DAY + day % 3 * HOUR for day in range(76)]
few = settings(max_examples=70, deadline=None, suppress_health_check=list(HealthCheck))


@few
@given(
    seeds,
    st.lists(st.sampled_from(list(WRITTEN)), min_size=2, max_size=3),
    st.sampled_from([1, INSTANTS[1], INSTANTS[2], INSTANTS[3] - INSTANTS[1], 14 * DAY]),
    st.sampled_from(["ordered", "strict", "unordered"]),
    st.lists(st.tuples(st.sampled_from(list(WRITTEN)), st.sampled_from([(1, 2), (1, 3), (2, 3)])), max_size=2),
    st.sampled_from([(0, 2), (0, 0), (1, 1)]),
    st.sampled_from(["first", "last", "step:2"]),
    st.sampled_from([None, 1, 3]),
    st.sampled_from([None, "day"]),
)
def test_funnels_are_what_trying_everything_finds(
    world: World,
    seed: int,
    steps: list[str],
    window: int,
    order: str,
    excluded: list[tuple[str, tuple[int, int]]],
    days: tuple[int, int],
    attribution: str,
    bins: int | None,
    trend: str | None,
) -> None:
    events = crowd(seed, INSTANTS)
    first, last = (FIRST_DAY + timedelta(days=day) for day in days)
    exclusions = [(step, after, min(before, len(steps))) for step, (after, before) in excluded if after < len(steps)]
    seconds = -(-window // 1000)
    expected = by_hand.funnel(
        events,
        [WRITTEN[step] for step in steps],
        seconds * 1000,
        order,
        [(WRITTEN[step], after, before) for step, after, before in exclusions],
        lambda day: first <= day <= last,
        attribution,
        bins,
    )
    asked = Funnel(
        project=world.insert(events),
        steps=tuple(parse_step(step) for step in steps),
        within_seconds=seconds,
        order=order,
        exclusions=tuple(Exclusion(step=parse_step(step), after=a, before=b) for step, a, b in exclusions),
        first_day=first,
        last_day=last,
        by="country",
        attribution=attribution,
        histogram=True,
        bins=bins,
        trend=trend,
    )
    answer = ask(world.reader, asked)
    assert _told(answer["steps"]) == _rounded(expected["steps"])
    assert {part["value"]: _told(part["steps"]) for part in answer["breakdown"]} == {
        value: _rounded(rows) for value, rows in expected["breakdown"].items()
    }
    assert [tuple(one.values()) for one in answer["histogram"]] == expected["histogram"]
    if trend:
        assert [(r["period"], r["entered"], r["converted"]) for r in answer["trend"]] == expected["trend"]
    alone = ask(world.reader, asked.model_copy(update={"by": None, "histogram": False, "trend": None}))
    assert alone["steps"] == answer["steps"]


def _told(steps: list[dict[str, Any]]) -> list[Any]:
    return _rounded([(step["users"], step["mean_seconds"], step["median_seconds"]) for step in steps])


def _rounded(rows: list[Any]) -> list[Any]:
    """Sums of floats in another order differ in their last digit."""
    return [tuple(cell if cell is None else round(cell, 3) for cell in row) for row in rows]


@few
@given(
    seeds,
    st.sampled_from(["a", "b", "*"]),
    st.sampled_from(["a", "b", "*"]),
    st.sampled_from(["day", "week", "month"]),
    ranges,
    st.sampled_from(["recurring", "first_time", "first_ever"]),
    st.sampled_from(["on", "on_or_after"]),
    st.integers(1, 3),
    st.sampled_from([None, "country"]),
    st.sampled_from([None, 0.3, 0.7, 1.0]),
)
def test_retention_is_what_counting_each_person_finds(
    world: World,
    seed: int,
    start: str,
    returning: str,
    period: str,
    days: tuple[int, int],
    kind: str,
    mode: str,
    least: int,
    by: str | None,
    part: float | None,
) -> None:
    events = crowd(seed, DAYS)
    first, last = (FIRST_DAY + timedelta(days=day) for day in days)
    until = None if part is None else first + timedelta(days=round(part * (last - first).days))
    expected = by_hand.retention(
        events, WRITTEN[start], WRITTEN[returning], period, first, last, kind, mode, least, until
    )
    answer = ask(
        world.reader,
        Retention(
            project=world.insert(events),
            start=parse_step(start),
            returning=parse_step(returning),
            period=period,
            periods=1000,
            kind=kind,
            mode=mode,
            min_occurrences=least,
            first_day=first,
            last_day=last,
            cohorts_until=until,
            by=by,
        ),
    )
    everybody = expected.pop("", {})
    assert _cohorts(answer) == everybody
    if by:
        assert {part["value"]: _cohorts(part) for part in answer["breakdown"]} == expected


def _cohorts(answer: dict[str, Any]) -> dict[str, tuple[int, list[int]]]:
    return {c["period"]: (c["size"], c["returned"]) for c in answer["cohorts"]}


@few
@given(
    seeds,
    st.sampled_from(["a", "*"]),
    st.sampled_from(["day", "week", "month"]),
    ranges,
)
def test_lifecycle_is_what_looking_at_each_person_finds(
    world: World, seed: int, active: str, period: str, days: tuple[int, int]
) -> None:
    events = crowd(seed, DAYS)
    first, last = (FIRST_DAY + timedelta(days=day) for day in days)
    answer = ask(
        world.reader,
        Lifecycle(
            project=world.insert(events), event=parse_step(active), period=period, first_day=first, last_day=last
        ),
    )
    assert {row["period"]: list(row.values())[1:] for row in answer["periods"]} == by_hand.lifecycle(
        events, WRITTEN[active], period, first, last
    )


@few
@given(seeds, st.sampled_from(["a", "*"]), st.booleans(), st.integers(1, 4))
def test_paths_are_what_walking_each_session_finds(
    world: World, seed: int, anchor: str, previous: bool, depth: int
) -> None:
    events = crowd(seed, INSTANTS)
    # A session is of one person; and no two events at one instant, where their order is nobody's.
    events = list({(e.person, e.at): e._replace(session=100 * e.person + e.x + 1) for e in events}.values())
    answer = ask(
        world.reader,
        Paths(
            project=world.insert(events),
            event=parse_step(anchor),
            direction="previous" if previous else "next",
            depth=depth,
            top=1000,
        ),
    )
    sessions, whole, edges = by_hand.paths(events, WRITTEN[anchor], previous, depth)
    assert answer["sessions"] == sessions
    assert {tuple(path["path"]): path["sessions"] for path in answer["paths"]} == whole
    assert {(e["step"], e["from"], e["to"]): e["sessions"] for e in answer["edges"]} == edges


def test_a_condition_of_a_model_may_be_null(world: World) -> None:
    """Not known is not matched, and does not hide that the event matches another step."""
    project = world.insert([Event(1, HOUR, "a", 5, 1), Event(1, 2 * HOUR, "b", 1, 1)])
    attempts = rendering._macros().funnel_attempts(
        "marts.fct_events",
        ["nullIf(properties.x::UInt8, 1) > 2", "event = 'b'"],
        DAY,
        exclusions=[{"condition": "nullIf(event, 'b') = 'c'", "after": 1, "before": 2}],
        scanned=f"project_id = '{project}'",
    )
    assert world.reader.rows(f"select person_key, steps_reached from ({attempts})") == [[2, 2]]
