"""Superset's own environment, in bi/.venv: installed once, and again when bi/requirements.lock is another."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from warehouse.errors import MillraceError
from warehouse.locks import one_at_a_time

FOLDER = Path(__file__).resolve().parent
INSIDE = FOLDER / "inside"  # what runs in that environment
LOCK = FOLDER / "requirements.lock"
ENVIRONMENT = FOLDER / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
MARK = ENVIRONMENT / "installed"  # of which lock


def ensure_environment(tell: Callable[[str], None]) -> Path:
    """The Python of the environment, which is made now where it is missing or another one is wanted."""
    wanted = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if _installed() == wanted:
        return PYTHON
    try:
        ENVIRONMENT.mkdir(exist_ok=True)
        with one_at_a_time(ENVIRONMENT / "lock"):
            if _installed() != wanted:
                tell(
                    f"Installing Superset into {ENVIRONMENT} (once, and again when its lock changes; a minute or two) …"
                )
                _install()
                MARK.write_text(wanted)
    except OSError as error:
        raise MillraceError(
            f"Superset cannot be installed into {ENVIRONMENT}: {error.strerror or error}.",
            hint="This user must be able to write there; it takes about 1 GB.",
        ) from error
    return PYTHON


def _install() -> None:
    if importlib.util.find_spec("uv") is None:
        raise MillraceError(
            "Superset's environment is installed by uv, which is not there.",
            hint="pip install --require-hashes -r requirements/bootstrap.lock",
        )
    MARK.unlink(missing_ok=True)
    if not PYTHON.exists():
        shutil.rmtree(ENVIRONMENT / "bin", ignore_errors=True)
        _run([sys.executable, "-m", "venv", "--without-pip", str(ENVIRONMENT)])
    # Byte code is compiled here: without it every start of Superset takes 4 seconds longer.
    _run(
        [
            *(sys.executable, "-m", "uv", "pip", "sync", "--quiet", "--compile-bytecode", "--require-hashes"),
            *("--python", str(PYTHON), str(LOCK)),
        ]
    )


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[-600:]
        raise MillraceError(
            f"Superset cannot be installed: {said}",
            hint="A package registry must be within reach, as for `make .venv/.installed`.",
        )


def _installed() -> str:
    try:
        return MARK.read_text()
    except OSError:
        return ""


if __name__ == "__main__":
    ensure_environment(lambda text: print(text, file=sys.stderr))  # noqa: T201 - a step of make
