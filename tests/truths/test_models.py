"""What the simulator knows to be true of its world, found in the models after a build."""

from __future__ import annotations

from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.truths.conftest import LoadedWorld

PROJECTS = ("demo", "demo_mobile")


@pytest.mark.parametrize("project", PROJECTS)
def test_events_that_count_are_those_of_the_truths(built: LoadedWorld, project: str) -> None:
    truth = built.truths["projects"][project]["events"]
    per_type = built.instance.rows(
        f"SELECT event, count() FROM marts.fct_events WHERE project_id = '{project}' GROUP BY event"
    )
    assert dict(per_type) == {name: count for name, count in truth["per_type"].items() if count}
    per_day = built.instance.rows(
        f"SELECT toString(local_date), count() FROM marts.fct_events WHERE project_id = '{project}' GROUP BY 1"
    )
    assert dict(per_day) == {day: count for day, count in truth["per_day"].items() if count}


@pytest.mark.parametrize("project", PROJECTS)
def test_what_is_left_out_is_left_out_for_its_reason(built: LoadedWorld, project: str) -> None:
    truth = built.truths["projects"][project]["events"]["left_out"]
    found = dict(
        built.instance.rows(
            "SELECT excluded, count() FROM intermediate.int_events_sessionised "
            f"WHERE project_id = '{project}' AND excluded != '' GROUP BY excluded"
        )
    )
    assert found == {"bot": truth["bots"], "internal": truth["internal"]}


def test_nothing_personal_is_in_the_marts(built: LoadedWorld) -> None:
    """Also where the project is not strict: raw keeps it, for those who may read raw."""
    sent = built.instance.rows(
        "SELECT DISTINCT properties.email, properties.name FROM raw.events "
        "WHERE project_id = 'demo' AND event = 'identify'"
    )
    texts = [str(text) for row in sent for text in row if text]
    assert len(texts) > 20
    for table in ("fct_events", "fct_sessions"):
        for start in range(0, len(texts), 200):
            found = built.instance.client().query(
                f"SELECT count() FROM marts.{table} WHERE multiSearchAny(toString(tuple(*)), {{texts:Array(String)}})",
                parameters={"texts": texts[start : start + 200]},
            )
            assert found.result_rows == [(0,)], table


def test_anonymous_ids_belong_to_whom_they_belong(built: LoadedWorld) -> None:
    truth = pq.read_table(built.folder / "truths" / "identities.parquet").to_pylist()
    expected = {(row["project_id"], row["anonymous_id"]): row["person_id"] for row in truth}
    found = {
        (project, anonymous): user
        for project, anonymous, user in built.instance.rows("SELECT * FROM intermediate.int_anonymous_users")
    }
    persons = {key: found.get(key, key[1]) for key in expected}
    assert persons == expected


def test_every_session_is_the_session_of_the_truths(built: LoadedWorld) -> None:
    columns = ("project_id", "person_id", "started_at", "ended_at", "local_date", "events", "views", "conversions")
    columns += ("channel", "campaign", "device_type", "country")
    truth = pq.read_table(built.folder / "truths" / "sessions.parquet", columns=list(columns)).to_pylist()
    found = built.instance.rows(
        f"SELECT {', '.join('campaign_name' if name == 'campaign' else name for name in columns)} "
        "FROM marts.fct_sessions"
    )
    assert sorted(map(_plain, found)) == sorted(_plain(tuple(row[name] for name in columns)) for row in truth)


@pytest.mark.parametrize("project", PROJECTS)
def test_active_users_are_those_of_the_truths(built: LoadedWorld, project: str) -> None:
    truth = built.truths["projects"][project]["activity"]
    rows = built.instance.rows(
        "SELECT toString(local_date), daily_active_users, weekly_active_users, monthly_active_users "
        f"FROM marts.agg_active_users WHERE project_id = '{project}'"
    )
    found = {day: counts for day, *counts in rows}
    for number, name in enumerate(("dau", "wau", "mau")):
        assert {day: found.get(day, [0, 0, 0])[number] for day in truth[name]} == truth[name]


def _plain(row: tuple[Any, ...]) -> tuple[str, ...]:
    # Instants of Parquet know their timezone, those of the client do not: both are UTC.
    return tuple(str(value).removesuffix("+00:00") for value in row)
