"""The marts of journeys: what the truths say, and what the command line says of the same declaration."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from statistics import mean, median
from typing import Any, NamedTuple

import pytest

from semantic_layer.journeys import rendering
from semantic_layer.journeys.models import Exclusion, Filter, Funnel, Step
from tests.integration.journeys_by_hand import histogram, period_of
from tests.support import Instance
from tests.truths.conftest import LoadedWorld

PROJECTS = ("demo", "demo_mobile")
FUNNELS = {
    "funnel_signup": "signup_ordered",
    "funnel_purchase": "purchase_ordered",
    "funnel_activation": "activation_ordered",
    "funnel_purchase_straight": "purchase_strict",
    "funnel_purchase_kept": "purchase_without_product_removed",
    "funnel_activation_any_order": "activation_unordered",
}


class Attempt(NamedTuple):
    person_key: int
    local_date: date
    entered_at: Any
    steps_reached: int
    step_seconds: tuple[float, ...]
    seconds_to_convert: float | None
    country: str
    device_type: str
    channel: str


def attempts_of(instance: Instance, model: str, project: str) -> list[Attempt]:
    rows = instance.rows(f"SELECT {', '.join(Attempt._fields)} FROM marts.{model} WHERE project_id = '{project}'")
    return [Attempt(*row) for row in rows]


def best_of_people(attempts: Sequence[Attempt]) -> list[Attempt]:
    people: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        people[attempt.person_key].append(attempt)
    return [min(own, key=lambda attempt: (-attempt.steps_reached, attempt.entered_at)) for own in people.values()]


def users(attempts: Sequence[Attempt], steps: int) -> list[int]:
    """People at each step: what a dashboard counts."""
    return [len({a.person_key for a in attempts if a.steps_reached >= k}) for k in range(1, steps + 1)]


def seconds_of(attempts: Sequence[Attempt], step: int) -> list[float]:
    return [attempt.step_seconds[step] for attempt in attempts if attempt.steps_reached > step]


def by(attempts: Sequence[Attempt], column: str, steps: int) -> dict[str, list[int]]:
    values = sorted({getattr(attempt, column) for attempt in attempts})
    return {value: users([a for a in attempts if getattr(a, column) == value], steps) for value in values}


def declared_funnel(journey: dict[str, Any], project: str) -> Funnel:
    """What the meta of a funnel's model says, as the command line would ask for it."""

    def step(declared: dict[str, Any]) -> Step:
        filters = (Filter(path=path, operator=op, value=value) for path, op, value in declared["filters"])
        return Step(event=declared["event"], filters=tuple(filters))

    return Funnel(
        project=project,
        steps=tuple(step(declared) for declared in journey["steps"]),
        within_seconds=journey["within_seconds"],
        order=journey["order"],
        exclusions=tuple(
            Exclusion(step=step(declared), after=declared["after"], before=declared["before"])
            for declared in journey["exclusions"]
        ),
    )


def asked(world: LoadedWorld, project: str, funnel: Funnel, *more: str) -> dict[str, Any]:
    options = [word for step in funnel.steps for word in ("--step", str(step))]
    options += ["--within", f"{funnel.within_seconds}s", "--order", str(funnel.order)]
    for e in funnel.exclusions:
        options += ["--exclude", f"{e.step}:{e.after}-{e.before}"]
    answer: dict[str, Any] = world.instance.json("funnel", "--project", project, *options, *more)
    return answer


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("model", FUNNELS)
def test_a_funnel_mart_has_the_people_of_the_truths(built: LoadedWorld, project: str, model: str) -> None:
    truth = built.truths["projects"][project]["funnels"][FUNNELS[model]]
    attempts, steps = attempts_of(built.instance, model, project), len(truth["steps"])
    assert users(attempts, steps) == users(best_of_people(attempts), steps) == truth["users"]


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("model", sorted(FUNNELS.keys() - {"funnel_activation_any_order"}))
def test_a_funnel_mart_has_the_parts_and_times_of_the_truths(built: LoadedWorld, project: str, model: str) -> None:
    truth = built.truths["projects"][project]["funnels"][FUNNELS[model]]
    attempts, steps = attempts_of(built.instance, model, project), len(truth["steps"])
    best = best_of_people(attempts)
    for dimension, column in (("by_country", "country"), ("by_device", "device_type")):
        assert by(best, column, steps) == {value: counts for value, counts in truth[dimension].items() if counts[0]}
    for step in range(1, steps):
        seconds = seconds_of(best, step)
        for key, average in (("mean_seconds", mean), ("median_seconds", median)):
            expected = truth[key][step]
            assert (average(seconds) if seconds else None) == (expected and pytest.approx(expected, abs=1e-5))
    whole = [attempt.seconds_to_convert for attempt in best if attempt.seconds_to_convert is not None]
    assert histogram(whole, None) == [(b["from_seconds"], b["to_seconds"], b["users"]) for b in truth["histogram"]]
    days = list(built.truths["projects"][project]["activity"]["dau"])
    assert truth["trend_per_day"] == {
        "entered": [sum(str(a.local_date) == day for a in attempts) for day in days],
        "converted": [sum(str(a.local_date) == day and a.steps_reached == steps for a in attempts) for day in days],
    }


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("model", FUNNELS)
@pytest.mark.parametrize(("dimension", "column"), [("country", "country"), ("device.type", "device_type")])
def test_a_funnel_mart_is_what_the_command_line_says(
    built: LoadedWorld, project: str, model: str, dimension: str, column: str
) -> None:
    funnel = declared_funnel(built.manifest["nodes"][f"model.millrace.{model}"]["config"]["meta"]["journey"], project)
    first, last, steps = date(2026, 3, 2), date(2026, 5, 17), len(funnel.steps)
    answer = asked(
        built, project, funnel, "--by", dimension, "--trend", "week", "--from", str(first), "--to", str(last)
    )
    attempts = [a for a in attempts_of(built.instance, model, project) if first <= a.local_date <= last]
    best = best_of_people(attempts)
    assert len(best) > 5 or project == "demo_mobile", "the small project has few people, and no pages"
    assert [step["users"] for step in answer["steps"]] == users(attempts, steps)
    assert by(best, column, steps) == {
        part["value"]: [step["users"] for step in part["steps"]] for part in answer["breakdown"]
    }
    weeks = {str(period_of(attempt.local_date, "week")) for attempt in attempts}
    trend = {row["period"]: (row["entered"], row["converted"]) for row in answer["trend"]}
    assert trend.keys() == weeks
    for week in weeks:
        reached = users([a for a in attempts if str(period_of(a.local_date, "week")) == week], steps)
        assert trend[week] == (reached[0], reached[-1]), week


@pytest.mark.parametrize("model", FUNNELS)
def test_an_attempt_has_the_channel_of_its_session(built: LoadedWorld, model: str) -> None:
    channel_of = {
        (project, person, started): channel
        for project, person, started, channel in built.instance.rows(
            "SELECT project_id, person_key, session_key, channel FROM marts.fct_sessions"
        )
    }
    rows = built.instance.rows(f"SELECT project_id, person_key, session_key, channel FROM marts.{model}")
    assert len({row[-1] for row in rows}) > 2
    assert all(channel_of[row[:-1]] == row[-1] for row in rows)


@pytest.mark.parametrize("model", FUNNELS)
def test_the_steps_of_the_manifest_are_those_of_the_sql(built: LoadedWorld, model: str) -> None:
    node = built.manifest["nodes"][f"model.millrace.{model}"]
    assert {"title", "owner", "tags", "good", "journey"} <= node["config"]["meta"].keys()
    assert all(step["label"] for step in node["config"]["meta"]["journey"]["steps"])
    funnel = declared_funnel(node["config"]["meta"]["journey"], "demo")
    bits = (f"ifNull({rendering.condition_sql(step)}, false) * {2**bit}" for bit, step in enumerate(funnel.steps))
    assert f"toUInt64({' + '.join(bits)}) as mask" in node["compiled_code"]
    assert f"<= entry.1[1].1 + {funnel.within_seconds * 1000}" in node["compiled_code"]
    assert rendering.condition_sql(funnel.steps[-1]) in node["compiled_code"]


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize(
    ("model", "kind", "name"),
    [
        ("retention_daily", "recurring", "daily_any_recurring_on"),
        ("retention_daily", "first_ever", "daily_any_first_ever_on"),
        ("retention_weekly", "recurring", "weekly_any_recurring_on"),
        ("retention_weekly", "first_ever", "weekly_any_first_ever_on"),
        ("retention_weekly_of_sign_ups", "first_ever", "weekly_sign_up_first_ever_on"),
    ],
)
def test_a_retention_mart_is_that_of_the_truths(
    built: LoadedWorld, project: str, model: str, kind: str, name: str
) -> None:
    truth = built.truths["projects"][project]["retention"][name]
    found = cohorts_of(built.instance, model, project, kind)
    # The truths tell a range, the mart everything.
    expected = {c["period"]: [c["size"], c["size"], *c["returned_after_1_and_more"]] for c in truth["cohorts"]}
    told = {period: row[: len(expected[period])] for period, row in found.items() if period in expected}
    assert told == {period: row for period, row in expected.items() if row[0]}
    assert any(any(row[2:]) for row in told.values())


def cohorts_of(instance: Instance, model: str, project: str, kind: str) -> dict[str, list[int]]:
    """Of each cohort: its members, then who was there at age 0, 1, 2, …"""
    cohorts: dict[str, list[int]] = {}
    for period, age, members, returned in instance.rows(
        f"SELECT toString(cohort_date), age, members, returned FROM marts.{model} "
        f"WHERE project_id = '{project}' AND kind = '{kind}' ORDER BY cohort_date, age"
    ):
        row = cohorts.setdefault(period, [members])
        assert len(row) == age + 1
        row.append(returned)
    return cohorts


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("kind", ["recurring", "first_ever"])
@pytest.mark.parametrize(("model", "period"), [("retention_daily", "day"), ("retention_weekly", "week")])
def test_a_retention_mart_is_what_the_command_line_says(
    built: LoadedWorld, project: str, kind: str, model: str, period: str
) -> None:
    (declared,) = {built.manifest["nodes"][f"model.millrace.{model}"]["config"]["meta"]["journey"]["periods"]}
    ((last,),) = built.instance.rows("SELECT toString(max(local_date)) FROM marts.fct_events")
    answer = built.instance.json(
        *("retention", "--project", project, "--start", "*", "--return", "*", "--period", period, "--kind", kind),
        *("--periods", str(declared), "--to", last),
    )
    assert cohorts_of(built.instance, model, project, kind) == {
        cohort["period"]: [cohort["size"], cohort["size"], *cohort["returned"]] for cohort in answer["cohorts"]
    }


@pytest.mark.parametrize("project", PROJECTS)
def test_the_lifecycle_mart_is_that_of_the_truths(built: LoadedWorld, project: str) -> None:
    names = ("new", "returning", "resurrecting", "dormant")
    columns = ", ".join(f"{name}_people" for name in names)
    rows = built.instance.rows(
        f"SELECT toString(period_date), is_complete, {columns} FROM marts.agg_lifecycle_weekly "
        f"WHERE project_id = '{project}'"
    )
    found = {week: dict(zip(names, counts, strict=True)) for week, _, *counts in rows}
    empty = dict.fromkeys(names, 0)
    expected = built.truths["projects"][project]["activity"]["lifecycle_per_week"]
    assert {week: found.get(week, empty) for week in expected} == expected
    last = date.fromisoformat(built.truths["projects"][project]["last_day"])
    assert {week for week, is_complete, *_ in rows if not is_complete} == {str(period_of(last, "week"))}


@pytest.mark.parametrize("project", PROJECTS)
def test_the_stickiness_of_june_is_that_of_the_last_30_days(built: LoadedWorld, project: str) -> None:
    assert built.truths["projects"][project]["last_day"] == "2026-06-30"
    rows = built.instance.rows(
        "SELECT days, people, is_complete FROM marts.agg_stickiness_monthly "
        f"WHERE project_id = '{project}' AND period_date = '2026-06-01'"
    )
    found = {days: people for days, people, _ in rows}
    truth = built.truths["projects"][project]["activity"]["active_days_of_the_last_30"]
    assert [found.get(days, 0) for days in range(1, 31)] == truth
    assert all(is_complete for *_, is_complete in rows)


@pytest.mark.parametrize("project", PROJECTS)
def test_adoption_is_what_looking_at_each_event_finds(built: LoadedWorld, project: str) -> None:
    named = {
        "report_viewed": "reports",
        "file_uploaded": "uploads",
        "integration_connected": "integrations",
        "teammate_invited": "invitations",
    }
    people: dict[tuple[str, str], set[int]] = defaultdict(set)
    uses: dict[tuple[str, str], int] = defaultdict(int)
    active: dict[str, set[int]] = defaultdict(set)
    for event, feature, person, day in built.instance.rows(
        "SELECT event, toString(properties.feature), person_key, local_date FROM marts.fct_events "
        f"WHERE project_id = '{project}'"
    ):
        week = str(period_of(day, "week"))
        active[week].add(person)
        if name := feature if event == "feature_used" else named.get(event):
            people[week, name].add(person)
            uses[week, name] += 1
    rows = built.instance.rows(
        "SELECT toString(local_date), feature, people, uses, active_people FROM marts.agg_feature_adoption "
        f"WHERE project_id = '{project}'"
    )
    assert {row[:2]: row[2:] for row in rows} == {
        key: (len(people[key]), uses[key], len(active[key[0]])) for key in people
    }
    per_type = built.truths["projects"][project]["events"]["per_type"]
    for event, name in named.items():
        assert sum(row[3] for row in rows if row[1] == name) == per_type.get(event, 0)


@pytest.mark.parametrize("project", PROJECTS)
def test_paths_are_what_the_command_line_says(built: LoadedWorld, project: str) -> None:
    answer = built.instance.json(
        *("paths", "--project", project, "--from-event", "signed_up", "--depth", "5", "--top", "1000")
    )
    rows = built.instance.rows(
        "SELECT step, from_event, to_event, toUInt64(sum(sessions)) FROM marts.agg_paths_after_sign_up "
        f"WHERE project_id = '{project}' GROUP BY ALL"
    )
    assert {row[:3]: row[3] for row in rows} == {
        (edge["step"], edge["from"], edge["to"] or ""): edge["sessions"] for edge in answer["edges"]
    }
    days = built.instance.rows(
        "SELECT local_date, sum(sessions) FROM marts.agg_paths_after_sign_up "
        f"WHERE project_id = '{project}' AND step = 1 GROUP BY 1"
    )
    per_day = built.truths["projects"][project]["events"]["per_type_and_day"]["signed_up"]
    first = date.fromisoformat(built.truths["projects"][project]["first_day"])
    assert dict(days) == {first + timedelta(days=n): count for n, count in enumerate(per_day) if count}
