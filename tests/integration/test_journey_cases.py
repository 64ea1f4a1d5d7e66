"""The rules of journeys one by one: small cases whose answers a person can tell. test_journeys.py tries many more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from semantic_layer.journeys.answers import ask
from semantic_layer.journeys.grammar import parse_exclusion, parse_step
from semantic_layer.journeys.models import Funnel, Retention
from tests.integration.journeys_by_hand import DAY, FIRST_DAY, Event
from tests.integration.test_journeys import DAYS_OF_PEOPLE, TABLE, World
from tests.support import Instance

MINUTE = 60_000


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Instance(tmp_path_factory.mktemp("cases") / "millrace") as own:
        own.up()
        own.client().command("CREATE DATABASE IF NOT EXISTS marts")
        own.client().command(TABLE)
        own.client().command(DAYS_OF_PEOPLE)
        yield World(own)


# Events of one person as NAME@MINUTE; steps; the options; how many people reached each step. The window is an hour.
FUNNELS = {
    "ordered: others may lie between": ("a@0 x@1 b@2", "a b", {}, [1, 1]),
    "ordered: not backwards": ("b@0 a@1", "a b", {}, [1, 0]),
    "ordered: the last attempt may be the best": ("a@0 a@50 b@100", "a b", {}, [1, 1]),
    "strict: none between": ("a@0 b@1", "a b", {"order": "strict"}, [1, 1]),
    "strict: one between": ("a@0 x@1 b@2", "a b", {"order": "strict"}, [1, 0]),
    "strict: a later attempt": ("a@0 x@1 a@2 b@3", "a b", {"order": "strict"}, [1, 1]),
    "strict: at one instant the steps come first": ("a@0 x@1 b@1", "a b", {"order": "strict"}, [1, 1]),
    "unordered: backwards": ("b@0 a@1", "a b", {"order": "unordered"}, [1, 1]),
    "unordered: any step enters": ("b@0", "a b c", {"order": "unordered"}, [1, 0, 0]),
    "unordered: the same step twice is one": ("a@0 a@1", "a b", {"order": "unordered"}, [1, 0]),
    "unordered: one event takes one step": ("a@0", "a *", {"order": "unordered"}, [1, 0]),
    "unordered: which one is found out": ("a@0 b@1", "* a", {"order": "unordered"}, [1, 1]),
    "the window's last millisecond": ("a@0 b@60", "a b", {}, [1, 1]),
    "after the window": ("a@0 b@60.001", "a b", {}, [1, 0]),
    "the window is counted from the first step": ("a@0 b@40 c@61", "a b c", {}, [1, 1, 0]),
    "one instant converts in step order": ("c@0 b@0 a@0", "a b c", {}, [1, 1, 1]),
    "a repeated step needs another event": ("a@0 b@1", "a a b", {}, [1, 0, 0]),
    "a repeated step with one": ("a@0 a@1 b@2", "a a b", {}, [1, 1, 1]),
    "any event as a step": ("a@0 x@1 b@2", "a * b", {}, [1, 1, 1]),
    "excluded between": ("a@0 x@1 b@2", "a b", {"exclude": "x"}, [0, 0]),
    "excluded, then a clean attempt": ("a@0 x@1 a@2 b@3", "a b", {"exclude": "x"}, [1, 1]),
    "excluded before and after": ("x@0 a@1 b@2 x@3", "a b", {"exclude": "x"}, [1, 1]),
    "excluded at the instant of a step": ("a@1 x@1 b@2", "a b", {"exclude": "x"}, [1, 1]),
    "excluded at the instant of the next step": ("a@1 x@2 b@2", "a b", {"exclude": "x"}, [1, 1]),
    "excluded where the next step is not taken": ("a@0 x@60", "a b", {"exclude": "x"}, [0, 0]),
    "excluded after the window": ("a@0 x@60.001", "a b", {"exclude": "x"}, [1, 0]),
    "excluded in a part, and there": ("a@0 b@1 x@2 c@3", "a b c", {"exclude": "x:2-3"}, [0, 0, 0]),
    "excluded in a part, and elsewhere": ("a@0 x@1 b@2 c@3", "a b c", {"exclude": "x:2-3"}, [1, 1, 1]),
    "excluded in a part that is not reached": ("a@0 x@1", "a b c", {"exclude": "x:2-3"}, [1, 0, 0]),
}


@pytest.mark.parametrize("case", FUNNELS)
def test_a_funnel(world: World, case: str) -> None:
    happened, steps, options, expected = FUNNELS[case]
    events = []
    for word in happened.split():
        name, _, minute = word.partition("@")
        whole, _, milliseconds = minute.partition(".")
        events.append(Event(1, int(whole) * MINUTE + int(milliseconds or 0), name, 0))
    exclude = options.get("exclude")
    funnel = Funnel(
        project=world.insert(events),
        steps=tuple(parse_step(step) for step in steps.split()),
        within_seconds=3600,
        order=options.get("order", "ordered"),
        exclusions=(parse_exclusion(exclude, len(steps.split())),) if exclude else (),
    )
    assert [step["users"] for step in ask(world.reader, funnel)["steps"]] == expected


# Person 1 is there on days 0, 1 and 3 (twice), person 2 on days 1 and 3.
VISITS = [(1, 0), (1, 1), (1, 3), (1, 3), (2, 1), (2, 3)]
RETENTION = {
    ("recurring", "on", 1, 0): {0: (1, [1, 0, 1]), 1: (2, [0, 2]), 3: (2, [])},
    ("recurring", "on_or_after", 1, 0): {0: (1, [1, 1, 1]), 1: (2, [2, 2]), 3: (2, [])},
    ("recurring", "on", 2, 0): {0: (1, [0, 0, 1]), 1: (2, [0, 1]), 3: (2, [])},
    ("first_time", "on", 1, 0): {0: (1, [1, 0, 1]), 1: (1, [0, 1])},
    ("first_time", "on", 1, 1): {1: (2, [0, 2])},
    ("first_time", "on_or_after", 1, 1): {1: (2, [2, 2])},
    ("first_ever", "on", 1, 0): {0: (1, [1, 0, 1]), 1: (1, [0, 1])},
    ("first_ever", "on", 1, 1): {1: (1, [0, 1])},
    ("first_ever", "on_or_after", 1, 1): {1: (1, [1, 1])},
}


@pytest.mark.parametrize(("kind", "mode", "least", "first"), RETENTION)
def test_retention(world: World, kind: str, mode: str, least: int, first: int) -> None:
    events = [Event(person, day * DAY + number, "a", 0) for number, (person, day) in enumerate(VISITS)]
    answer = ask(
        world.reader,
        Retention(
            project=world.insert(events),
            start=parse_step("a"),
            returning=parse_step("a"),
            period="day",
            kind=kind,
            mode=mode,
            min_occurrences=least,
            first_day=FIRST_DAY + timedelta(days=first),
            last_day=FIRST_DAY + timedelta(days=3),
        ),
    )
    assert {cohort["period"]: (cohort["size"], cohort["returned"]) for cohort in answer["cohorts"]} == {
        str(FIRST_DAY + timedelta(days=day)): cohort for day, cohort in RETENTION[kind, mode, least, first].items()
    }
