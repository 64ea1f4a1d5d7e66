"""Questions in words, asked of the built world as a user asks: the rows are those of the truths, the keys are those of
the documentation, and every question leaves a row in the history."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from semantic_layer.ask.answering import Answer
from semantic_layer.ask.asking import Asker
from semantic_layer.journeys import answers
from semantic_layer.journeys.models import Journey
from semantic_layer.metrics.catalogue import load_catalogue
from tests.openai_stub import openai_stub
from tests.support import MILLRACE, REPOSITORY, Instance
from tests.truths.conftest import LoadedWorld

KEYS = {
    "question",
    "understood",
    "confidence",
    "route",
    "columns",
    "rows",
    "reading",
    "chart",
    "suggestions",
    "definitions",
    "remarks",
    "sql",
}


def asked(world: LoadedWorld, question: str, *options: str) -> dict[str, Any]:
    answer: dict[str, Any] = world.instance.json("ask", question, *options)
    assert set(answer) >= KEYS
    assert answer["question"] == question
    assert all(set(column) == {"name", "type", "label", "format"} for column in answer["columns"])
    assert all(len(row) == len(answer["columns"]) for row in answer["rows"])
    assert answer["reading"].endswith(".")
    assert answer["chart"]["reason"].endswith(".")
    return answer


def truths(world: LoadedWorld) -> dict[str, Any]:
    found: dict[str, Any] = world.truths["projects"]["demo"]
    return found


def sessions_of(world: LoadedWorld, month: str) -> int:
    return sum(count for day, count in truths(world)["sessions"]["per_day"].items() if day.startswith(month))


def test_a_metric_has_its_value_and_the_change_since_the_month_before(built: LoadedWorld) -> None:
    answer = asked(built, "sessions in March 2026")
    march, february = sessions_of(built, "2026-03"), sessions_of(built, "2026-02")
    assert answer["understood"]["kind"] == "metrics"
    assert answer["understood"]["metrics"] == ["sessions"]
    assert answer["route"] == "matcher"
    assert answer["rows"][0][:2] == [march, february]
    direction = "up" if march > february else "down"
    assert answer["reading"].startswith(f"Sessions were {march:,} in March 2026, {direction} ")
    assert " on February" in answer["reading"]
    assert answer["chart"]["type"] == "big number"
    (definition,) = answer["definitions"]
    assert definition["name"] == "sessions"
    assert definition["description"]
    assert "fct_sessions" in answer["sql"][0]


def test_a_series_has_a_row_for_each_period_and_its_peak(built: LoadedWorld) -> None:
    answer = asked(built, "sessions per month from January to May 2026")
    expected = {f"2026-{month:02}-01": sessions_of(built, f"2026-{month:02}") for month in range(1, 6)}
    assert dict(answer["rows"]) == expected
    assert answer["chart"]["type"] == "line"
    most = max(expected.values())
    assert f"{most:,}" in answer["reading"]


def test_a_breakdown_has_its_leader(built: LoadedWorld) -> None:
    answer = asked(built, "sessions by channel")
    expected = {channel: count for channel, count in truths(built)["sessions"]["per_channel"].items() if count}
    found = dict(answer["rows"])
    assert sorted(found.values()) == sorted(expected.values())
    (leader, most) = answer["rows"][0]
    assert most == max(expected.values())
    assert answer["reading"].startswith(f"{leader} leads in sessions ")
    assert f" with {most:,}, " in answer["reading"]
    assert answer["chart"]["type"] == "bar"


def test_what_has_no_country_is_none_of_the_top_countries(built: LoadedWorld) -> None:
    everything = asked(built, "revenue by country")["rows"]
    assert any(not country for country, _ in everything[:3])
    top = asked(built, "top 3 countries by revenue")
    assert top["rows"] == [row for row in everything if row[0]][:3]
    assert "Left out: what has no home country." in top["remarks"]


def test_a_funnel(built: LoadedWorld) -> None:
    answer = asked(built, "funnel from product_viewed to product_added to checkout_started to order_completed")
    truth = truths(built)["funnels"]["purchase_ordered"]
    assert answer["understood"]["kind"] == "funnel"
    assert [step["event"] for step in answer["understood"]["steps"]] == truth["steps"]
    assert [row[2] for row in answer["rows"]] == truth["users"]
    first, last = truth["users"][0], truth["users"][-1]
    assert answer["reading"].startswith(f"Of {first:,} people who did product_viewed ")
    assert f" {last:,} (" in answer["reading"]
    assert answer["chart"]["type"] == "funnel"
    assert answer["details"]["steps"][0]["users"] == first


def test_retention(built: LoadedWorld) -> None:
    truth = truths(built)["retention"]["weekly_sign_up_recurring_on"]
    answer = asked(built, f"weekly retention of people who signed up from {truth['from']} to {truth['to']}")
    assert answer["understood"]["kind"] == "retention"
    back = {(row[0], row[2]): row[3] for row in answer["rows"]}
    expected = {
        (cohort["period"], after): people
        for cohort in truth["cohorts"]
        if cohort["size"]
        for after, people in enumerate(cohort["returned_after_1_and_more"][:12], start=1)
    }
    assert back == expected
    assert "were back 1 week later" in answer["reading"]
    assert answer["chart"]["type"] == "heat map"


def test_a_lifecycle(built: LoadedWorld) -> None:
    answer = asked(built, "weekly lifecycle")
    assert answer["understood"]["kind"] == "lifecycle"
    expected = truths(built)["activity"]["lifecycle_per_week"]
    names = ("new", "returning", "resurrecting", "dormant")
    found = {row[0]: dict(zip(names, row[1:], strict=True)) for row in answer["rows"]}
    assert {week: found.get(week, dict.fromkeys(names, 0)) for week in expected} == expected
    assert answer["chart"]["type"] == "stacked bar"
    assert "is incomplete" in answer["reading"]  # the week of 29 June ends in July


def test_stickiness(built: LoadedWorld) -> None:
    answer = asked(built, "on how many days were people active in June 2026")  # its 30 days are the last ones
    assert answer["understood"]["kind"] == "stickiness"
    expected = truths(built)["activity"]["active_days_of_the_last_30"]
    found = dict(answer["rows"])
    assert [found.get(days, 0) for days in range(1, 31)] == expected
    assert answer["chart"]["type"] == "bar"


def test_paths(built: LoadedWorld) -> None:
    answer = asked(built, "what do people do after signed_up")
    assert answer["understood"]["kind"] == "paths"
    assert answer["chart"]["type"] == "paths"
    by_flags = built.instance.json("paths", "--project", "demo", "--from-event", "signed_up")
    assert answer["details"] == by_flags
    most = max((edge for edge in by_flags["edges"] if edge["step"] == 1), key=lambda edge: int(edge["sessions"]))
    assert f"the most frequent next step is {most['to']}" in answer["reading"]


def test_a_question_with_an_unknown_word_is_refused(built: LoadedWorld) -> None:
    done = built.instance.run("ask", "goblins of unicorns last month", "--format", "json")
    assert done.returncode == 1
    refusal = json.loads(done.stdout)
    assert set(refusal) == {"refused", "reason", "unknown_words", "suggestions"}
    assert refusal["refused"] is True
    assert {"goblins", "unicorns"} <= set(refusal["unknown_words"])
    assert refusal["suggestions"]
    # What is suggested is understood.
    assert built.instance.run("ask", refusal["suggestions"][0]).returncode == 0
    table = built.instance.run("ask", "goblins of unicorns last month")
    assert (table.returncode, table.stderr) == (1, "")
    assert "Ask instead: " in table.stdout


def test_what_is_suggested_next_is_answered(built: LoadedWorld) -> None:
    suggestions = asked(built, "sessions in March 2026")["suggestions"]
    assert len(suggestions) == 3
    for suggestion in suggestions:
        assert asked(built, suggestion)["rows"]


def test_today_is_the_last_day_of_the_data_and_that_is_said(built: LoadedWorld) -> None:
    answer = asked(built, "sessions last month")
    assert answer["understood"]["from"] == "2026-05-01"
    assert any("ends on 30 June 2026" in remark and "--as-of" in remark for remark in answer["remarks"])
    assert not any("ends on" in remark for remark in asked(built, "sessions in March 2026")["remarks"])
    earlier = asked(built, "sessions last month", "--as-of", "2026-03-15")
    assert earlier["understood"]["from"] == "2026-02-01"
    assert not any("ends on" in remark for remark in earlier["remarks"])
    gone = asked(built, "sessions in August", "--as-of", "2026-09-15")
    assert "Events end on 30 June 2026: after it there are none." in gone["remarks"]
    wrong = built.instance.run("ask", "sessions", "--as-of", "yesterday")
    assert wrong.returncode == 2


def test_a_session_goes_on_and_feedback_is_of_it(built: LoadedWorld) -> None:
    asked(built, "sessions in March 2026", "--session", "board")
    follow = asked(built, "and by channel?", "--session", "board")
    assert follow["understood"]["metrics"] == ["sessions"]
    assert [grouping["name"] for grouping in follow["understood"]["by"]] != []
    assert follow["understood"]["from"] == "2026-03-01"
    kept = built.instance.data_dir / "ask" / "board.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    # Another session, and none, have not heard of it.
    assert built.instance.run("ask", "and by channel?", "--session", "other").returncode == 1
    assert built.instance.run("ask", "and by channel?").returncode == 1
    asked(built, "page views in March 2026")
    done = built.instance.run("ask", "--bad", "--session", "board")
    assert done.stdout == "Noted as bad: and by channel?\n", done.stderr
    rows = built.instance.rows("SELECT question, feedback FROM ops.questions FINAL WHERE feedback != ''")
    assert ("and by channel?", "bad") in rows
    assert "page views in March 2026" not in {question for question, _ in rows}


def test_every_question_is_a_row(built: LoadedWorld) -> None:
    built.instance.run("ask", "sessions of anna.history@example.com")
    asked(built, "orders in May 2026")
    rows = built.instance.rows(
        "SELECT question, outcome, route, kind, result_rows, milliseconds > 0, JSONExtractString(structure, 'project') "
        "FROM ops.questions FINAL ORDER BY asked_at DESC LIMIT 2"
    )
    assert rows[0] == ("orders in May 2026", "answered", "matcher", "metrics", 1, 1, "demo")
    assert rows[1][:4] == ("sessions of (e-mail)", "refused", "matcher", "")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".json"])
def test_the_chart_as_a_file(built: LoadedWorld, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"chart{suffix}"
    done = built.instance.run("ask", "sessions by channel", "--chart", str(path))
    assert done.returncode == 0, done.stderr
    body = path.read_bytes()
    if suffix == ".png":
        assert body.startswith(b"\x89PNG")
    elif suffix == ".svg":
        assert b"<svg" in body
    else:
        spec = json.loads(body)
        assert spec["$schema"].endswith("/v5.json")
        assert {point["name"] for point in spec["data"]["values"]}
    assert list(tmp_path.iterdir()) == [path]


def test_a_chart_that_cannot_be_written_is_wrong_usage_before_anything_is_asked(built: LoadedWorld) -> None:
    done = built.instance.run("ask", "sessions", "--chart", "chart.pdf")
    assert (done.returncode, done.stdout) == (2, "")
    assert ".png, .svg, .json" in done.stderr
    unwritable = built.instance.run("ask", "sessions", "--chart", "/nowhere/chart.png")
    assert unwritable.returncode == 1
    assert "/nowhere/chart.png cannot be written" in unwritable.stderr


@pytest.mark.parametrize(
    "question",
    [
        "'; DROP TABLE marts.fct_sessions; --",
        "sessions where 1=1 union select salt from vault.salts",
        "{{ env_var('HOME') }}",
        "sessions" + " and" * 3000,
        "\u202esessions\x00",
        "",
    ],
    ids=lambda question: question[:20] or "empty",
)
def test_hostile_questions_are_refused(built: LoadedWorld, question: str) -> None:
    if "\x00" in question:
        question = question.replace("\x00", "\x01")  # no command line carries a NUL
    done = built.instance.run("ask", question, "--format", "json")
    assert done.returncode == 1, done.stdout
    assert json.loads(done.stdout)["refused"] is True


LOADED = """
import sys
sys.argv = ["millrace", "ask", "sessions in March 2026"]
from cli.main import main
try:
    main()
finally:
    print(*sys.modules)
"""


def test_what_was_asked_before_is_answered_without_anything_heavy(built: LoadedWorld) -> None:
    asked(built, "sessions in March 2026")
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        env={**built.instance.environment, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert "rich" in loaded
    assert loaded.isdisjoint(
        {"litellm", "metricflow", "dbt", "pandas", "numpy", "clickhouse_connect", "vl_convert", "plotext"}
    )


def test_explain_shows_the_sql(built: LoadedWorld) -> None:
    question = "sessions in March 2026"
    assert "SELECT" not in built.instance.run("ask", question).stdout
    assert "SELECT" in built.instance.run("ask", question, "--explain").stdout


def test_the_answer_to_a_journey_is_kept_until_the_data_changes(
    built: LoadedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Journey] = []
    ask = answers.ask
    monkeypatch.setattr(answers, "ask", lambda reader, journey: asked.append(journey) or ask(reader, journey))
    question = "weekly retention of users who signed up in February"
    with built.instance.active() as settings:

        def answer(question: str, use_cache: bool = True) -> dict[str, Any]:
            result = Asker(settings, load_catalogue(settings), "demo", use_cache=use_cache).ask(question).result
            assert isinstance(result, Answer)
            return result.as_json()

        first = answer(question)
        assert answer(question) == first
        assert len(asked) == 1
        assert first["details"]["cohorts"] and first["sql"]
        assert answer(question, use_cache=False) == first
        assert len(asked) == 2
        assert answer(question.replace("February", "March")) != first
        assert len(asked) == 3
        built.instance.client().command("OPTIMIZE TABLE marts.dim_projects FINAL")  # other parts, as after a build
        assert answer(question) == first
        assert len(asked) == 4


def test_a_language_model_answers_what_the_matcher_refuses(built: LoadedWorld) -> None:
    question = "how did the goblins of our premises develop"
    structure = {"kind": "metrics", "metrics": ["sessions"], "from": "2026-03-01", "to": "2026-03-31"}
    with openai_stub({"answer": structure}) as stub:
        variables = {"MILLRACE_LLM_MODEL": "openai/stub", "MILLRACE_LLM_URL": stub.url}
        first = built.instance.run("ask", question, "--format", "json", **variables)
        assert first.returncode == 0, first.stderr
        answer = json.loads(first.stdout)
        assert (answer["route"], answer["confidence"]) == ("llm", 0.7)
        assert answer["rows"][0][0] == sessions_of(built, "2026-03")
        again = json.loads(built.instance.run("ask", f"{question}?", "--format", "json", **variables).stdout)
        assert (again["route"], again["rows"]) == ("cache", answer["rows"])
        assert len(stub.requests) == 1
        built.instance.run("ask", question, "--no-cache", **variables)
        assert len(stub.requests) == 2
        # What the matcher understands goes to no model.
        built.instance.run("ask", "sessions in March 2026", **variables)
        assert len(stub.requests) == 2
    rows = built.instance.rows(
        "SELECT route, tokens FROM ops.questions FINAL WHERE question LIKE '%our premises%' ORDER BY asked_at"
    )
    assert rows == [("llm", 120), ("cache", 0), ("llm", 120)]


def test_where_the_model_fails_the_matchers_refusal_stands(built: LoadedWorld) -> None:
    with openai_stub(500) as stub:
        variables = {"MILLRACE_LLM_MODEL": "openai/stub", "MILLRACE_LLM_URL": stub.url}
        done = built.instance.run("ask", "how was the goblins", "--format", "json", **variables)
    assert done.returncode == 1
    refusal = json.loads(done.stdout)
    assert "goblins" in refusal["unknown_words"]
    assert "failed with HTTP status 500" in refusal["reason"]


class Terminal:
    """`millrace ask` at a terminal of its own."""

    def __init__(self, instance: Instance, *arguments: str) -> None:
        self.said = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(
                str(MILLRACE), [str(MILLRACE), "ask", *arguments], {**instance.environment, "TERM": "xterm-256color"}
            )

    def until(self, mark: str, seconds: float = 60) -> str:
        begun, start = time.monotonic(), len(self.said)
        while mark.encode() not in self.said[start:]:
            assert time.monotonic() - begun < seconds, self.said[start:].decode(errors="replace")
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    read = os.read(self.fd, 65536)
                except OSError:
                    break
                if not read:
                    break
                self.said += read
        return self.said[start:].decode(errors="replace")

    def type(self, line: str) -> str:
        os.write(self.fd, f"{line}\n".encode())
        return self.until("\n? ")

    def end(self) -> int:
        os.write(self.fd, b"\x04")
        self.until("\0never")
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def test_the_prompt_keeps_the_context(built: LoadedWorld, tmp_path: Path) -> None:
    terminal = Terminal(built.instance, "--project", "demo")
    terminal.until("? ")
    march = sessions_of(built, "2026-03")
    assert f"{march:,} in March 2026" in terminal.type("sessions in March 2026")
    assert "leads in sessions in March 2026" in terminal.type("and by channel?")
    assert "SELECT" in terminal.type(":explain")
    path = tmp_path / "chart.png"
    assert f"The chart is in {path}." in terminal.type(f":chart {path}")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert "Noted as good: and by channel?" in terminal.type(":good")
    assert "It is not known what" in terminal.type("unicorns")
    assert "There is no answer yet." in terminal.type(":chart other.png")
    assert "There is no :nonsense here." in terminal.type(":nonsense")
    assert terminal.end() == 0
    rows = built.instance.rows("SELECT question, feedback FROM ops.questions FINAL ORDER BY asked_at DESC LIMIT 3")
    assert rows == [("unicorns", ""), ("and by channel?", "good"), ("sessions in March 2026", "")]
    typed = built.instance.data_dir / "ask" / "history" / "typed.txt"
    assert "unicorns" in typed.read_text()
    assert typed.stat().st_mode & 0o777 == 0o600


def test_a_chart_is_drawn_at_a_terminal(built: LoadedWorld) -> None:
    terminal = Terminal(built.instance, "sessions per month", "--project", "demo")
    drawn = terminal.until("\0never")
    assert os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1]) == 0
    assert any(braille in drawn for braille in "⠉⠒⠤⣀")
    assert "⠒" not in built.instance.run("ask", "sessions per month").stdout


def test_without_a_question_and_a_terminal_there_is_nothing_to_do(built: LoadedWorld) -> None:
    done = built.instance.run("ask")
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no question." in done.stderr
