"""What the simulator knows of views, conversions, errors, devices and countries, found in the star of events."""

from __future__ import annotations

from collections import Counter

import pyarrow.parquet as pq
import pytest

from tests.truths.conftest import LoadedWorld

PROJECTS = ("demo", "demo_mobile")
FACTS = {
    "fct_page_views": ("page_viewed", "screen_viewed"),
    "fct_conversions": ("signed_up", "subscription_started", "order_completed"),
    "fct_errors": ("error_occurred",),
}


@pytest.mark.parametrize("project", PROJECTS)
@pytest.mark.parametrize("fact", FACTS)
def test_each_fact_has_its_events_of_every_day(built: LoadedWorld, fact: str, project: str) -> None:
    truth = built.truths["projects"][project]["events"]
    per_day = zip(
        *(truth["per_type_and_day"].get(name, [0] * len(truth["per_day"])) for name in FACTS[fact]), strict=True
    )
    expected = {day: sum(counts) for day, counts in zip(truth["per_day"], per_day, strict=True) if sum(counts)}
    sql = f"SELECT toString(local_date), count() FROM marts.{fact} WHERE project_id = '{project}' GROUP BY 1"
    assert expected
    assert dict(built.instance.rows(sql)) == expected


@pytest.mark.parametrize("project", PROJECTS)
def test_every_session_is_entered_and_left_once(built: LoadedWorld, project: str) -> None:
    truth = pq.read_table(built.folder / "truths" / "sessions.parquet", columns=["project_id", "views"]).to_pylist()
    views = [row["views"] for row in truth if row["project_id"] == project]
    with_views = sum(count > 0 for count in views)
    found = built.instance.rows(
        "SELECT countIf(is_entry), countIf(is_exit), countIf(time_on_page_ms IS NULL), max(view_number), count() "
        f"FROM marts.fct_page_views WHERE project_id = '{project}'"
    )
    assert found == [(with_views, with_views, with_views, max(views), sum(views))]


@pytest.mark.parametrize("project", PROJECTS)
def test_conversions_come_from_the_channels_of_their_sessions(built: LoadedWorld, project: str) -> None:
    columns = ["project_id", "conversions", "channel"]
    expected: Counter[str] = Counter()
    for row in pq.read_table(built.folder / "truths" / "sessions.parquet", columns=columns).to_pylist():
        if row["project_id"] == project and row["conversions"]:
            expected[row["channel"]] += row["conversions"]
    sql = f"SELECT channel, count() FROM marts.fct_conversions WHERE project_id = '{project}' GROUP BY channel"
    assert dict(built.instance.rows(sql)) == expected


@pytest.mark.parametrize(
    ("attribute", "dimension", "key"),
    [
        ("device_type", "dim_devices", "device_key"),
        ("country", "dim_geo", "geo_key"),
        ("channel", "dim_sessions", "session_key"),
        ("campaign", "dim_campaigns", "campaign_key"),
    ],
)
def test_sessions_through_a_dimension_are_those_of_the_truths(
    built: LoadedWorld, attribute: str, dimension: str, key: str
) -> None:
    columns = ["project_id", attribute]
    truth = pq.read_table(built.folder / "truths" / "sessions.parquet", columns=columns).to_pylist()
    expected = Counter((row["project_id"], row[attribute] or "unknown") for row in truth)
    named = "campaign_name" if attribute == "campaign" else attribute
    found = built.instance.rows(
        f"SELECT sessions.project_id, dimension.{named}, count() FROM marts.fct_sessions AS sessions "
        f"INNER JOIN marts.{dimension} AS dimension ON dimension.{key} = sessions.{key} GROUP BY ALL"
    )
    assert {(project, value): count for project, value, count in found} == expected


@pytest.mark.parametrize("project", PROJECTS)
def test_event_types_that_were_seen_are_those_that_were_sent(built: LoadedWorld, project: str) -> None:
    truth = built.truths["projects"][project]["events"]["per_type"]
    sql = f"SELECT event FROM marts.dim_event_types WHERE project_id = '{project}' AND first_seen_on IS NOT NULL"
    assert {row[0] for row in built.instance.rows(sql)} == {name for name, count in truth.items() if count}


def test_the_identity_map_is_that_of_the_truths(built: LoadedWorld) -> None:
    truth = pq.read_table(built.folder / "truths" / "identities.parquet").to_pylist()
    expected = {(row["project_id"], row["anonymous_id"], row["person_id"], row["is_known"]) for row in truth}
    columns = "project_id, anonymous_id, person_id, is_identified"
    found = built.instance.rows(f"SELECT {columns} FROM marts.dim_anonymous_users WHERE anonymous_key != 0")
    assert len(found) == len(expected)
    assert set(found) == expected


@pytest.mark.parametrize("project", PROJECTS)
def test_hourly_counts_are_all_that_was_accepted_bots_and_internal_users_too(built: LoadedWorld, project: str) -> None:
    events = built.truths["projects"][project]["events"]
    counted, excluded = events["counted"], events["left_out"]["bots"] + events["left_out"]["internal"]
    sql = f"SELECT sum(events) FROM marts.agg_hourly_events WHERE project_id = '{project}'"
    assert built.instance.rows(sql, "analyst") == [(counted + excluded,)]
