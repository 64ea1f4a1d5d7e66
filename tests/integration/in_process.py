"""`millrace …` without a process for it: the same words, the same output and exit code, for where the process is not
the claim. Most of what a command costs is its start."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from subprocess import CompletedProcess
from typing import Any
from unittest.mock import patch

from cli.main import main
from tests.support import Instance


def run_here(own: Instance, *arguments: str) -> CompletedProcess[str]:
    out, err = StringIO(), StringIO()
    typed = ["millrace", *arguments]
    with own.active(), redirect_stdout(out), redirect_stderr(err), patch.object(sys, "argv", typed):
        try:
            main()
            code: Any = 0
        except SystemExit as ended:
            code = ended.code or 0
    return CompletedProcess(typed, code, out.getvalue(), err.getvalue())


def json_here(own: Instance, *arguments: str) -> Any:
    done = run_here(own, *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
