"""When the process that waits for questions imports the client of language models."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cli.warm import import_what_a_model_needs


@pytest.mark.parametrize(
    ("environment", "is_imported"),
    [
        ({"MILLRACE_LLM_MODEL": "openai/x", "MILLRACE_ENV_FILE": ""}, True),
        ({"MILLRACE_LLM_MODEL": "", "MILLRACE_ENV_FILE": ""}, False),
        ({"MILLRACE_ENV_FILE": "with.env"}, True),
        ({"MILLRACE_ENV_FILE": "without.env"}, False),
        ({"MILLRACE_ENV_FILE": "missing.env"}, False),
    ],
)
def test_it_is_imported_where_one_may_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], is_imported: bool
) -> None:
    (tmp_path / "with.env").write_text("MILLRACE_LLM_MODEL=openai/x\n")
    (tmp_path / "without.env").write_text("MILLRACE_LLM_MODEL=\n")
    imported: list[str] = []
    monkeypatch.delitem(sys.modules, "litellm", raising=False)
    monkeypatch.setattr("semantic_layer.ask.llm.model.load", lambda: imported.append("litellm"))
    import_what_a_model_needs(environment, str(tmp_path))
    assert bool(imported) is is_imported
