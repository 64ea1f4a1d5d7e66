"""What a build depends on besides events: a project's timezone, what user agents and referrers mean.

One chain of builds: each part of it goes on where the one before it stopped. What the builds must be like is compared
with a full refresh, and with what was there before a setting was changed and put back.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.arrivals import (
    FORTY_DAYS,
    arrive,
    build,
    changed,
    columns_of_events,
    contents,
    world_aside,
)
from tests.support import Instance

# The third project has events on the first days only: those behind are made anew for nobody but who was described.
OF_THE_THIRD = "sipHash64(event_id) % 2 = 0 AND them.timestamp < '2026-03-20'"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with world_aside(tmp_path_factory.mktemp("settings"), until=FORTY_DAYS) as own:
        yield own


def test_settings_that_change_between_builds_change_what_was_made_by_the_old_ones(warehouse: Instance) -> None:
    _describes_after_a_build_has_read(warehouse)
    _declares_a_third_project(warehouse)
    _moves_to_tokyo_and_back(warehouse)
    _undeclares_and_declares_again(warehouse)
    _has_new_rules_for_user_agents(warehouse)


def _describes_after_a_build_has_read(own: Instance) -> None:
    """A build may begin between the events of a load and its last step, which describes them."""
    client = own.client()
    client.command("CREATE OR REPLACE TABLE ops.described AS raw.user_agents")
    client.command("INSERT INTO ops.described SELECT * FROM raw.user_agents FINAL")
    client.command("DELETE FROM raw.user_agents WHERE bot_kind != ''")
    arrive(own, "true")
    build(own)
    assert _bots(own) == 0
    client.command("INSERT INTO raw.user_agents SELECT * FROM ops.described WHERE bot_kind != ''")
    build(own)
    assert _bots(own) > 0


def _declares_a_third_project(own: Instance) -> None:
    """No table is made anew for it."""
    before = _tables_that_grow(own)
    assert {"fct_events", "fct_sessions", "fct_conversions", "funnel_signup", "int_identity_links"} <= before.keys()
    declared = own.project_dir / "projects.yaml"
    _declare(
        own,
        f"{declared.read_text()}\n"
        "  - {id: third, name: Third, timezone: Europe/Berlin, currency: USD, retention: 2y}\n",
    )
    columns = columns_of_events(own)
    told = ", ".join("'third' AS project_id" if name == "project_id" else name for name in columns)
    own.client().command(
        f"INSERT INTO raw.events ({', '.join(columns)}) SELECT {told} FROM ops.arrivals AS them "
        f"WHERE them.project_id = 'demo' AND {OF_THE_THIRD}"
    )
    build(own)
    assert _tables_that_grow(own) == before
    assert _events_on_other_days(own, "third", "Europe/Berlin") == 0
    assert _events_on_other_days(own, "third", "UTC") > 0


def _moves_to_tokyo_and_back(own: Instance) -> None:
    """What was built under the first timezone is compared with what is made anew when it is back, of tables that a full
    refresh made: so what the bots' late descriptions and the third project changed is told here, too."""
    before = contents(own)
    text = (own.project_dir / "projects.yaml").read_text()
    demo = text.partition("id: third")[0]
    assert demo.count("Europe/Berlin") == 1
    _declare(own, text.replace("Europe/Berlin", "Asia/Tokyo", 1))
    build(own)
    assert _events_on_other_days(own, "demo", "Asia/Tokyo") == 0
    assert _events_on_other_days(own, "demo", "UTC") > 0
    assert _events_on_other_days(own, "third", "Europe/Berlin") == 0
    in_tokyo = contents(own)
    assert len(changed(before, in_tokyo)) > 20
    build(own, full_refresh=True)
    assert changed(in_tokyo, contents(own)) == []

    _declare(own, text)
    build(own)
    assert changed(before, contents(own)) == []


def _undeclares_and_declares_again(own: Instance) -> None:
    """Days of an undeclared project are those of UTC: also where the declared ones have one timezone, or none is."""
    before = contents(own)
    text = (own.project_dir / "projects.yaml").read_text()
    _declare(own, text.partition("\n  - {id: third")[0])
    build(own, "+fct_events")
    assert _events_on_other_days(own, "third", "UTC") == 0
    assert _events_on_other_days(own, "third", "Europe/Berlin") > 0
    assert _events_on_other_days(own, "demo_mobile", "UTC") > 0

    for left, gone in (("project_id = 'demo'", ["demo_mobile"]), ("false", ["demo_mobile", "demo"])):
        own.client().command(f"DELETE FROM raw.projects WHERE NOT ({left})")
        build(own, "+fct_events")
        for project in (*gone, "third"):
            assert _events_on_other_days(own, project, "UTC") == 0, (left, project)

    _declare(own, text)
    build(own, "+fct_events")
    assert _events_on_other_days(own, "third", "Europe/Berlin") == 0
    assert changed(before, contents(own)) == []


def _has_new_rules_for_user_agents(own: Instance) -> None:
    """As a load writes them: the same value again, under another version of the rules."""
    select = ("+fct_events", "+fct_sessions", "+dim_devices")
    ((agent, events),) = own.rows(
        "SELECT context.user_agent, uniqExact(project_id, event_id) FROM raw.events WHERE context.user_agent IN "
        "(SELECT user_agent FROM raw.user_agents FINAL WHERE bot_kind = '') GROUP BY 1 ORDER BY 2 DESC LIMIT 1"
    )
    bots = _bots(own)
    own.client().command(
        "INSERT INTO raw.user_agents SELECT * REPLACE "
        "('tool' AS bot_kind, 'newer' AS rules_version, now64(3) AS described_at) "
        "FROM raw.user_agents FINAL WHERE user_agent = {agent:String}",
        parameters={"agent": agent},
    )
    build(own, *select)
    grown = contents(own)
    assert _bots(own) == bots + events
    build(own, *select, full_refresh=True)
    assert changed(grown, contents(own)) == []


def _declare(own: Instance, text: str) -> None:
    (own.project_dir / "projects.yaml").write_text(text)
    assert own.run("migrate").returncode == 0


def _tables_that_grow(own: Instance) -> dict[str, str]:
    """Those of days and collected ones, by what changes where a table takes the place of another."""
    return dict(
        own.rows(
            "SELECT name, toString(uuid) FROM system.tables WHERE database IN ('intermediate', 'marts') AND "
            "(partition_key != '' OR name IN ('int_identity_links', 'int_identity_days', 'int_changed_days'))"
        )
    )


def _events_on_other_days(own: Instance, project: str, timezone: str) -> int:
    """Of a project that has some: how many of its events are on another day than they have in this timezone."""
    ((events, other),) = own.rows(
        f"SELECT count(), countIf(local_date != toDate(timestamp, '{timezone}')) "
        f"FROM marts.fct_events WHERE project_id = '{project}'"
    )
    assert events > 100
    return int(other)


def _bots(own: Instance) -> int:
    ((found,),) = own.rows("SELECT countIf(excluded = 'bot') FROM intermediate.int_events_sessionised")
    return int(found)
