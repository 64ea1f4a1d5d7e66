"""Funnels and retention of the truths, asked for as a user asks."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest

from tests.truths.conftest import LoadedWorld

PROJECTS = ("demo", "demo_mobile")
FUNNELS = ("signup", "pricing_signup", "purchase", "activation", "subscription")
VARIANTS = ("ordered", "ordered_1_hour", "strict", "unordered")
EXCLUSIONS = ("purchase_without_product_removed", "purchase_without_product_removed_2_3")
HOURS_PER_DAY = 24


def asked(world: LoadedWorld, project: str, truth: dict[str, Any]) -> dict[str, Any]:
    options = [word for step in truth["steps"] for word in ("--step", step)]
    options += ["--within", f"{round(truth['within_days'] * HOURS_PER_DAY)}h", "--order", truth["order"]]
    if exclusion := truth.get("exclude"):
        between = f"{exclusion['after_step']}-{exclusion['before_step']}"
        options += ["--exclude", f"{exclusion['event']}:{between}"]
    if truth["order"] != "unordered":
        options += ["--by", "country", "--histogram", "--trend", "day"]
    answer: dict[str, Any] = world.instance.json("funnel", "--project", project, *options)
    return answer


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("name", [*(f"{f}_{v}" for f in FUNNELS for v in VARIANTS), *EXCLUSIONS])
def test_a_funnel_is_that_of_the_truths(built: LoadedWorld, project: str, name: str) -> None:
    truth = built.truths["projects"][project]["funnels"][name]
    answer = asked(built, project, truth)
    assert [step["users"] for step in answer["steps"]] == truth["users"]
    if truth["order"] == "unordered":
        return
    for number, step in enumerate(answer["steps"]):
        for key in ("mean_seconds", "median_seconds"):
            expected = truth[key][number]
            assert step[key] == (None if expected is None else pytest.approx(expected, abs=1e-5)), (key, number)
    by_country = {part["value"]: [step["users"] for step in part["steps"]] for part in answer["breakdown"]}
    assert by_country == {country: users for country, users in truth["by_country"].items() if users[0]}
    bins = [(b["from_seconds"], b["to_seconds"], b["users"]) for b in answer["histogram"]]
    assert bins == [(b["from_seconds"], b["to_seconds"], b["users"]) for b in truth["histogram"]]
    days = list(built.truths["projects"][project]["activity"]["dau"])
    for key in ("entered", "converted"):
        found = {period["period"]: period[key] for period in answer["trend"]}
        assert [found.get(day, 0) for day in days] == truth["trend_per_day"][key]


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("period", ["daily", "weekly"])
@pytest.mark.parametrize("start", ["any", "sign_up"])
@pytest.mark.parametrize("kind", ["recurring", "first_time", "first_ever"])
@pytest.mark.parametrize("mode", ["on", "on_or_after"])
def test_retention_is_that_of_the_truths(
    built: LoadedWorld, project: str, period: str, start: str, kind: str, mode: str
) -> None:
    truth = built.truths["projects"][project]["retention"][f"{period}_{start}_{kind}_{mode}"]
    answer = built.instance.json(
        *("retention", "--project", project, "--start", {"any": "*", "sign_up": "signed_up"}[start], "--return", "*"),
        *("--period", {"daily": "day", "weekly": "week"}[period], "--periods", "200", "--kind", kind, "--mode", mode),
        *("--from", truth["from"], "--to", truth["to"]),
    )
    found = {cohort["period"]: (cohort["size"], cohort["returned"]) for cohort in answer["cohorts"] if cohort["size"]}
    assert found == {
        cohort["period"]: (cohort["size"], cohort["returned_after_1_and_more"])
        for cohort in truth["cohorts"]
        if cohort["size"]
    }


def test_the_days_of_people_say_the_same_as_their_events(built: LoadedWorld) -> None:
    """A step with a filter reads the events; of a filter that holds of each of them the answer is the same."""
    for command in (
        ("retention", "--start", "order_completed", "--return", "{any}", "--period", "day", "--kind", "first_time"),
        ("retention", "--start", "{any}", "--return", "{any}", "--period", "month", "--mode", "on_or_after"),
        ("lifecycle", "--event", "{any}", "--period", "day"),
        ("stickiness", "--event", "{any}"),
    ):
        of_days, of_events = (
            built.instance.json(*(part.format(any=step) for part in command), "--project", "demo")
            for step in ("*", "*[message_type]")
        )
        told = next(name for name in ("cohorts", "periods", "days") if name in of_days)
        assert of_days[told] == of_events[told]
        assert len(of_days[told]) > 1


@pytest.mark.parametrize("project", PROJECTS)
def test_the_lifecycle_is_that_of_the_truths(built: LoadedWorld, project: str) -> None:
    truth = built.truths["projects"][project]
    answer = built.instance.json(
        *("lifecycle", "--project", project, "--event", "*", "--period", "week"),
        *("--from", min(truth["activity"]["lifecycle_per_week"]), "--to", truth["last_day"]),
    )
    names = ("new", "returning", "resurrecting", "dormant")
    found = {row["period"]: {name: row[name] for name in names} for row in answer["periods"]}
    empty = dict.fromkeys(names, 0)
    expected = truth["activity"]["lifecycle_per_week"]
    assert {week: found.get(week, empty) for week in expected} == expected


@pytest.mark.parametrize("direction", ["next", "previous"])
def test_paths_of_pages_are_what_walking_each_session_finds(built: LoadedWorld, direction: str) -> None:
    sessions: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for session, *step in built.instance.rows(
        "SELECT session_key, timestamp, event_id, event, page_path FROM marts.fct_events WHERE project_id = 'demo' "
        "AND session_key != 0 AND message_type IN ('track', 'page', 'screen')"
    ):
        sessions[session].append(tuple(step))
    first_step: Counter[tuple[str, str | None]] = Counter()
    for steps in sessions.values():
        ordered = sorted(steps, reverse=direction == "previous")
        names = [page or event if event == "page_viewed" else event for _, _, event, page in ordered]
        pages = [page if event == "page_viewed" else "" for _, _, event, page in ordered]
        if "/pricing" in pages:
            place = pages.index("/pricing")
            first_step["/pricing", names[place + 1] if place + 1 < len(names) else None] += 1
    answer = built.instance.json(
        *("paths", "--project", "demo", "--from-event", "page_viewed[page.path=/pricing]", "--pages", "--depth", "1"),
        *("--direction", direction, "--top", "1000"),
    )
    assert {(edge["from"], edge["to"]): edge["sessions"] for edge in answer["edges"]} == first_step
    assert answer["sessions"] == sum(first_step.values()) > 0
