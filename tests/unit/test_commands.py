"""The table of commands, by which a module is imported only when one of its commands is asked for."""

from __future__ import annotations

import subprocess
import sys

from cli.main import COMMANDS, commands_of


def test_every_command_of_a_module_is_in_the_table() -> None:
    for module in set(COMMANDS.values()):
        assert set(commands_of(module)) == {name for name, of in COMMANDS.items() if of == module}


def test_a_command_does_not_import_the_others() -> None:
    run = "import sys; sys.argv = ['millrace', 'sql', '--help']; from cli.main import main"
    ask = "\ntry: main()\nexcept SystemExit: pass\nprint(*(name for name in sys.modules if name.startswith('cli.')))"
    done = subprocess.run([sys.executable, "-c", run + ask], capture_output=True, text=True, check=True)
    imported = set(done.stdout.splitlines()[-1].split())
    assert "cli.sql" in imported
    assert not {"cli.journeys", "cli.load", "cli.events"} & imported
