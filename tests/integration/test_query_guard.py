"""Limits of roles and quotas of users, as access.yaml has them: said before a query is run, and when it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.error import HTTPError

import pytest

from tests.support import Instance
from warehouse.connection import query_text


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with Instance(tmp_path_factory.mktemp("guarded") / "millrace") as own:
        path = own.project_dir / "access.yaml"
        text = path.read_text().replace("max_rows_to_read: 5000000000", "max_rows_to_read: 1000")
        assert "max_rows_to_read: 1000\n" in text
        path.write_text(text + "  acme: {role: bi, projects: [demo], quota: {hours: 1, queries: 3}}\n")
        own.up()
        own.client().command(
            "CREATE TABLE marts.fct_x ENGINE = MergeTree ORDER BY n SETTINGS index_granularity = 100 "
            "AS SELECT 'demo' AS project_id, number AS n FROM numbers(10000)"
        )
        yield own


def test_an_estimate_is_of_what_the_index_leaves(guarded: Instance) -> None:
    few = "SELECT sum(n) FROM fct_x WHERE n < 250"  # three granules of a hundred
    told = guarded.json("sql", "--explain", few)
    assert (told["rows"], told["allowed_rows"], told["allowed"]) == (300, 1000, True)
    assert [(table["table"], table["parts"]) for table in told["tables"]] == [("marts.fct_x", 1)]
    assert guarded.json("sql", few) == [{"sum(n)": sum(range(250))}]


def test_a_query_over_the_limit_is_refused_and_the_estimate_says_so(guarded: Instance) -> None:
    everything = "SELECT sum(n) FROM fct_x WHERE n >= 0"
    before = guarded.run("sql", "--explain", everything)
    assert before.returncode == 1
    assert "it reads 10,000 rows, and 1,000 may be read" in before.stderr or "reads more rows than" in before.stderr
    refused = guarded.run("sql", everything)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "it reads more rows than analyst may in one query" in refused.stderr
    assert "max_rows_to_read in access.yaml" in refused.stderr
    assert guarded.rows(everything.replace("fct_x", "marts.fct_x")) == [(sum(range(10000)),)]  # as admin
    none = guarded.run("sql", "--explain", "DROP TABLE fct_x")
    assert (none.returncode, "Only a SELECT can be estimated" in none.stderr) == (1, True)


def test_a_quota_ends_one_users_queries_and_nobody_elses(guarded: Instance) -> None:
    target = guarded.endpoint("acme")
    sums = [query_text(target, f"SELECT sum(n) FROM marts.fct_x WHERE n <= {number}") for number in range(3)]
    assert sums == ["0\n", "1\n", "3\n"]
    with pytest.raises(HTTPError) as refused:
        query_text(target, "SELECT sum(n) FROM marts.fct_x WHERE n <= 3")
    assert "queries = 4/3" in refused.value.read().decode()
    assert guarded.rows("SELECT sum(n) FROM marts.fct_x WHERE n <= 3", "bi") == [(6,)]


def test_slow_queries_are_told_together_with_advice(guarded: Instance) -> None:
    for seconds in (2, 5):
        guarded.client().command(
            "INSERT INTO ops.slow_queries (finished_at, user_name, asset, seconds, read_rows, read_bytes, peak_memory, "
            f"failed, query) VALUES (now(), 'analyst', '', {seconds}, 2000000, 1, 1, false, 'SELECT * FROM fct_events')"
        )
    (told,) = guarded.json("slow-queries")
    assert (told["times"], told["seconds"], told["longest"], told["users"]) == (2, 7, 5, ["analyst"])
    assert len(told["advice"]) == 2
    assert "names no days" in guarded.run("slow-queries").stdout


def test_a_plan_is_reckoned_from_what_was_written_down(guarded: Instance) -> None:
    wanted = ("plan", "--events-per-day", "1M", "--retention", "30d", "--cores", "2", "--disk", "1TiB")
    none = guarded.run(*wanted)
    assert (none.returncode, "no events to measure" in none.stderr) == (1, True)
    run = guarded.client().command
    run(
        "INSERT INTO raw.events (project_id, event_id, timestamp) "
        "SELECT 'demo', toString(number), now() FROM numbers(1000)"
    )
    # Two loads: 300 lines in 10 s after the first piece, then, an hour later, 500 lines in 30 s.
    for at, lines in (("10:00:00", 100), ("10:00:10", 300), ("11:00:10", 900), ("11:00:20", 200), ("11:00:40", 300)):
        run(
            "INSERT INTO raw.load_counts (file_id, piece, project_id, reason, lines, loaded_at) "
            f"VALUES ('f', 1, 'demo', '', {lines}, '2026-11-01 {at}')"
        )
    early = guarded.run(*wanted)
    assert (early.returncode, "how long a build takes" in early.stderr) == (1, True)
    run(
        "INSERT INTO ops.model_costs (observed_at, asset, kind, queries, seconds, cpu_seconds) "
        "VALUES (now(), 'marts.fct_events', 'model', 1, 1, 2), (now(), 'marts.fct_events', 'test', 1, 1, 90)"
    )
    told = guarded.json(*wanted)
    assert told["measured"]["load_events_per_second"] == pytest.approx(800 / 40)
    assert told["measured"]["build_cpu_seconds_per_event"] == pytest.approx(2 / 1000)
    assert told["plan"]["load_hours_per_day"] == pytest.approx(1_000_000 / 20 / 3600)
    ((size,),) = guarded.rows(
        "SELECT sum(total_bytes) FROM system.tables WHERE database IN ('raw', 'intermediate', 'marts')"
    )
    assert told["plan"]["disk_bytes"] == pytest.approx(size / 1000 * 30_000_000 / 0.7, rel=0.05)
