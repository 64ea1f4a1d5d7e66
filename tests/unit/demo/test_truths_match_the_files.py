"""truths.json against the files themselves, counted again the slow way (recount.py)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ingestion.registry import load_registry
from ingestion.validation import event_problems
from tests.unit.demo import recount
from tests.unit.demo.recount import Event

PROJECTS = ("demo", "demo_mobile")


@pytest.fixture(scope="module")
def files(folder: Path, truths: Any) -> dict[str, list[Event]]:
    keys = {project["write_key"]: name for name, project in truths["projects"].items()}
    return {file["path"]: recount.read(folder / file["path"], keys) for file in truths["load"]["files"]}


@pytest.fixture(scope="module")
def distinct(files: dict[str, list[Event]]) -> dict[str, list[Event]]:
    events = recount.distinct([event for lines in files.values() for event in lines])
    return {name: [event for event in events if event["project_id"] == name] for name in PROJECTS}


@pytest.fixture(scope="module")
def counted(distinct: dict[str, list[Event]]) -> dict[str, list[Event]]:
    return {name: recount.counted(events)[0] for name, events in distinct.items()}


def test_every_file_is_in_the_truths_with_its_lines(folder: Path, truths: Any, files: dict[str, list[Event]]) -> None:
    on_disk = {path.relative_to(folder).as_posix() for path in (folder / "events").rglob("*") if path.is_file()}
    assert on_disk == set(files)
    for file in truths["load"]["files"]:
        events = files[file["path"]]
        projects = Counter(event["project_id"] for event in events if event.get("consent_analytics") is not False)
        assert (file["lines"], file["accepted"]) == (len(events), dict(projects)), file["path"]
        refused = len(events) - projects.total()
        assert file["rejected"] == ({"no_consent": refused} if refused else {}), file["path"]
    assert truths["load"]["received"] == sum(len(events) for events in files.values())


def test_every_event_keeps_the_contract(files: dict[str, list[Event]]) -> None:
    registry = load_registry()
    for path, events in files.items():
        for event in events:
            sent = {key: value for key, value in event.items() if key != "at"}
            assert not event_problems(sent, registry, PROJECTS), (path, event)


def test_every_event_type_is_registered(distinct: dict[str, list[Event]]) -> None:
    registry = load_registry()
    assert {event["event"] for events in distinct.values() for event in events} <= {*registry}


@pytest.mark.parametrize("project", PROJECTS)
def test_repeats(project: str, truths: Any, files: dict[str, list[Event]], distinct: dict[str, list[Event]]) -> None:
    lines = [event for events in files.values() for event in events if event["project_id"] == project]
    repeated = truths["load"]["repeated"][project]
    assert truths["projects"][project]["events"]["distinct"] == len(distinct[project])
    assert len(lines) - len(distinct[project]) == repeated["exact"] + repeated["sent_again"]
    # Whatever is repeated, it happened at the same time and says the same.
    first: dict[str, Event] = {}
    for event in lines:
        known = first.setdefault(event["event_id"], event)
        for key in ("at", "event", "user_id", "anonymous_id", "session_id", "context"):
            assert event.get(key) == known.get(key)
        assert event.get("properties", {}) == known.get("properties", {})


def test_what_is_sent_again_is_in_another_file_later(files: dict[str, list[Event]]) -> None:
    received: dict[str, set[tuple[str, str]]] = {}
    for path, events in files.items():
        for event in events:
            if path.startswith("events/canonical/"):
                received.setdefault(event["event_id"], set()).add((path, event["received_at"]))
    again = [copies for copies in received.values() if len(copies) > 1]
    assert len(again) > 10
    for copies in again:
        paths, times = zip(*copies, strict=True)
        assert len(set(paths)) == len(set(times)) == 2
        assert {path.rpartition(".")[2] for path in paths} == {"gz", "parquet"}


@pytest.mark.parametrize("project", PROJECTS)
def test_what_counts(
    project: str, truths: Any, distinct: dict[str, list[Event]], counted: dict[str, list[Event]]
) -> None:
    stated = truths["projects"][project]["events"]
    zone = ZoneInfo(truths["projects"][project]["timezone"])
    kept, left_out = recount.counted(distinct[project])
    assert (stated["counted"], stated["left_out"]) == (len(kept), left_out)
    assert project != "demo" or min(left_out.values()) > 0, "each reason occurs"
    assert stated["per_type"] == dict(Counter(event["event"] for event in kept))
    assert stated["distinct_per_type"] == dict(
        Counter(event["event"] for event in distinct[project] if event.get("consent_analytics") is not False)
    )
    per_day = Counter(recount.local_day(event, zone) for event in kept)
    assert stated["per_day"] == {day: per_day[day] for day in stated["per_day"]}
    assert per_day.total() == sum(stated["per_day"].values())


@pytest.mark.parametrize("project", PROJECTS)
def test_people_and_active_users(project: str, truths: Any, counted: dict[str, list[Event]]) -> None:
    stated, events = truths["projects"][project], counted[project]
    zone = ZoneInfo(stated["timezone"])
    users = {event["user_id"] for event in events if "user_id" in event}
    people = {event["person"] for event in events}
    assert stated["identity"]["people"] == len(people)
    assert stated["identity"]["known_users"] == len({person for person in people if person.startswith("u_")})
    assert users <= people
    active: dict[str, set[str]] = {}
    for event in events:
        active.setdefault(recount.local_day(event, zone), set()).add(event["person"])
    activity = stated["activity"]
    assert activity["dau"] == {day: len(active.get(day, set())) for day in activity["dau"]}
    for name, window in (("wau", 7), ("mau", 30)):
        for day in list(activity[name])[::17]:
            days = [active.get(recount.day_after(day, -back), set()) for back in range(window)]
            assert activity[name][day] == len(set().union(*days)), (name, day)


@pytest.mark.parametrize("project", PROJECTS)
def test_sessions(project: str, truths: Any, counted: dict[str, list[Event]]) -> None:
    stated = truths["projects"][project]["sessions"]
    zone = ZoneInfo(truths["projects"][project]["timezone"])
    found = recount.sessions(recount.by_person(counted[project]))
    assert stated["count"] == len(found)
    assert stated["duration_ms"] == sum((s[-1]["at"] - s[0]["at"]) // timedelta(milliseconds=1) for s in found)
    assert stated["views"] == sum(event["message_type"] in ("page", "screen") for s in found for event in s)
    per_day = Counter(recount.local_day(session[0], zone) for session in found)
    assert stated["per_day"] == {day: per_day[day] for day in stated["per_day"]}
    sizes = Counter(len(session) for session in found)
    assert stated["events_per_session"] == {str(size): sizes[size] for size in sorted(sizes)}


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("name", ["signup", "pricing_signup", "purchase", "activation", "subscription"])
@pytest.mark.parametrize("order", ["ordered", "ordered_1_hour", "strict"])
def test_funnels(project: str, name: str, order: str, truths: Any, counted: dict[str, list[Event]]) -> None:
    stated = truths["projects"][project]["funnels"][f"{name}_{order}"]
    within = timedelta(hours=1) if order == "ordered_1_hour" else timedelta(days=14)
    reached = [
        recount.furthest(events, stated["steps"], within, strict=order == "strict")
        for events in recount.by_person(counted[project]).values()
    ]
    assert stated["users"] == [sum(r >= step for r in reached) for step in range(1, len(stated["steps"]) + 1)]


@pytest.mark.parametrize("project", PROJECTS)
def test_weekly_retention(project: str, truths: Any, counted: dict[str, list[Event]]) -> None:
    stated = truths["projects"][project]["retention"]["weekly_sign_up_first_ever_on"]
    zone = ZoneInfo(truths["projects"][project]["timezone"])
    weeks = [cohort["period"] for cohort in stated["cohorts"]]

    def week(event: Event) -> str:
        local = event["at"].astimezone(zone).date()
        return str(local - timedelta(days=local.weekday()))

    cohorts: dict[str, list[Counter[str]]] = {}
    for events in recount.by_person(counted[project]).values():
        signed_up = next((event for event in events if event["event"] == "signed_up"), None)
        if signed_up:
            cohorts.setdefault(week(signed_up), []).append(Counter(week(event) for event in events))
    assert sum(cohort["size"] for cohort in stated["cohorts"]) > 0
    for number, cohort in enumerate(stated["cohorts"]):
        members = cohorts.get(cohort["period"], [])
        later = [sum(other in active for active in members) for other in weeks[number + 1 :]]
        assert (cohort["size"], cohort["returned_after_1_and_more"]) == (len(members), later)


@pytest.mark.parametrize("project", PROJECTS)
def test_orders(project: str, truths: Any, counted: dict[str, list[Event]], folder: Path) -> None:
    stated = truths["projects"][project]["orders"]["completed"]
    zone = ZoneInfo(truths["projects"][project]["timezone"])
    rates = _rates(folder, truths["projects"][project]["currency"])
    sent: dict[str, list[Decimal]] = {}
    revenue, without = Decimal(0), 0
    for event in counted[project]:
        if event["event"] != "order_completed":
            continue
        said = event["properties"]
        value = Decimal(str(said["revenue"]))
        items = sum(Decimal(str(one["price"])) * one["quantity"] for one in said["products"])
        assert value == items - Decimal(str(said.get("discount", 0)))
        sent.setdefault(said["currency"], []).append(value)
        rate = rates.get((recount.local_day(event, zone), said["currency"]))
        without += rate is None
        revenue += value * (rate or 0)
    assert stated["count"] == sum(map(len, sent.values()))
    assert {currency: (one["count"], Decimal(one["revenue"])) for currency, one in stated["per_currency"].items()} == {
        currency: (len(values), sum(values)) for currency, values in sent.items()
    }
    assert (Decimal(stated["revenue"]), stated["without_rate"]) == (revenue, without)


def _rates(folder: Path, currency: str) -> dict[tuple[str, str], Decimal]:
    rows = (folder / "sources" / "currency_rates.csv").read_text(encoding="utf-8").splitlines()[1:]
    cells = [[cell.strip('"') for cell in row.split(",")] for row in rows]
    return {(day, sent): Decimal(rate) for day, sent, own, rate in cells if own == currency}


@pytest.mark.parametrize("project", PROJECTS)
def test_experiments(project: str, truths: Any, counted: dict[str, list[Event]]) -> None:
    stated = truths["projects"][project]["experiments"]
    people = recount.by_person(counted[project])
    for name, experiment in stated.items():
        exposed: Counter[str] = Counter()
        reached: Counter[str] = Counter()
        for events in people.values():
            first = next((e for e in events if e.get("properties", {}).get("experiment_id") == name), None)
            if first is None:
                continue
            arm = first["properties"]["variant"]
            exposed[arm] += 1
            reached[arm] += any(e["event"] == experiment["goal"] and e["at"] >= first["at"] for e in events)
        arms = experiment["arms"]
        assert {arm: (one["exposed"], one["reached_goal"]) for arm, one in arms.items()} == {
            arm: (exposed[arm], reached[arm]) for arm in arms
        }
