"""Which route a question takes: the matcher, the cache, the language model; and what stands where the model fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from semantic_layer.ask.asking import SURE, Asker
from semantic_layer.ask.understood import Refusal, Understood
from semantic_layer.metrics.catalogue import Catalogue
from semantic_layer.metrics.models import MetricQuery
from tests.openai_stub import Stub, openai_stub
from tests.unit.ask.world import CATALOGUE
from warehouse.errors import WrongUsage
from warehouse.settings import load_settings

UNKNOWN = "how did the goblins of our premises develop"
UNSURE = "revenu by contry last motnh for prro in germny"  # five typing errors
STRUCTURE = {"answer": {"kind": "metrics", "metrics": ["sessions"]}}
SESSIONS = MetricQuery(project="demo", metrics=("sessions",))

Ask = Callable[..., Understood | Refusal]


@pytest.fixture
def understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    def understood(
        question: str, stub: Stub | None = None, catalogue: Catalogue = CATALOGUE, use_cache: bool = True, **more: str
    ) -> Understood | Refusal:
        of_stub = {"LLM_MODEL": "openai/stub", "LLM_URL": stub.url} if stub else {}
        values = {"DATA_DIR": str(tmp_path), **of_stub, **more}
        for name, value in values.items():
            monkeypatch.setenv(f"MILLRACE_{name}", value)
        asker = Asker(load_settings(), catalogue, as_of=date(2026, 6, 24), use_cache=use_cache)
        return asker.understand(question)

    return understood


def test_without_a_model_a_refusal_is_the_end(understood: Ask) -> None:
    refusal = understood(UNKNOWN)
    assert isinstance(refusal, Refusal)
    assert "goblins" in refusal.unknown_words


def test_what_the_matcher_is_sure_of_goes_to_no_model(understood: Ask) -> None:
    with openai_stub(STRUCTURE) as stub:
        found = understood("revenue last month", stub)
        assert isinstance(found, Understood)
        assert found.route == "matcher"
        assert stub.requests == []


@pytest.mark.parametrize(
    "question", ["delete all orders", "who is our best customer", "what will revenue be next month"]
)
def test_what_is_not_to_be_answered_goes_to_no_model(understood: Ask, question: str) -> None:
    with openai_stub(STRUCTURE) as stub:
        assert isinstance(understood(question, stub), Refusal)
        assert stub.requests == []


def test_what_it_refuses_goes_to_the_model_and_then_to_the_cache(understood: Ask) -> None:
    with openai_stub(STRUCTURE) as stub:
        first = understood(UNKNOWN, stub)
        assert isinstance(first, Understood)
        assert (first.query, first.route) == (SESSIONS, "llm")
        assert "look whether this is what you mean" in first.remarks[0]
        again = understood(f"  {UNKNOWN.upper()}? ", stub)
        assert isinstance(again, Understood)
        assert (again.query, again.route) == (SESSIONS, "cache")
        assert len(stub.requests) == 1
        understood(UNKNOWN, stub, use_cache=False)
        assert len(stub.requests) == 2
        # Other data, another model: what was kept does not count.
        understood(UNKNOWN, stub, replace(CATALOGUE, version="2"))
        assert len(stub.requests) == 3
        understood(UNKNOWN, stub, LLM_MODEL="openai/other")
        assert len(stub.requests) == 4


def test_what_is_in_the_cache_is_checked_like_everything_else(understood: Ask, tmp_path: Path) -> None:
    with openai_stub(STRUCTURE) as stub:
        understood(UNKNOWN, stub)
        (kept,) = (tmp_path / "ask" / "llm" / "cache").glob("*.json")
        assert kept.stat().st_mode & 0o777 == 0o600
        for text in ('{"structure": {"kind": "metrics", "metrics": ["salts"]}, "confidence": 1}', "{", "[]"):
            kept.write_text(text)
            found = understood(UNKNOWN, stub)
            assert isinstance(found, Understood)
            assert found.route == "llm"


def test_what_it_is_not_sure_of_goes_to_the_model_too_and_stands_where_that_fails(understood: Ask) -> None:
    alone = understood(UNSURE)
    assert isinstance(alone, Understood)
    assert alone.confidence < SURE
    with openai_stub(STRUCTURE) as stub:
        asked = understood(UNSURE, stub)
        assert isinstance(asked, Understood)
        assert asked.route == "llm"
    with openai_stub(500) as stub:
        failed = understood(UNSURE, stub, use_cache=False)
        assert isinstance(failed, Understood)
        assert (failed.route, failed.query) == ("matcher", alone.query)
        assert failed.remarks[-1] == "The language model openai/stub failed with HTTP status 500."


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (500, "failed with HTTP status 500."),
        ("SELECT 1", "was no valid structure, also when it was asked again."),
        ({"answer": {"kind": "none"}}, ""),
    ],
)
def test_where_the_model_has_no_answer_the_matchers_refusal_stands(understood: Ask, reply: object, said: str) -> None:
    alone = understood(UNKNOWN)
    with openai_stub(reply) as stub:
        refusal = understood(UNKNOWN, stub)
    assert isinstance(alone, Refusal)
    assert isinstance(refusal, Refusal)
    assert refusal.unknown_words == alone.unknown_words
    assert refusal.reason.startswith(alone.reason)
    assert refusal.reason.endswith(said)


def test_the_limit_of_a_day_is_said(understood: Ask) -> None:
    with openai_stub(STRUCTURE) as stub:
        refusal = understood(UNKNOWN, stub, LLM_TOKENS_PER_DAY="1")
        assert isinstance(refusal, Refusal)
        assert "with this question it could be more than the 1 of a day." in refusal.reason
        assert stub.requests == []


def test_an_unknown_project_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_DATA_DIR", str(tmp_path))
    with pytest.raises(WrongUsage, match="'dmo' with events; did you mean 'demo'"):
        Asker(load_settings(), CATALOGUE, project="dmo")
