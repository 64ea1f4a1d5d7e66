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
