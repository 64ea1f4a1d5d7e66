"""The table of commands, by which a module is imported only when one of its commands is asked for."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from cli.entry import is_question
from cli.first_lines import FIRST_LINES, PANELS
from cli.main import COMMANDS, commands_of
from tests.support import REPOSITORY


def test_every_command_of_a_module_is_in_the_table() -> None:
    for module in set(COMMANDS.values()):
        assert set(commands_of(module)) == {name for name, of in COMMANDS.items() if of == module}


def test_the_help_says_of_each_command_what_it_says_itself() -> None:
    own = {name: commands_of(module)[name] for name, module in COMMANDS.items()}
    assert {name: " ".join(one.help.partition("\n\n")[0].split()) for name, one in own.items()} == FIRST_LINES
    told = {name: panel for panel, names in PANELS.items() for name in names}
    panels = {name: getattr(one, "rich_help_panel", None) for name, one in own.items()}
    assert told == {name: panel for name, panel in panels.items() if isinstance(panel, str)}


def test_the_help_imports_no_command() -> None:
    run = "import sys; sys.argv = ['millrace', '--help']; from cli.main import main"
    tell = "\ntry: main()\nexcept SystemExit: pass\nprint(*(name for name in sys.modules if name.startswith('cli')))"
    done = subprocess.run([sys.executable, "-c", run + tell], capture_output=True, text=True, check=True)
    assert {*done.stdout.splitlines()[-1].split()} == {"cli", "cli.main", "cli.first_lines"}


def test_a_command_does_not_import_the_others() -> None:
    run = "import sys; sys.argv = ['millrace', 'sql', '--help']; from cli.main import main"
    ask = "\ntry: main()\nexcept SystemExit: pass\nprint(*(name for name in sys.modules if name.startswith('cli.')))"
    done = subprocess.run([sys.executable, "-c", run + ask], capture_output=True, text=True, check=True)
    imported = set(done.stdout.splitlines()[-1].split())
    assert "cli.sql" in imported
    assert not {"cli.journeys", "cli.load", "cli.events"} & imported


def test_before_the_process_that_waits_is_asked_nothing_else_is_imported() -> None:
    asked = "from cli import entry; import sys; entry.ask_the_warm(['sql', 'SELECT 1']); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", asked], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    imported = set(done.stdout.split())
    assert {name for name in imported if name.startswith(("cli.", "warehouse."))} == {
        "cli.entry",
        "warehouse.local_sockets",
    }
    assert not {"typer", "pydantic", "rich", "subprocess"} & imported


@pytest.mark.parametrize(
    ("line", "goes"),
    [
        ("ask 'how many orders?' --project demo", True),
        ("ask", False),  # a prompt
        ("ask --session mine", False),
        ("ask --format json 'how many orders?'", True),
        ("ask --explain 'how many orders?'", True),
        ("ask --as-of=2026-06-01 --project demo", False),
        ("ask --bad", False),
        ("metrics query --metric orders", True),
        ("metrics define it --formula 1", False),
        ("metrics", False),
        ("retention", True),
        ("load folder", False),
        ("build", False),
        ("", False),
    ],
)
def test_questions_alone_go_to_the_process_that_waits(line: str, goes: bool) -> None:
    assert is_question(shlex.split(line)) is goes
