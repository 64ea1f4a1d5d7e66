"""Two servers of the wheel as two shards: whatever is loaded, built and asked gives what a single node gives."""

from __future__ import annotations

import gzip
import json
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from ingestion.demo import World, generate
from tests.integration.arrivals import MEANING, build
from tests.integration.loading import event, write_lines
from tests.support import Instance
from warehouse.dbt import build_arguments, run
from warehouse.migrate import load_steps
from warehouse.private_files import private_folder

USERS = (
    *("admin", "engineer", "loader", "analyst", "historian", "observer", "alerter", "monitor"),
    *("modeler", "exporter", "bi"),
)
SINCE = "2026-06-08"  # a table of days costs by its days
# When something was done is another moment on each.
MOMENTS = ("received_at", "loaded_at", "last_loaded_at", "changed_at", "written_at")
NAME = "two"
EVENTS = "SELECT count() FROM raw.events"
QUESTIONS: list[list[str]] = [
    ["funnel", "--step", "page_viewed", "--step", "signup_started", "--step", "signed_up"],
    ["funnel", "--step", "page_viewed", "--step", "signed_up", "--by", "user.plan"],
    ["retention", "--period", "week"],
    ["lifecycle"],
    ["paths", "--from-event", "signed_up"],
    ["metrics", "query", "--metric", "revenue", "--metric", "sessions", "--by", "metric_time:week"],
    ["metrics", "query", "--metric", "weekly_active_users", "--by", "metric_time:week"],
]


@dataclass
class Cluster:
    first: Instance  # as it is asked: with the settings of the cluster
    second: Instance

    def each(self, sql: str) -> list[Any]:
        """One value of each shard."""
        return [shard.rows(sql)[0][0] for shard in (self.first, self.second)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    passwords = {f"MILLRACE_PASSWORD_{user.upper()}": secrets.token_hex(8) for user in (*USERS, "guest")}
    ports = [(free_port(), free_port()) for _ in range(2)]
    shards = "".join(
        f"<shard><replica><host>127.0.0.1</host><port>{native}</port></replica></shard>" for _, native in ports
    )
    declared = (
        f"<clickhouse><remote_servers><{NAME}><secret>{secrets.token_hex(8)}</secret>{shards}</{NAME}>"
        "</remote_servers></clickhouse>"
    )
    with (
        Instance(folder / "first", **_server(ports[0]), **passwords) as first,
        Instance(folder / "second", **_server(ports[1]), **passwords) as second,
    ):
        for shard in (second, first):
            access = shard.project_dir / "access.yaml"
            guest = "users:\n  guest: {role: analyst, projects: [demo_mobile]}\n"
            access.write_text(access.read_text().replace("users:\n", guest))
            private_folder(private_folder(shard.data_dir) / "clickhouse.run")
            (private_folder(shard.data_dir / "clickhouse.run" / "config.d") / "cluster.xml").write_text(declared)
            if shard is first:
                shard.variables |= {
                    "MILLRACE_CLUSTER": NAME,
                    "MILLRACE_SHARDS": f"http://127.0.0.1:{ports[1][0]}",
                }
            shard.up()
        yield Cluster(first, second)


def _server(ports: tuple[int, int]) -> dict[str, str]:
    return {"MILLRACE_HTTP_PORT": str(ports[0]), "MILLRACE_TCP_PORT": str(ports[1]), "MILLRACE_MEMORY": "2GiB"}


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("single") / "millrace") as own:
        own.up()
        yield own


@pytest.fixture(scope="module")
def arrivals(tmp_path_factory: pytest.TempPathFactory) -> list[list[Path]]:
    """Files that arrive one after the other: most events; then late ones, and some that were sent again. Copies of an
    event are in one file: of those in files that are loaded beside each other either may be the first."""
    folder = tmp_path_factory.mktemp("world")
    generate(World(size=12_000), folder / "world")
    lines = []
    for path in sorted((folder / "world" / "events").rglob("*.jsonl*")):
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        lines += [json.loads(line) for line in data.splitlines()]
    lines = [line for line in lines if str(line.get("timestamp") or line.get("original_timestamp")) >= SINCE]
    late = [line for number, line in enumerate(lines) if number % 7 == 0]
    early = [line for number, line in enumerate(lines) if number % 7 != 0]
    first = [write_lines(folder / f"early_{n}.jsonl", _part(early, n, 5)) for n in range(5)]
    second = [write_lines(folder / f"late_{n}.jsonl", _part([*late, *early[:200]], n, 3)) for n in range(3)]
    return [first, second]


def _part(lines: list[dict[str, Any]], number: int, parts: int) -> list[dict[str, Any]]:
    return [line for line in lines if crc32(str(line.get("event_id")).encode()) % parts == number]


def test_what_is_built_and_asked_is_what_a_single_node_says(
    cluster: Cluster, single: Instance, arrivals: list[list[Path]]
) -> None:
    """The cluster builds what is new, twice; the single node everything at once."""
    for files in arrivals:
        for own in (cluster.first, single):
            own.json("load", *map(str, files))
        build(cluster.first)
    build(single)
    assert contents(cluster.first) == contents(single)
    assert all(cluster.each("SELECT count() FROM raw.events"))
    for question in QUESTIONS:
        here, there = (own.json(*question) for own in (cluster.first, single))
        assert rounded(here) == rounded(there), question


def test_people_lie_on_one_shard_each_where_their_sessions_and_funnels_were_made(cluster: Cluster) -> None:
    for table in ("fct_events", "fct_sessions", "fct_page_views", "funnel_signup"):
        people = cluster.each(f"SELECT groupUniqArray((project_id, person_key)) FROM marts.{table}__shard")
        assert all(people)
        assert not {*map(tuple, people[0])} & {*map(tuple, people[1])}
    cluster.second.client().command("SYSTEM FLUSH LOGS")
    for table in ("int_events_sessionised", "funnel_signup", "fct_page_views"):
        # Rows that another server sends are inserted by no query of the engineer's with a SELECT in it.
        ((made,),) = cluster.second.rows(
            "SELECT count() FROM system.query_log WHERE is_initial_query AND user = 'engineer' AND written_rows > 0 "
            f"AND type = 'QueryFinish' AND query ILIKE '%insert into `%`.`{table}\\\\_\\\\_new\\\\_\\\\_shard`%select%'"
        )
        assert made, table


def test_the_rows_of_all_shards_are_not_for_who_may_see_those_of_some_projects(cluster: Cluster) -> None:
    for table in ("fct_events", "fct_sessions"):
        with pytest.raises(DatabaseError, match="Row policy"):
            cluster.first.rows(f"SELECT count() FROM marts.{table}", "guest")
    ((projects,),) = cluster.second.rows("SELECT groupUniqArray(project_id) FROM marts.fct_events__shard", "guest")
    assert set(projects) <= {"demo_mobile"}


def test_without_a_shard_nothing_is_answered_half_and_nothing_lost(
    cluster: Cluster, arrivals: list[list[Path]], tmp_path: Path
) -> None:
    first = cluster.first
    ((events,),), stored = first.rows("SELECT count() FROM marts.fct_events"), cluster.each(EVENTS)
    new = [write_lines(tmp_path / f"new_{n}.jsonl", [event(n, "cluster")]) for n in range(8)]
    assert cluster.second.run("down").returncode == 0
    refused = first.run("sql", "SELECT count() FROM fct_events")
    assert refused.returncode == 1
    assert "a shard of the cluster does not answer: 127.0.0.1:" in refused.stderr
    partial = first.run("sql", "SELECT count() FROM fct_events", "--format", "csv", MILLRACE_PARTIAL_ANSWERS="1")
    ((here,),) = first.rows("SELECT count() FROM marts.fct_events__shard")
    assert partial.stdout.split()[-1] == str(here)
    for command in (["load", *map(str, new)], ["build"], ["migrate"]):
        done = first.run(*command)
        assert done.returncode == 1
        assert "Shard 2 of the cluster 'two' cannot be used" in done.stderr
    cluster.second.up()
    assert first.rows("SELECT count() FROM marts.fct_events") == [(events,)]
    assert first.json("load", *map(str, new))["accepted"] == len(new)
    again = cluster.each(EVENTS)
    assert sum(again) == sum(stored) + len(new)
    assert all(after > before for before, after in zip(stored, again, strict=True))
    # As if the load had been killed before it wrote down that these files are in: each shard knows its pieces.
    first.client().command("TRUNCATE TABLE raw.loaded_files")
    first.json("load", *map(str, [*new, *arrivals[0]]))
    assert cluster.each(EVENTS) == again


def test_who_is_erased_on_each_shard_is_gone_after_a_full_refresh(cluster: Cluster) -> None:
    ((project, user),) = cluster.first.rows(
        "SELECT project_id, user_id FROM raw.events_everywhere WHERE user_id != '' GROUP BY ALL "
        "ORDER BY count() DESC, user_id LIMIT 1"
    )
    whose = f"project_id = '{project}' AND user_id = '{user}'"
    assert all(cluster.each(f"SELECT count() FROM raw.events WHERE {whose}"))  # pieces go by their token
    for shard in (cluster.first, cluster.second):
        shard.client().command(f"DELETE FROM raw.events WHERE {whose}")
    with cluster.first.active() as settings:
        done = run(settings, build_arguments(select=["+fct_events"], full_refresh=True, tests=False))
    assert done.nodes
    assert not done.failed
    assert cluster.each(f"SELECT count() FROM marts.fct_events__shard WHERE {whose}") == [0, 0]
    assert cluster.first.rows(f"SELECT count() FROM marts.fct_events WHERE {whose}") == [(0,)]


def test_steps_for_a_keeper_are_what_clickhouse_can_read(cluster: Cluster) -> None:
    done = cluster.first.run("migrate", "--replicated")
    assert done.returncode == 0, done.stderr
    statements = [part.strip() for part in done.stdout.split(";\n\n") if part.strip()]
    plain = [statement for step in load_steps() for statement in step.statements]
    assert len(statements) == len(plain)
    client = cluster.first.client()
    for before, after in zip(plain, statements, strict=True):
        ((read,),) = client.query("SELECT formatQuery({sql:String})", parameters={"sql": after.rstrip(";")}).result_rows
        if before.startswith(("CREATE", "ALTER")):
            assert f"ON CLUSTER {NAME}" in read.replace("'", "").replace("`", "")
        if "MergeTree" in before:
            assert "Replicated" in read
    assert "non_replicated" not in done.stdout


def rounded(answer: Any) -> Any:
    """Sums of fractions differ by the order in which they are added; how long it took, by the hour."""
    match answer:
        case dict():
            return {name: rounded(value) for name, value in answer.items() if name not in ("seconds", "query_id")}
        case list():
            return [rounded(value) for value in answer]
        case float():
            return pytest.approx(answer, rel=1e-9)
    return answer


def contents(own: Instance) -> dict[str, tuple[Any, ...]]:
    """Of each table that a model makes, read where it is asked: how many rows, and a sum over all of them."""
    found = {}
    for database, table, columns in own.rows(
        "SELECT database, table, groupArray(name) FROM system.columns WHERE database IN ('intermediate', 'marts') "
        "AND table NOT LIKE '%\\\\_\\\\_shard' GROUP BY ALL ORDER BY ALL"
    ):
        name = f"{database}.{table}"
        listed = ", ".join(f"`{column}`" for column in columns if column not in MOMENTS)
        if name in ("intermediate.int_changed_days", "marts.agg_daily_table_quality"):
            continue
        rows = MEANING.get(name, f"SELECT {listed} FROM {name}")
        found[name] = own.rows(f"SELECT count(), groupBitXor(cityHash64(toString(tuple(*)))) FROM ({rows})")[0]
    return found
