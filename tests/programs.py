"""Programs of Debian's that tests run beside our own."""

from __future__ import annotations

import os
import shutil
from glob import glob

import pytest


def found(name: str, *places: str) -> str | None:
    return shutil.which(name) or next((path for place in places for path in sorted(glob(place), reverse=True)), None)  # noqa: PTH207


def program(name: str, *places: str) -> str:
    """Where it is. Without it the test is left out, except where CI is: .ci/run installs what is missing."""
    if (path := found(name, *places)) is None:
        words = f"There is no {name} here: .ci/run installs Debian's."
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    return path
