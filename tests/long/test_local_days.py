"""Days are those of each project: where its last one is behind that of others, and where one of them has 23 hours.
Whatever comes late, a build gives what a full refresh gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.arrivals import build, contents
from tests.integration.loading import event, loaded, write_lines
from tests.support import Instance

BERLIN, NEW_YORK = "demo", "demo_mobile"
# In New York it is still June 15th when it is the 16th in Berlin, where events go on until July.
VIEWS = {
    NEW_YORK: [("ann", "2026-06-14T16:00"), ("bob", "2026-06-14T17:00"), ("ann", "2026-06-16T03:00")],
    BERLIN: [("cid", "2026-06-14T10:00"), ("cid", "2026-07-30T10:00"), ("cid", "2026-08-03T10:00")],
}
LATER_VIEW = ("bob", "2026-07-31T16:00")
TOLD_OF_NEW_YORK = {
    "retention": (
        "SELECT toString(cohort_date), arraySort(groupArray((age, returned))).2 FROM marts.retention_daily "
        "WHERE kind = 'recurring' AND {here} GROUP BY 1 ORDER BY 1"
    ),
    "lifecycle": (
        "SELECT toString(period_date), is_complete, new_people, returning_people, dormant_people "
        "FROM marts.agg_lifecycle_weekly WHERE {here} ORDER BY 1"
    ),
    "stickiness": (
        "SELECT toString(period_date), days, people, is_complete FROM marts.agg_stickiness_monthly "
        "WHERE {here} ORDER BY 2"
    ),
    "active": (
        "SELECT toString(local_date), daily_active_users, weekly_active_users, monthly_active_users "
        "FROM marts.agg_active_users WHERE {here} ORDER BY 1"
    ),
    "months": "SELECT toString(month) FROM marts.agg_monthly_recurring_revenue WHERE {here} ORDER BY 1",
}


@dataclass(frozen=True)
class Case:
    """Events of one session id as hours and minutes after ten to midnight; on the day behind it an hour is put forward.
    So 24:00 is ten to one on the third day."""

    project: str
    ten_to_midnight: str  # in UTC
    at_first: str
    late: str
    sessions: dict[str, int]  # events of each session, by when it began

    def instant(self, clock: str) -> datetime:
        hours, _, minutes = clock.partition(":")
        begin = datetime.fromisoformat(self.ten_to_midnight)
        return begin + timedelta(hours=int(hours), minutes=int(minutes))


# What is late comes on the first day in New York, on the third in Berlin: days that are made anew for another case
# would hide that its own are not.
SESSIONS = {
    "over three days, with a late event at its end": Case(
        BERLIN, "2026-03-28T22:50", "0:00 11:10 23:20", "23:19", {"0:00": 4}
    ),
    "over three days, with a late end": Case(BERLIN, "2026-03-28T22:50", "0:00", "23:20", {"0:00": 2}),
    "over three days, with a late begin": Case(NEW_YORK, "2026-03-08T04:50", "23:30 23:55", "0:00", {"0:00": 3}),
    "cut on the fourth day": Case(NEW_YORK, "2026-03-08T04:50", "23:50 47:45", "0:00", {"0:00": 2, "47:45": 1}),
    "cut 24 hours behind a late event": Case(
        BERLIN, "2026-05-10T22:50", "23:59 47:58", "0:00", {"0:00": 2, "47:58": 1}
    ),
}


@dataclass
class Warehouse:
    instance: Instance
    told: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)  # after the first build
    retention: list[dict[str, Any]] = field(default_factory=list)  # what the command answered then

    def rows(self, name: str) -> list[tuple[Any, ...]]:
        return self.instance.rows(TOLD_OF_NEW_YORK[name].format(here=f"project_id = '{NEW_YORK}'"))


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    folder = tmp_path_factory.mktemp("local_days")
    with Instance(folder / "millrace") as own:
        own.up()
        paid = folder / "subscriptions.csv"
        paid.write_text(
            "project_id,subscription_id,user_id,plan,amount,currency,status,started_at,updated_at\n"
            f"{NEW_YORK},s,ann,pro,29,USD,active,2026-05-10T00:00:00Z,2026-05-10T00:00:00Z\n"
        )
        assert own.json("sources", "load", f"--file=subscriptions={paid}")[0]["accepted"] == 1
        views = [view(project, *seen) for project, all_seen in VIEWS.items() for seen in all_seen]
        load(own, folder / "at_first.jsonl", views + in_sessions("at_first"))
        build(own)
        found = Warehouse(own)
        found.told = {name: found.rows(name) for name in TOLD_OF_NEW_YORK}
        asked = ("--project", NEW_YORK, "--start", "*", "--return", "*", "--period", "day", "--from", "2026-06-01")
        found.retention = own.json("retention", *asked)["cohorts"]
        load(own, folder / "late.jsonl", [view(NEW_YORK, *LATER_VIEW), *in_sessions("late")])
        build(own)
        yield found


def load(own: Instance, path: Path, events: list[dict[str, Any]]) -> None:
    assert loaded(own, write_lines(path, events))["accepted"] == len(events)


def view(project: str, person: str, at: str, **more: Any) -> dict[str, Any]:
    told = {"project_id": project, "event_id": f"{person} {at}", "user_id": person, "original_timestamp": f"{at}:00Z"}
    received = "2026-08-10T00:00:00.000Z"
    return event(0, **told, sent_at=received, received_at=received, **more)


def in_sessions(when: str) -> list[dict[str, Any]]:
    """Who begins a session signs up, so that paths begin there."""
    events = []
    for person, case in SESSIONS.items():
        for clock in getattr(case, when).split():
            at = f"{case.instant(clock):%Y-%m-%dT%H:%M}"
            sign_up = {"event": "signed_up", "message_type": "track", "properties": {"method": "email"}}
            events.append(view(case.project, person, at, session_id="s", **(sign_up if clock == "0:00" else {})))
    return events


def test_a_project_is_told_up_to_its_own_last_day(warehouse: Warehouse) -> None:
    """What is over elsewhere is not over: nobody has failed to come back, or is away."""
    retention = [row for row in warehouse.told["retention"] if row[0] > "2026-06"]
    assert retention == [("2026-06-14", [2, 1]), ("2026-06-15", [1])]
    assert retention == [(cohort["period"], [cohort["size"], *cohort["returned"]]) for cohort in warehouse.retention]
    assert [row for row in warehouse.told["lifecycle"] if row[0] > "2026-06"] == [
        ("2026-06-08", True, 2, 0, 0),
        ("2026-06-15", False, 0, 1, 1),
    ]
    assert [row for row in warehouse.told["stickiness"] if row[0] == "2026-06-01"] == [
        ("2026-06-01", 1, 1, False),
        ("2026-06-01", 2, 1, False),
    ]
    active = [row for row in warehouse.told["active"] if row[0] > "2026-06"]
    assert active == [("2026-06-14", 2, 2, 2), ("2026-06-15", 1, 2, 2)]
    assert warehouse.told["months"] == [("2026-05-01",), ("2026-06-01",)]


def test_days_without_anybody_are_told_once_there_is_a_later_one(warehouse: Warehouse) -> None:
    active = {day: counts for day, *counts in warehouse.rows("active")}
    assert active["2026-06-21"] == [0, 1, 2]
    assert active["2026-07-13"] == [0, 0, 2]
    assert active["2026-07-14"] == [0, 0, 1]
    assert "2026-07-15" not in active, "nobody was there in the 30 days up to it"
    assert max(active) == "2026-07-31"
    assert warehouse.rows("months")[-2:] == [("2026-06-01",), ("2026-07-01",)]


@pytest.mark.parametrize("person", SESSIONS)
def test_a_late_event_changes_its_session_on_every_day_of_it(warehouse: Warehouse, person: str) -> None:
    sessions = warehouse.instance.rows(
        f"SELECT toDateTime(started_at, 'UTC'), events FROM marts.fct_sessions WHERE person_id = '{person}'"
    )
    case = SESSIONS[person]
    assert dict(sessions) == {case.instant(clock): events for clock, events in case.sessions.items()}


def test_a_full_refresh_changes_nothing(warehouse: Warehouse) -> None:
    grown = contents(warehouse.instance)
    build(warehouse.instance, full_refresh=True)
    refreshed = contents(warehouse.instance)
    assert {name for name in grown if grown[name] != refreshed[name]} == set()
