"""What a build depends on besides events: a project's timezone, what user agents and referrers mean."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.arrivals import arrive, build, contents, start_anew, world_aside
from tests.support import Instance


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with world_aside(tmp_path_factory.mktemp("settings")) as own:
        yield own


def test_a_project_whose_timezone_changes_gets_other_days_everywhere(warehouse: Instance) -> None:
    start_anew(warehouse)
    arrive(warehouse, "true")
    build(warehouse)
    before = contents(warehouse)
    declared = warehouse.project_dir / "projects.yaml"
    text = declared.read_text()
    assert "Europe/Berlin" in text
    declared.write_text(text.replace("Europe/Berlin", "Asia/Tokyo"))
    assert warehouse.run("migrate").returncode == 0
    try:
        build(warehouse)
        after = contents(warehouse)
        assert warehouse.rows(
            "SELECT countIf(local_date != toDate(timestamp, 'Asia/Tokyo')), "
            "countIf(local_date != toDate(timestamp, 'UTC')) > 0 "
            "FROM marts.fct_events WHERE project_id = 'demo'"
        ) == [(0, True)]
        build(warehouse, full_refresh=True)
        assert contents(warehouse) == after != before
    finally:
        declared.write_text(text)
        assert warehouse.run("migrate").returncode == 0
    build(warehouse)
    assert contents(warehouse) == before


def test_a_new_project_makes_no_table_anew_unless_it_was_built_before_it_was_declared(warehouse: Instance) -> None:
    start_anew(warehouse)
    arrive(warehouse, "project_id = 'demo'")
    build(warehouse)
    before = _tables_that_grow(warehouse)
    assert {"fct_events", "fct_sessions", "fct_conversions", "funnel_signup", "int_identity_links"} <= before.keys()
    declared = warehouse.project_dir / "projects.yaml"
    text = declared.read_text()
    try:
        declared.write_text(
            f"{text}\n  - {{id: third, name: Third, timezone: Europe/Berlin, currency: USD, retention: 2y}}\n"
        )
        assert warehouse.run("migrate").returncode == 0
        _arrive_as(warehouse, "third", "sipHash64(event_id) % 2 = 0")
        build(warehouse)
        assert _tables_that_grow(warehouse) == before
        assert _days_of(warehouse, "third", "Europe/Berlin") == [(0, True)]
        grown = contents(warehouse)
        build(warehouse, full_refresh=True)
        assert contents(warehouse) == grown
        # Without its declaration its days are those of UTC, and they move back with it.
        for stands, zone in ((text, "UTC"), (declared.read_text(), "Europe/Berlin")):
            declared.write_text(stands)
            assert warehouse.run("migrate").returncode == 0
            build(warehouse)
            assert _days_of(warehouse, "third", zone) == [(0, True)]
        assert contents(warehouse) == grown
    finally:
        declared.write_text(text)
        assert warehouse.run("migrate").returncode == 0


def _tables_that_grow(own: Instance) -> dict[str, str]:
    """Those of days and collected ones, by what changes where a table takes the place of another."""
    return dict(
        own.rows(
            "SELECT name, toString(uuid) FROM system.tables WHERE database IN ('intermediate', 'marts') AND "
            "(partition_key != '' OR name IN ('int_identity_links', 'int_identity_days', 'int_changed_days'))"
        )
    )


def _arrive_as(own: Instance, project: str, condition: str) -> None:
    columns = [
        row[0]
        for row in own.rows(
            "SELECT name FROM system.columns WHERE database = 'raw' AND table = 'events' AND name != 'loaded_at'"
        )
    ]
    told = ", ".join(f"'{project}' AS project_id" if name == "project_id" else name for name in columns)
    own.client().command(
        f"INSERT INTO raw.events ({', '.join(columns)}) SELECT {told} FROM ops.arrivals AS them "
        f"WHERE them.project_id = 'demo' AND {condition}"
    )


def _days_of(own: Instance, project: str, timezone: str) -> list[tuple[object, ...]]:
    """How many events of the project are on another day than this timezone's; and whether that can be told."""
    return own.rows(
        f"SELECT countIf(local_date != toDate(timestamp, '{timezone}')), "
        "countIf(toDate(timestamp, 'UTC') != toDate(timestamp, 'Europe/Berlin')) > 0 "
        f"FROM marts.fct_events WHERE project_id = '{project}'"
    )


@pytest.mark.parametrize("declared", ["project_id = 'demo'", "false"], ids=["one project declared", "none"])
def test_days_of_an_undeclared_project_are_those_of_utc(warehouse: Instance, declared: str) -> None:
    """Also where all that are declared have one timezone."""
    start_anew(warehouse)
    client = warehouse.client()
    client.command("CREATE OR REPLACE TABLE ops.declared AS raw.projects")
    client.command("INSERT INTO ops.declared SELECT * FROM raw.projects")
    client.command(f"DELETE FROM raw.projects WHERE NOT ({declared})")
    try:
        arrive(warehouse, "project_id = 'demo_mobile'")
        build(warehouse)
        assert warehouse.rows(
            "SELECT count() > 100, countIf(local_date != toDate(timestamp, 'UTC')) FROM marts.fct_events"
        ) == [(True, 0)]
    finally:
        client.command("TRUNCATE TABLE raw.projects")
        client.command("INSERT INTO raw.projects SELECT * FROM ops.declared")


def test_new_rules_for_user_agents_are_noticed(warehouse: Instance) -> None:
    """As a load writes them: the same value again, under another version of the rules."""
    start_anew(warehouse)
    arrive(warehouse, "true")
    build(warehouse)
    ((agent, events),) = warehouse.rows(
        "SELECT context.user_agent, uniqExact(project_id, event_id) FROM raw.events WHERE context.user_agent IN "
        "(SELECT user_agent FROM raw.user_agents FINAL WHERE bot_kind = '') GROUP BY 1 ORDER BY 2 DESC LIMIT 1"
    )
    (bots,) = _bots(warehouse)
    _describe_anew(warehouse, agent, "'tool' AS bot_kind, 'newer' AS rules_version")
    try:
        build(warehouse)
        grown = contents(warehouse)
        assert _bots(warehouse) == (bots + events,)
        build(warehouse, full_refresh=True)
        assert contents(warehouse) == grown
    finally:
        _describe_anew(warehouse, agent, "'' AS bot_kind")


def test_what_a_load_describes_after_a_build_has_read_it_is_seen_by_the_next(warehouse: Instance) -> None:
    """A build may begin between the events of a load and its last step, which describes them."""
    start_anew(warehouse)
    client = warehouse.client()
    client.command("CREATE OR REPLACE TABLE ops.described AS raw.user_agents")
    client.command("INSERT INTO ops.described SELECT * FROM raw.user_agents FINAL")
    client.command("DELETE FROM raw.user_agents WHERE bot_kind != ''")
    arrive(warehouse, "true")
    build(warehouse)
    assert _bots(warehouse) == (0,)
    client.command("INSERT INTO raw.user_agents SELECT * FROM ops.described WHERE bot_kind != ''")
    build(warehouse)
    grown = contents(warehouse)
    assert _bots(warehouse) > (0,)
    build(warehouse, full_refresh=True)
    assert contents(warehouse) == grown


def _bots(own: Instance) -> tuple[int]:
    ((found,),) = own.rows("SELECT countIf(excluded = 'bot') FROM intermediate.int_events_sessionised")
    return (found,)


def _describe_anew(own: Instance, agent: str, replaced: str) -> None:
    own.client().command(
        f"INSERT INTO raw.user_agents SELECT * REPLACE ({replaced}, now64(3) AS described_at) "
        "FROM raw.user_agents FINAL WHERE user_agent = {agent:String}",
        parameters={"agent": agent},
    )
