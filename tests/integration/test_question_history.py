"""The history of questions in a real warehouse: who may write it, what waits, feedback, the report."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from clickhouse_connect.driver.exceptions import Error

from semantic_layer.ask.history import Row, flush, judge, remember
from tests.support import Instance


@pytest.fixture
def own(instance: Instance) -> Iterator[Instance]:
    instance.up()
    yield instance


def test_a_question_is_one_row_and_feedback_is_its_newer_version(own: Instance) -> None:
    settings = own.settings
    remember(settings, Row("demo", "revenue of a@b.de", "answered", kind="metrics", route="matcher", result_rows=1))
    assert flush(settings)
    remember(settings, Row("demo", "how is Bob", "refused", reason="'bob' is unknown.", unknown_words=["bob"]))
    judge(settings, "", "bad")
    assert flush(settings)
    assert flush(settings)  # nothing waits: nothing is written twice
    rows = own.rows("SELECT question, outcome, feedback, unknown_words FROM ops.questions FINAL ORDER BY asked_at")
    assert rows == [("revenue of (e-mail)", "answered", "", []), ("how is Bob", "refused", "bad", ["bob"])]


def test_rows_wait_for_a_warehouse_that_is_away(own: Instance) -> None:
    settings = own.settings
    remember(settings, Row("demo", "before", "answered"))
    own.run("down")
    assert not flush(settings)
    remember(settings, Row("demo", "meanwhile", "answered"))
    assert not flush(settings)
    own.up()
    assert flush(own.settings)
    rows = own.rows("SELECT question FROM ops.questions FINAL ORDER BY asked_at")
    assert rows == [("before",), ("meanwhile",)]


def test_a_warehouse_that_hangs_is_not_waited_for(own: Instance) -> None:
    settings = own.settings
    pid = own.state.server_pid
    remember(settings, Row("demo", "x", "answered"))
    os.kill(pid, signal.SIGSTOP)
    begun = time.monotonic()
    try:
        assert not flush(settings)
        assert time.monotonic() - begun < 10  # of the two seconds that it may take; the server hangs for ever
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM ops.questions",
        "SELECT * FROM raw.events",
        "SELECT * FROM raw.projects",
        "INSERT INTO raw.projects (project_id) VALUES ('x')",
        "INSERT INTO ops.schema_migrations (version) VALUES (99)",
        "TRUNCATE TABLE ops.questions",
        "ALTER TABLE ops.questions DELETE WHERE 1",
        "DROP TABLE ops.questions",
        "CREATE TABLE ops.mine (n UInt8) ENGINE = Memory",
    ],
)
def test_the_historian_adds_questions_and_does_nothing_else(clickhouse: Instance, sql: str) -> None:
    with pytest.raises(Error, match=r"Not enough privileges|ACCESS_DENIED"):
        clickhouse.client("historian").command(sql)


@pytest.mark.parametrize("user", ["analyst", "bi", "loader", "historian"])
def test_readers_do_not_see_what_others_ask(clickhouse: Instance, user: str) -> None:
    with pytest.raises(Error, match="Not enough privileges"):
        clickhouse.rows("SELECT question FROM ops.questions", user)


def test_questions_are_kept_as_long_as_the_events_of_their_project(clickhouse: Instance) -> None:
    ((engine,),) = clickhouse.rows(
        "SELECT engine_full FROM system.tables WHERE database = 'ops' AND name = 'questions'"
    )
    assert (
        "TTL toDateTime(asked_at) + toIntervalDay(transform(project_id, ['demo', 'demo_mobile'], [730, 365], 730))"
        in str(engine)
    )


def test_the_report_tells_what_to_mend(own: Instance) -> None:
    settings = own.settings
    assert own.run("ask", "--report").stdout == "Nobody has asked anything yet.\n"
    # A number and a word of the grammar are no names to declare.
    for words in (["Bob"], ["bob", "takings", "2024"], ["bob", "bob", "not", "42 %"]):
        reason = f"It is not known what {', '.join(repr(word) for word in words)} means here."
        remember(settings, Row("demo", f"how are {' '.join(words)}", "refused", reason=reason, unknown_words=words))
    remember(settings, Row("demo", "revenue by country", "answered", route="matcher", milliseconds=120))
    remember(settings, Row("demo_mobile", "revenue", "answered", route="llm", milliseconds=4500, tokens=700))
    judge(settings, "", "bad")
    assert flush(settings)
    report = own.json("ask", "--report")
    sums = ("questions", "answered", "empty", "refused", "failed", "by_language_model", "tokens", "good", "bad")
    assert [report[name] for name in sums] == [5, 2, 0, 3, 0, 1, 700, 0, 1]
    assert [(row["word"], row["questions"]) for row in report["unknown_words"]] == [("bob", 3), ("takings", 1)]
    assert [(row["why"], row["questions"]) for row in report["refusals"]] == [("It is not known what … means here.", 3)]
    assert [(row["question"], row["milliseconds"]) for row in report["slow"]] == [("revenue", 4500)]
    assert [row["question"] for row in report["disliked"]] == ["revenue"]
    assert own.json("ask", "--report", "--project", "demo")["questions"] == 4
    table = own.run("ask", "--report")
    assert table.returncode == 0, table.stderr
    assert "5 questions since" in table.stdout
    assert "takings" in table.stdout


def test_feedback_by_command(own: Instance) -> None:
    nothing = own.run("ask", "--good")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "Nothing was asked yet." in nothing.stderr
    remember(own.settings, Row("demo", "revenue", "answered"))
    done = own.run("ask", "--good")
    assert (done.returncode, done.stdout) == (0, "Noted as good: revenue\n"), done.stderr
    assert own.rows("SELECT question, feedback FROM ops.questions FINAL") == [("revenue", "good")]


def test_rows_of_many_at_once_are_each_written_once(own: Instance) -> None:
    settings = own.settings

    def ask(number: int) -> None:
        remember(settings, Row("demo", f"question {number}", "answered", session=f"s{number}"))
        flush(settings)

    with ThreadPoolExecutor(8) as people:
        list(people.map(ask, range(40)))
    assert flush(settings)
    assert own.rows("SELECT count(), uniqExact(question) FROM ops.questions FINAL") == [(40, 40)]
    assert not (settings.data_dir / "ask" / "history" / "waiting.jsonl").read_text()
