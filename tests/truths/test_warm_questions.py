"""What questions need is imported before they come."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.truths.conftest import LoadedWorld

PROGRAM = """
import sys
from cli.warm import import_what_questions_need
import_what_questions_need()
before = set(sys.modules)
sys.argv = ["millrace", *sys.argv[1:]]
from cli.main import main
try:
    main()
finally:
    sys.stderr.write("LATE " + " ".join(set(sys.modules) - before))
"""
OURS = ("cli.", "semantic_layer.", "warehouse.", "rich.")


@pytest.mark.parametrize(
    "arguments",
    [
        ("ask", "how many orders in March 2026?"),
        ("ask", "weekly retention of users who signed up in March 2026"),
        ("metrics", "query", "--metric", "orders", "--project", "demo"),
        ("funnel", "--step", "page_viewed", "--step", "signed_up", "--project", "demo"),
        ("retention", "--period", "week", "--project", "demo"),
        ("sql", "SELECT 1"),
    ],
)
def test_a_question_imports_nothing_of_ours(built: LoadedWorld, arguments: tuple[str, ...]) -> None:
    for _ in range(2):  # at first it may have to compile what it asks
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments],
            env=built.instance.environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    late = done.stderr.partition("LATE ")[2].split()
    # Rich has a module per release of Unicode, and takes one by the terminal.
    assert [name for name in late if name.startswith(OURS) and "unicode_data" not in name] == []
