"""What of a person is left out of the history before it is kept anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from semantic_layer.ask.history import Row, flush, judge, masked, remember
from semantic_layer.ask.sessions import Session, load_session, save_session
from semantic_layer.metrics.models import Comparison, MetricQuery
from warehouse.errors import MillraceError, WrongUsage
from warehouse.settings import Settings, load_settings

QUERY = MetricQuery(project="demo", metrics=("revenue",), where=Comparison(dimension="user__plan", values=("pro",)))


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("MILLRACE_DATA_DIR", str(tmp_path / "data"))
    yield load_settings()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("revenue of jane.doe@example.com", "revenue of (e-mail)"),
        ("orders of <Jane+x@mail.example.co.uk>, please", "orders of <(e-mail)>, please"),
        ('{"values": ["a@b.de", "pro"]}', '{"values": ["(e-mail)", "pro"]}'),
        ("page /u/jane%40example.com/x", "page /u/(e-mail)/x"),
        ("jürgen@müller.de", "(e-mail)"),
        ("conversion @ checkout", "conversion @ checkout"),
        ("version 2@latest", "version 2@latest"),
    ],
)
def test_addresses_are_masked(text: str, kept: str) -> None:
    assert masked(text) == kept


def test_nothing_of_an_address_is_kept_in_any_file(settings: Settings) -> None:
    row = Row("demo", "orders of jane@example.com", "refused", structure='{"values": ["jane@example.com"]}')
    remember(
        settings,
        Row(**{**vars(row), "reason": "'jane@example.com' is not known", "unknown_words": ["jane@example.com"]}),
    )
    files = [path for path in settings.data_dir.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert "jane" not in path.read_text()
        assert path.stat().st_mode & 0o077 == 0 or path.suffix == ".lock"


def test_without_a_warehouse_rows_wait(settings: Settings) -> None:
    for number in range(3):
        remember(settings, Row("demo", f"question {number}", "answered"))
    assert not flush(settings)
    waiting = (settings.data_dir / "ask" / "history" / "waiting.jsonl").read_text().splitlines()
    assert [json.loads(line)["question"] for line in waiting] == ["question 0", "question 1", "question 2"]


def test_feedback_is_of_the_last_question_of_its_session(settings: Settings) -> None:
    remember(settings, Row("demo", "one", "answered", session="board"))
    remember(settings, Row("demo", "two", "answered"))
    assert judge(settings, "board", "good").question == "one"
    assert judge(settings, "", "bad").question == "two"
    with pytest.raises(MillraceError, match="Nothing was asked in the session 'other' yet"):
        judge(settings, "other", "good")


def test_a_session_keeps_what_was_understood_for_its_owner_alone(settings: Settings) -> None:
    save_session(settings, "board", Session("demo", QUERY))
    assert load_session(settings, "board") == Session("demo", QUERY)
    path = settings.data_dir / "ask" / "board.json"
    assert path.stat().st_mode & 0o777 == 0o600
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "until": "2026-01-01T00:00:00+00:00"}))
    assert load_session(settings, "board") is None
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"until": "2999-01-01T00:00:00+00:00"}', '{"until": 5}'])
def test_a_broken_session_is_a_new_one(settings: Settings, text: str) -> None:
    save_session(settings, "board", Session("demo", QUERY))
    (settings.data_dir / "ask" / "board.json").write_text(text)
    assert load_session(settings, "board") is None


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "a.json", "x" * 65])
def test_a_session_has_a_name_that_is_no_path(settings: Settings, name: str) -> None:
    with pytest.raises(WrongUsage, match="is no name of a session"):
        save_session(settings, name, Session("demo", QUERY))
